"""Scenarios of rates, from the closes to the stored row: a book of bonds loses when yields rise."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

import engine
from engine.core.rules import Rules
from tests.test_golden import GOLDEN

DAY = date(2025, 5, 30)
SIGNED = "legacy,rate_weights=signed"


def rate_pnl(quantities: dict[str, float], rules: Rules) -> dict[str, float]:
    """The direct P&L of the rates' scenarios on the last day of a book over the golden closes."""
    rows = pl.read_parquet(GOLDEN / "mixed/inputs/market_data_cache.parquet").filter(
        pl.col("symbol").is_in(["BND", "TLT", "SPY", "VTV", "VUG", "MTUM", "QUAL", "IWM", "USMV"]),
        pl.col("date").is_between(date(2024, 8, 1), DAY),
    )
    closes = rows.pivot("symbol", index="date", values="close").sort("date").rename({"date": "Date"})
    lots = {"Symbol": list(quantities), "Quantity": list(quantities.values()), "Avg Price": 100.0}
    inputs = engine.book(pl.DataFrame(lots), closes, equity=100_000, start=date(2025, 5, 29))
    names = dict(inputs.scenarios.select("id", "scenario_id").iter_rows())
    stored = engine.compute(inputs, rules=rules)["stress_test_results"].filter(calculation_date=DAY)
    found = stored.select(pl.col("scenario_id").replace_strict(names), pl.col("direct_pnl").cast(float))
    return {name: usd for name, usd in found.iter_rows() if name.startswith("rate")}


@pytest.mark.parametrize("symbol", ["TLT", "BND"])
def test_bonds_lose_when_yields_rise_and_gain_when_they_fall(symbol: str) -> None:
    found = rate_pnl({symbol: 100.0}, Rules.corrected())
    assert all(usd < 0 for name, usd in found.items() if "up" in name or "spike" in name)
    assert all(usd > 0 for name, usd in found.items() if "down" in name)
    assert len(found) == 7
    wrong = rate_pnl({symbol: 100.0}, Rules.parse(SIGNED))
    assert all(usd * wrong[name] < 0 for name, usd in found.items())


def test_a_bond_fund_loses_its_duration_times_the_change_of_yield() -> None:
    close = pl.read_parquet(GOLDEN / "mixed/inputs/market_data_cache.parquet").filter(symbol="TLT", date=DAY)
    value = 100 * float(close["close"].item())
    short = rate_pnl({"TLT": -100.0}, Rules.corrected())
    assert short["rates_up_100bp"] == pytest.approx(16.19 * 0.01 * value, abs=0.005)
