"""Money-weighted returns against pyxirr, an implementation of XIRR in Rust, to 1e-8."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from engine.analytics.equity.returns import returns
from tests.analytics.equity.test_returns import path

pyxirr = pytest.importorskip("pyxirr", reason="`bin/setup test` installs it")
TOLERANCE = 1e-8


def of_the_period(flows: dict[date, float], start: date, end: date) -> float:
    """The yearly rate of XIRR as the return of a period of calendar days."""
    rate = pyxirr.xirr(list(flows), list(flows.values()))
    assert rate is not None
    return float((1 + rate) ** ((end - start).days / 365) - 1)


def paid(rows: dict[date, dict[str, Any]], start: date, end: date) -> dict[date, float]:
    """Payments of an investor over a period; what is taken out, at its end too, is above 0."""
    flows = {day: -row["flow"] / 100 for day, row in rows.items() if start < day <= end and row["flow"]}
    flows[start] = -rows[start]["equity"] / 100
    flows[end] = flows.get(end, 0.0) + rows[end]["equity"] / 100
    return flows


@pytest.mark.parametrize("seed", range(20))
def test_money_weighted_returns_are_those_of_pyxirr(seed: int) -> None:
    frame = path(seed)
    exact = frame.with_columns(pl.col("equity", "flow").cast(pl.Int64))
    rows = {row["date"]: row for row in exact.iter_rows(named=True)}
    # A return of one day at a yearly rate is so near to -1 or so large that its digits are lost.
    found = returns(frame.clear(), frame).filter(pl.col("horizon") != "day")
    checked = 0
    for row in found.iter_rows(named=True):
        start, end = row["start_date"], row["calculation_date"]
        if (end - start).days >= 7:
            expected = of_the_period(paid(rows, start, end), start, end)
            assert row["money_weighted"] == pytest.approx(expected, abs=TOLERANCE)
            checked += 1
    assert checked > 350
