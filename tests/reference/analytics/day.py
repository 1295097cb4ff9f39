"""All jobs of one portfolio on one date, in the legacy order (02 §1.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .correlations import correlations
from .inputs import Book, FactorExposure, History, PositionBeta, Reference
from .regressions import market_beta, provider_beta, rate_beta
from .results import JobResult
from .returns import Prices
from .stress import FactorMatrix, stress
from .style_factors import ridge_factors, spread_factors
from .volatility import volatility


def new_rows(results: list[JobResult], table: str) -> list[dict[str, Any]]:
    """The rows that the jobs so far have written to a table."""
    return [row for result in results for row in result.rows.get(table, [])]


def with_market_betas(history: History, results: list[JobResult]) -> tuple[PositionBeta, ...]:
    """Earlier market betas and those just written, at 6 dp (02 §1.3)."""
    rows = new_rows(results, "position_market_betas")
    return history.market_betas + tuple(
        PositionBeta(r["position_id"], r["calc_date"], r["beta"]) for r in rows
    )


def with_todays_rows(history: History, results: list[JobResult], reference: Reference) -> History:
    """Earlier rows and those of this pass, rounded, as stress reads them (03 §4.3)."""
    names = {factor_id: name for name, factor_id in reference.factor_ids.items()}
    rates = tuple(
        PositionBeta(r["position_id"], r["calculation_date"], r["ir_beta"])
        for r in new_rows(results, "position_interest_rate_betas")
    )
    exposures = tuple(
        FactorExposure(
            r["calculation_date"],
            names[r["factor_id"]],
            r["exposure_value"],
            r["exposure_dollar"],
        )
        for r in new_rows(results, "factor_exposures")
    )
    return replace(
        history,
        rate_betas=history.rate_betas + rates,
        exposures=history.exposures + exposures,
    )


def portfolio_day(
    book: Book,
    prices: Prices,
    history: History,
    reference: Reference,
    matrix: FactorMatrix,
) -> list[JobResult]:
    """The eight jobs in order: provider beta and stress read what earlier jobs wrote.

    Source: 02 §1.2, §1.3.
    """
    results = [market_beta(book, prices, reference.factor_ids)]
    betas = with_market_betas(history, results)
    results.append(provider_beta(book, reference.profiles, betas, reference.factor_ids))
    results.append(rate_beta(book, prices, reference.factor_ids))
    results.append(spread_factors(book, prices, reference))
    results.append(ridge_factors(book, prices, reference))
    results.append(volatility(book, prices))
    results.append(correlations(book, prices))
    seen = with_todays_rows(history, results, reference)
    results.append(stress(book, seen.exposures, seen.rate_betas, reference.scenarios, matrix))
    return results
