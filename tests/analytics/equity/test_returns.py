"""Returns over horizons, against pandas, SciPy's root finder and arithmetic by hand."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.optimize import brentq

from engine.analytics.equity.returns import HORIZONS, money_weighted, returns, starts, time_weighted
from engine.core.calendar import sessions
from tests.builders import uid

DAYS = sessions(date(2024, 11, 20), date(2025, 5, 9))
DAY = np.array(DAYS, dtype="datetime64[D]")
BEGINS = np.arange(len(DAYS)) == 0
FREQUENCIES = {"month": "M", "quarter": "Q", "year": "Y"}


def path(seed: int) -> pl.DataFrame:
    """Cents of a portfolio with flows on some days."""
    rng = np.random.default_rng(seed)
    pnl = np.round(rng.normal(50, 900, len(DAYS)), 2)
    flow = np.where(rng.random(len(DAYS)) < 0.1, np.round(rng.normal(0, 9_000, len(DAYS)), 2), 0.0)
    pnl[0] = 0
    equity = np.round(200_000 + np.cumsum(pnl + flow), 2)
    rows = {"equity": equity, "pnl": pnl, "flow": flow}
    cents = {
        name: pl.Series(np.rint(some * 100).astype(np.int64)).cast(pl.Int128) for name, some in rows.items()
    }
    return pl.DataFrame({"portfolio_id": [uid("P")] * len(DAYS), "date": DAYS, **cents})


def test_horizons_start_with_the_last_session_of_the_period_before() -> None:
    index = pd.DatetimeIndex(DAYS)
    for horizon, frequency in FREQUENCIES.items():
        period = index.to_period(frequency)
        found = starts(DAY, BEGINS, horizon)
        for number, row in enumerate(found):
            before = [other for other in range(number) if period[other] < period[number]]
            assert row == (before[-1] if before else 0)
    assert starts(DAY, BEGINS, "since_start").tolist() == [0] * len(DAYS)
    assert starts(DAY, BEGINS, "day").tolist() == [0, *range(len(DAYS) - 1)]


def money_rate(frame: pd.DataFrame, first: date, last: date) -> float:
    """The root of the flows' value at the end, by Brent's method."""
    flows = {day: paid for day, paid in frame["flow"].items() if first < day <= last}
    span = (last - first).days

    def surplus(rate: float) -> float:
        grown = sum(paid * (1 + rate) ** ((last - day).days / span) for day, paid in flows.items())
        return float(frame["equity"][first] * (1 + rate) + grown - frame["equity"][last])

    return float(brentq(surplus, -0.9, 9, xtol=1e-14))


@pytest.mark.parametrize("seed", range(4))
def test_returns_are_those_of_pandas_and_of_a_root_finder(seed: int) -> None:
    rows = path(seed)
    found = returns(rows.clear(), rows)
    assert found.height == (len(DAYS) - 1) * len(HORIZONS)
    names = ("equity", "pnl", "flow")
    frame = pd.DataFrame({name: (rows[name].cast(pl.Int64) / 100).to_list() for name in names}, index=DAYS)
    daily = 1 + frame["pnl"] / frame["equity"].shift(1)
    for row in found.iter_rows(named=True):
        first, last = row["start_date"], row["calculation_date"]
        growth = np.prod([step for day, step in daily.items() if first < day <= last])
        assert row["time_weighted"] == pytest.approx(growth - 1, abs=1e-12)
        assert row["money_weighted"] == pytest.approx(money_rate(frame, first, last), abs=1e-10)


def test_portfolios_together_have_the_returns_of_each_alone() -> None:
    parts = [path(seed).with_columns(portfolio_id=pl.lit(f"{uid('P')}{seed}")) for seed in range(3)]
    parts[1] = parts[1][20:]
    rows = pl.concat(parts)
    alone = pl.concat([returns(part.clear(), part) for part in parts])
    order = "portfolio_id", "calculation_date", "horizon"
    assert returns(rows.clear(), rows).sort(order).equals(alone.sort(order))


def test_the_returns_of_a_window_are_those_of_the_whole_history() -> None:
    rows = path(9)
    whole = returns(rows.clear(), rows)
    night = returns(rows[:-3], rows[-3:])
    expected = whole.filter(pl.col("calculation_date") >= DAYS[-3])
    assert night.sort("calculation_date", "horizon").equals(expected.sort("calculation_date", "horizon"))


def test_the_example_of_the_page() -> None:
    """1,000 + 100, then 1,100 paid in, then a loss of 220."""
    day, begins = np.array(["2025-03-03", "2025-03-04", "2025-03-05"], dtype="datetime64[D]"), BEGINS[:3]
    equity, pnl, flow = (
        np.array([1000.0, 2200.0, 1980.0]),
        np.array([0.0, 100.0, -220.0]),
        np.array([0.0, 1100.0, 0.0]),
    )
    start, at = np.array([0]), np.array([2])
    assert time_weighted(begins, equity, pnl, start, at) == pytest.approx([-0.01], abs=1e-15)
    # 1000 y^2 + 1100 y = 1980 with y the growth of one of the two days.
    y = (-1100 + np.sqrt(1100**2 + 4 * 1000 * 1980)) / 2000
    assert money_weighted(day, equity, flow, start, at) == pytest.approx([y**2 - 1], abs=1e-12)


def test_an_equity_of_0_or_below_has_no_return() -> None:
    day, begins = np.array(["2025-03-03", "2025-03-04", "2025-03-05"], dtype="datetime64[D]"), BEGINS[:3]
    equity, pnl, flow = np.array([100.0, -50.0, 10.0]), np.array([0.0, -150.0, 60.0]), np.zeros(3)
    start, at = np.array([0, 1, 0]), np.array([1, 2, 2])
    found = time_weighted(begins, equity, pnl, start, at)
    assert found[0] == pytest.approx(-1.5)
    assert np.isnan(found[1:]).all()
    assert np.isnan(money_weighted(day, equity, flow, start, at)).tolist() == [True, True, False]
