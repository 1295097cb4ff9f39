"""Next day's P&L of the open quoted stocks against the P&L that their stored betas predict.

The regression of the P&L on the prediction (`tools.predicted_pnl`) must have a slope of 1 within two standard
errors (Newey and West, five lags): on the golden set `mixed`, and on closes that are generated from a market,
styles and rates with known loadings. With legacy betas, each of which holds the market again, it is some 0.5.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

import engine
from engine.core.calendar import sessions
from engine.core.funds import STYLE_FUNDS
from engine.core.rules import Rules
from tests.test_golden import RUN_DATE, WINDOWS, folder
from tools.predicted_pnl import ALL, Fit, fits, of_store, predictions

START, END = date(2025, 3, 3), date(2025, 9, 30)
DAYS = sessions(date(2024, 8, 1), END)
FUNDS = ("SPY", *STYLE_FUNDS.values(), "TLT")
STOCKS = tuple(f"S{number:02}" for number in range(12))
SOLD = "SOLD"
"""A company that sold its business for cash at `START`: its loading on the market was 2.5, and is 0."""


@cache
def of_mixed() -> dict[str, Fit]:
    found = of_store(folder("mixed", "inputs"), *WINDOWS["mixed"], RUN_DATE, Rules.corrected())
    return {fit.portfolio: fit for fit in found}


@pytest.mark.parametrize("portfolio", ["H1 Global Long Short", "H2 ETF Core", "H3 Growth Mix", ALL])
def test_the_pnl_on_the_prediction_has_a_slope_of_1(portfolio: str) -> None:
    fit = of_mixed()[portfolio]
    assert fit.sessions > 40
    assert abs(fit.t) <= 2.0
    assert fit.error < 0.15


@cache
def prices(seed: int) -> pl.DataFrame:
    """Closes of the funds and of stocks whose returns are loadings on the funds' plus a move of their own."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0, 0.01, (len(DAYS), 1))
    funds = market * [1.0, *rng.uniform(0.7, 1.2, 6), -0.2] + rng.normal(0, 0.004, (len(DAYS), 8)) * [
        0,
        *[1] * 7,
    ]
    beyond = funds[:, 1:] - market * (funds[:, 1:] * market).mean(axis=0) / (market**2).mean()
    stocks = market * rng.uniform(0.5, 1.6, 12) + beyond @ rng.normal(0, 0.8, (7, 12))
    sold = market * np.where([day < START for day in DAYS], 2.5, 0.0)[:, None]
    own = rng.normal(0, 0.008, (len(DAYS), 13))
    levels = 100 * np.cumprod(1 + np.hstack((funds, np.hstack((stocks, sold)) + own)), axis=0)
    return pl.DataFrame(levels, schema=[*FUNDS, *STOCKS, SOLD]).insert_column(0, pl.Series("Date", DAYS))


def fit_of(seed: int, rules: Rules, **quantity: int) -> Fit:
    held = {**dict.fromkeys(STOCKS, 100), **quantity}
    book: dict[str, Any] = {"Symbol": [*held], "Quantity": [*held.values()]}
    inputs = engine.book(book, prices(seed), equity=500_000, start=START)
    return next(fits(predictions(inputs, engine.compute(inputs, rules=rules), rules)))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_so_has_a_book_of_generated_closes(seed: int) -> None:
    fit = fit_of(seed, Rules.corrected(), S01=-100, S05=-100)
    assert fit.sessions > 140
    assert abs(fit.t) <= 2.0
    assert fit.error < 0.15


def test_betas_that_each_hold_the_market_predict_about_twice_the_pnl() -> None:
    assert 0.35 < fit_of(1, Rules.legacy()).slope < 0.7


def test_the_symbols_that_keep_the_slope_from_1_are_told() -> None:
    fit = fit_of(1, Rules.corrected(), SOLD=800)
    assert fit.t < -2.0
    assert fit.by_symbol["symbol"][0] == SOLD
    assert fit.by_symbol["part"].sum() == pytest.approx(fit.slope - 1.0, abs=1e-12)


def test_a_prediction_is_that_of_the_docstring() -> None:
    """One lot and session in plain arithmetic, from the results' own betas."""
    rules, day, after = Rules.corrected(), date(2025, 6, 2), date(2025, 6, 3)
    inputs = engine.book({"Symbol": ["S00"], "Quantity": [10]}, prices(1), equity=5_000, start=day, end=after)
    results = engine.compute(inputs, rules=rules)
    found = predictions(inputs, results, rules).row(0, named=True)
    closes = prices(1)
    window = closes.filter(pl.col("Date").is_between(date(2025, 2, 2), day)).select(FUNDS).to_numpy()
    returns = window[1:] / window[:-1] - 1
    slopes = [np.polyfit(returns[:, 0], returns[:, number], 1)[0] for number in range(1, 8)]
    rows = {name: closes.row(by_predicate=pl.col("Date") == name, named=True) for name in (day, after)}
    move = {fund: rows[after][fund] / rows[day][fund] - 1 for fund in FUNDS}
    first = {
        name: results[name].filter(pl.col(column) == day)
        for name, column in (
            ("position_market_betas", "calc_date"),
            ("position_interest_rate_betas", "calculation_date"),
            ("position_factor_exposures", "calculation_date"),
        )
    }
    names = dict(results["factor_definitions"].select("id", "name").iter_rows())
    styles = {
        names[row["factor_id"]]: row["exposure_value"]
        for row in first["position_factor_exposures"].to_dicts()
    }
    betas = {fund: styles[style] for style, fund in STYLE_FUNDS.items()}
    betas["TLT"] = first["position_interest_rate_betas"]["ir_beta"].item()
    value = 10 * rows[day]["S00"]
    beyond = sum(
        float(betas[fund]) * (move[fund] - slope * move["SPY"])
        for fund, slope in zip(FUNDS[1:], slopes, strict=True)
    )
    assert found["actual"] == pytest.approx(10 * (rows[after]["S00"] - rows[day]["S00"]), abs=1e-3)
    assert found["beyond"] == pytest.approx(value * beyond, rel=1e-3)
    market = float(first["position_market_betas"]["beta"].item())
    assert found["market"] == pytest.approx(value * market * move["SPY"], rel=1e-3)
