"""Betas of positions to funds, and of portfolios, with a regression of one factor by numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm

from engine.analytics.factors.style_factors import (
    FactorModel,
    FundCoverage,
    common_betas,
    factor_returns,
    position_betas,
    style_factors,
)
from engine.analytics.panels import PricePanel
from engine.core.job_catalog import NO_FACTOR_DATA, RIDGE_FACTORS, RIDGE_NO_POSITION_BETAS, Reason
from engine.core.rules import Alignment
from engine.numerics.arrays import Bools, Floats, Ints
from tests.analytics.small import lot, open_lots, portfolios, price_panel, window_dates
from tests.builders import uid

RETURNS = np.random.default_rng(2).normal(0, 0.01, 34)


def levels(returns: Floats) -> list[float]:
    return [100.0, *(100.0 * np.cumprod(1 + returns))]


def slope(x: Floats, y: Floats, first: Ints, stop: Ints) -> Floats:
    """Slopes of each window by numpy.polyfit, [D, 1, m]."""
    fits = [[np.polyfit(x[a:b, 0], y[a:b], 1)[0]] for a, b in zip(first, stop, strict=True)]
    return np.array(fits)


def no_data(coverage: FundCoverage) -> Mapping[Reason, Bools]:
    return {NO_FACTOR_DATA: ~coverage.any_return}


MODEL = FactorModel(
    RIDGE_FACTORS, ("F",), ("FUND",), lambda funds: funds, slope, no_data, RIDGE_NO_POSITION_BETAS
)
FUND = levels(RETURNS)
STEEP, TWICE = levels(9 * RETURNS), levels(2 * RETURNS)


def run(
    panel: PricePanel, *lots: dict[str, Any], equity: float = 100.0, ids: Mapping[str, str] | None = None
) -> Any:
    known = {"F": uid("F")} if ids is None else ids
    return style_factors(
        panel, open_lots(*lots), portfolios([[equity]]), window_dates(1), known, "portfolio", MODEL, "used"
    )


def betas(closes: dict[str, list[float]], *symbols: str, alignment: Alignment = "portfolio") -> list[float]:
    panel = price_panel(closes)
    factors, _ = factor_returns(panel, MODEL)
    lots = open_lots(*(lot(symbol, [1.0]) for symbol in symbols))
    if alignment == "common":
        return common_betas(panel, lots, MODEL)[0, 0].tolist()
    return position_betas(panel, lots, MODEL, factors, alignment)[0, 0].tolist()


def test_a_beta_is_the_slope_capped_to_5() -> None:
    found = betas({"FUND": FUND, "A": TWICE, "B": STEEP, "C": levels(-9 * RETURNS)}, "A", "B", "C")
    assert found == pytest.approx([2.0, 5.0, -5.0], rel=1e-9)


def test_without_a_price_there_is_no_beta() -> None:
    assert np.isnan(betas({"FUND": FUND, "A": TWICE}, "A", "B")).tolist() == [False, True]


def test_gaps_of_one_symbol_restrict_its_portfolio_or_only_itself() -> None:
    gappy = [np.nan] * 10 + TWICE[10:]  # 24 returns: under the minimum of 30
    closes = {"FUND": FUND, "A": TWICE, "B": gappy}
    assert np.isnan(betas(closes, "A", "B")).tolist() == [True, True]
    assert np.isnan(betas(closes, "A", "B", alignment="symbol")).tolist() == [False, True]


@pytest.mark.parametrize("symbol", ["A", "FUND"])
def test_a_return_over_a_gap_meets_one_over_the_same_days_where_closes_are_put_on_common_days(
    symbol: str,
) -> None:
    # A is twice the fund but for a hole in which the fund moved: both returns span it.
    noisy = levels(2 * RETURNS + np.random.default_rng(8).normal(0, 0.004, 34))
    closes = {"FUND": FUND, "A": noisy}
    closes[symbol] = [np.nan if 20 <= day < 23 else level for day, level in enumerate(closes[symbol])]
    both = pd.DataFrame(closes).dropna().pct_change().dropna()
    expected = sm.OLS(both["A"], sm.add_constant(both["FUND"])).fit().params["FUND"]
    assert betas(closes, "A", alignment="common") == pytest.approx([expected], rel=1e-9)
    assert betas(closes, "A", alignment="symbol") != pytest.approx([expected], rel=1e-6)


def test_on_common_days_each_symbol_has_its_own_sample() -> None:
    closes = {"FUND": FUND, "A": TWICE, "B": [np.nan] * 10 + TWICE[10:], "C": STEEP}
    found = betas(closes, "A", "B", "C", "NONE", alignment="common")
    assert found[:1] + found[2:3] == pytest.approx([2.0, 5.0], rel=1e-9)
    assert np.isnan(found).tolist() == [False, True, False, True]


def test_coverage_says_which_funds_have_prices() -> None:
    parts, coverage = factor_returns(price_panel({"FUND": FUND}, 2), MODEL)
    assert (coverage.any_return.tolist(), coverage.every_fund.tolist()) == ([True] * 2, [True] * 2)
    assert parts[0].chained.returns[1:, 0] == pytest.approx(RETURNS, abs=1e-12)
    none, coverage = factor_returns(price_panel({"A": TWICE}), MODEL)
    assert (none, coverage.any_return.tolist(), coverage.every_fund.tolist()) == ([], [False], [False])


def test_a_portfolios_beta_is_the_sum_weighted_by_equity() -> None:
    panel = price_panel({"FUND": FUND, "A": TWICE, "B": FUND})
    found = run(
        panel, lot("A", [60.0]), lot("B", [-20.0], position_type="SHORT"), lot("A", [9.0], position_type="LC")
    )
    row = found.tables["factor_exposures"].row(0, named=True)
    assert row["exposure_value"] == pytest.approx(0.6 * 2 - 0.2 * 1, rel=1e-9)  # the option does not count
    assert row["exposure_dollar"] == 100.0
    rows = found.tables["position_factor_exposures"]
    assert rows["exposure_value"].to_list() == pytest.approx([2.0, 1.0], rel=1e-9)
    assert set(rows["quality_flag"]) == {"full_history"}


def test_a_factor_without_a_definition_has_no_rows_and_the_job_fails_without_any() -> None:
    found = run(price_panel({"FUND": FUND, "A": TWICE}), lot("A", [60.0]), ids={})
    assert found.status.select("status", "reason").rows() == [("failed", "no_active_definition")]
    assert all(rows.is_empty() for rows in found.tables.values())


@pytest.mark.parametrize(
    ("closes", "equity", "kind", "reason"),
    [
        ({"FUND": FUND, "A": TWICE}, 0.0, "PUBLIC", "equity_not_positive"),
        ({"FUND": FUND, "A": TWICE}, 1.0, "PRIVATE", "no_public_positions"),
        ({"A": TWICE}, 1.0, "PUBLIC", "no_factor_data"),
        ({"FUND": FUND[-30:], "A": TWICE[-30:]}, 1.0, "PUBLIC", "no_position_betas"),
    ],
)
def test_the_job_says_why_it_has_no_figures(
    closes: dict[str, list[float]], equity: float, kind: str, reason: str
) -> None:
    found = run(price_panel(closes), lot("A", [1.0], investment_class=kind), equity=equity)
    assert found.status["reason"].to_list() == [reason]
    assert pl.concat([frame.select("portfolio_id") for frame in found.tables.values()]).is_empty()
