"""Scores of forecasts, by hand and against statsmodels."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from engine.analytics.forecasts.forecast_scores import SCORES, TABLE, TESTS, forecast_scores
from tests.analytics.small import LAST, price_panel
from tests.builders import uid

RNG = np.random.default_rng(12)
CLOSES = {
    name: 100 * np.cumprod(1 + RNG.normal(0, 0.01 + 0.002 * k, 80)) for k, name in enumerate("ABCDEFGHIJKL")
}
DAYS = [LAST - timedelta(days=79 - row) for row in range(80)]
P = uid("P0")
NO_RETURNS = pl.DataFrame(schema={"portfolio_id": pl.String, "date": pl.Date, "return": pl.Float64})
NO_SCORES = pl.DataFrame(schema=SCORES)


def forecasts(*rows: tuple[str, date, float]) -> pl.DataFrame:
    schema = {
        "portfolio_id": pl.String,
        "symbol": pl.String,
        "forecast_date": pl.Date,
        "forecast": pl.Float64,
    }
    return pl.DataFrame([(P, *row) for row in rows], schema=schema, orient="row")


def test_a_forecast_is_scored_in_the_session_that_ends_its_horizon() -> None:
    panel = price_panel(CLOSES, sessions=2)
    made = forecasts(("A", DAYS[58], 0.2), ("A", DAYS[57], 0.3), ("A", DAYS[56], 0.3), ("A", DAYS[59], 0.3))
    found = forecast_scores(panel, made, NO_RETURNS, NO_SCORES)[TABLE].sort("calculation_date")
    assert found["calculation_date"].to_list() == [DAYS[78], DAYS[79]]
    assert found["forecast_date"].to_list() == [DAYS[57], DAYS[58]]
    returns = CLOSES["A"][59:80] / CLOSES["A"][58:79] - 1
    variance = (returns**2).mean()
    assert found["realized"][1] == pytest.approx(np.sqrt(252 * variance), abs=5.1e-11)
    ratio = variance / (0.04 / 252)
    assert found["qlike"][1] == pytest.approx(ratio - np.log(ratio) - 1, rel=1e-10)


def test_a_gap_joins_two_returns_and_one_at_an_end_leaves_no_score() -> None:
    gap, open_end, late = (CLOSES["A"].copy() for _ in range(3))
    gap[65] = open_end[79] = late[58] = np.nan
    panel = price_panel({"A": gap, "B": open_end, "C": late})
    made = forecasts(*((name, DAYS[58], 0.2) for name in "ABCZ"))
    found = forecast_scores(panel, made, NO_RETURNS, NO_SCORES)[TABLE]
    assert found["symbol"].to_list() == ["A"]
    kept = np.delete(CLOSES["A"][58:80], 7)
    squares = (kept[1:] / kept[:-1] - 1) ** 2
    assert found["realized"].item() == pytest.approx(np.sqrt(252 * squares.sum() / 21), abs=5.1e-11)


def portfolio_returns(missing: int | None = None) -> pl.DataFrame:
    values = CLOSES["A"][1:] / CLOSES["A"][:-1] - 1
    rows = [
        (P, day, float(value))
        for number, (day, value) in enumerate(zip(DAYS[1:], values, strict=True))
        if number != missing
    ]
    return pl.DataFrame(rows, schema=NO_RETURNS.schema, orient="row")


def test_a_portfolio_needs_a_return_in_each_session() -> None:
    panel = price_panel(CLOSES)
    made = forecasts(("", DAYS[58], 0.2))
    found = forecast_scores(panel, made, portfolio_returns(), NO_SCORES)[TABLE]
    values = CLOSES["A"][59:80] / CLOSES["A"][58:79] - 1
    assert found["realized"].item() == pytest.approx(np.sqrt(252 * (values**2).mean()), abs=5.1e-11)
    assert forecast_scores(panel, made, portfolio_returns(missing=70), NO_SCORES)[TABLE].is_empty()
    assert not forecast_scores(panel, made, portfolio_returns(missing=57), NO_SCORES)[TABLE].is_empty()


def test_the_session_s_positions_are_regressed_together() -> None:
    panel = price_panel(CLOSES)
    made = forecasts(*((name, DAYS[58], 0.1 + 0.03 * k) for k, name in enumerate(CLOSES)))
    found = forecast_scores(panel, made, NO_RETURNS, NO_SCORES)
    test = found[TESTS].row(0, named=True)
    variance = found[TABLE]["realized"].to_numpy() ** 2 / 252
    expected = found[TABLE]["forecast"].to_numpy() ** 2 / 252
    fit = sm.OLS(variance, sm.add_constant(expected)).fit()
    assert (test["subject"], test["scores"]) == ("positions", 12)
    assert (test["intercept"], test["slope"]) == pytest.approx(tuple(fit.params), rel=1e-9)
    assert test["r_squared"] == pytest.approx(fit.rsquared, rel=1e-9)
    assert test["sum_ratio"] == pytest.approx(expected.sum() / variance.sum(), rel=1e-9)
    assert test["qlike"] == pytest.approx(found[TABLE]["qlike"].mean(), rel=1e-12)


def earlier(count: int) -> pl.DataFrame:
    days = [DAYS[0] - timedelta(days=age) for age in range(count, 0, -1)]
    values = RNG.uniform(0.1, 0.4, (count, 3))
    rows = [(P, day, "", day, *map(float, value)) for day, value in zip(days, values, strict=True)]
    return pl.DataFrame(rows, schema=SCORES, orient="row")


def test_a_portfolio_s_own_scores_are_regressed_over_252_of_them() -> None:
    panel, made, before = price_panel(CLOSES), forecasts(("", DAYS[58], 0.2)), earlier(300)
    found = forecast_scores(panel, made, portfolio_returns(), before)
    every = pl.concat([before, found[TABLE]]).tail(252)
    test = found[TESTS].row(0, named=True)
    fit = sm.OLS(
        every["realized"].to_numpy() ** 2 / 252, sm.add_constant(every["forecast"].to_numpy() ** 2 / 252)
    ).fit()
    assert (test["subject"], test["scores"]) == ("portfolio", 252)
    assert (test["intercept"], test["slope"]) == pytest.approx(tuple(fit.params), rel=1e-9)
    assert test["qlike"] == pytest.approx(every["qlike"].mean(), rel=1e-12)


def test_few_scores_have_no_regression() -> None:
    found = forecast_scores(
        price_panel(CLOSES), forecasts(("", DAYS[58], 0.2)), portfolio_returns(), earlier(8)
    )
    test = found[TESTS].row(0, named=True)
    assert (test["scores"], test["slope"], test["intercept"], test["r_squared"]) == (9, None, None, None)
