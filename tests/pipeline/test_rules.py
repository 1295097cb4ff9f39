"""Each rule, both ways, on a world small enough for the back of an envelope."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.core.window import Window
from engine.pipeline.column_limits import misfits
from engine.pipeline.compute import compute
from engine.pipeline.results import Results
from loaders.window import load_window
from tests.builders import STAMP, close, event, flow, portfolio, position, uid
from tests.memory_store import MemoryReader, frame_of

THURSDAY, FRIDAY, MONDAY = date(2025, 3, 6), date(2025, 3, 7), date(2025, 3, 10)
SATURDAY = date(2025, 3, 8)
WINDOW = Window(THURSDAY, MONDAY, date(2025, 3, 20))


def world(**tables: list[dict[str, Any]]) -> dict[str, pl.DataFrame]:
    rows = {
        "portfolios": [portfolio()],
        "positions": [position()],
        "market_data_cache": [close(THURSDAY, "100"), close(FRIDAY, "101"), close(MONDAY, "103")],
        **tables,
    }
    return {name: frame_of(name, found) for name, found in rows.items()}


def run(frames: dict[str, pl.DataFrame], rules: Rules) -> Results:
    with MemoryReader(frames) as reader:
        return compute(load_window(reader, WINDOW), WINDOW, rules)


def column(results: Results, name: str) -> list[Any]:
    return results["portfolio_snapshots"].sort("snapshot_date")[name].to_list()


def test_a_closed_lot_earns_on_or_stops_at_its_exit() -> None:
    frames = world(positions=[position(exit_date=MONDAY, exit_price=Decimal(102))])
    legacy = Rules.legacy()
    assert column(run(frames, legacy), "daily_pnl") == [Decimal("0.00"), Decimal("10.00"), Decimal("20.00")]
    stopped = replace(legacy, closed_lots="stop")
    assert column(run(frames, stopped), "daily_pnl") == [Decimal("0.00"), Decimal("10.00"), Decimal("0.00")]


def test_weekend_cash_is_lost_or_booked_on_monday() -> None:
    frames = world(
        position_realized_events=[event(SATURDAY, "7.50")], equity_changes=[flow(SATURDAY, "200.00")]
    )
    legacy = Rules.legacy()
    assert column(run(frames, legacy), "equity_balance")[-1] == Decimal("1030.00")
    booked = run(frames, replace(legacy, off_session_cash="next_session"))
    assert column(booked, "daily_realized_pnl") == [Decimal("0.00"), Decimal("0.00"), Decimal("7.50")]
    assert column(booked, "daily_capital_flow") == [Decimal("0.00"), Decimal("0.00"), Decimal("200.00")]
    assert column(booked, "equity_balance")[-1] == Decimal("1237.50")


def test_cash_between_the_windows_belongs_to_the_first_session_that_follows() -> None:
    frames = world(equity_changes=[flow(date(2025, 3, 2), "50.00"), flow(date(2025, 2, 27), "9.00")])
    booked = Rules.corrected()
    monday = Window(date(2025, 3, 3), date(2025, 3, 3), date(2025, 3, 20))
    with MemoryReader(frames) as reader:
        found = compute(load_window(reader, monday), monday, booked)
    assert column(found, "daily_capital_flow") == [Decimal("50.00")]


def test_a_ticker_that_begins_with_eq_is_priced_or_not() -> None:
    frames = world(
        positions=[position("EQIX")],
        market_data_cache=[close(THURSDAY, "700", "EQIX"), close(MONDAY, "710", "EQIX")],
    )
    legacy = Rules.legacy()
    assert run(frames, legacy)["positions"]["market_value"].to_list() == [None]
    priced = run(frames, replace(legacy, synthetic_prefix="none"))
    assert priced["positions"]["market_value"].to_list() == [Decimal("7100.00")]
    assert priced["positions"]["unrealized_pnl"].to_list() == [Decimal("6100.00")]


def test_a_figure_too_wide_for_its_column_fails_its_portfolio_alone() -> None:
    frames = world(
        portfolios=[portfolio(), portfolio("Q", "0.01")],
        positions=[position(), position(owner="Q", quantity="100")],
    )
    results = run(frames, Rules.legacy())  # Q: 100 shares gain 100.00 on 0.01: a return of 10,000
    assert results.failures["column"].unique().to_list() == ["daily_return"]
    assert results.failures["reason"][0] == "daily_return does not fit numeric(8,6)"
    assert results["portfolio_snapshots"]["portfolio_id"].unique().to_list() == [portfolio()["id"]]
    assert results["batch_run_tracking"].is_empty()
    status = results["analytics_status"].filter(pl.col("portfolio_id") == portfolio("Q")["id"])
    assert status["status"].unique().to_list() == ["failed"]


def profile(symbol: str, beta: str) -> dict[str, Any]:
    stamps = {"last_updated": STAMP, "created_at": STAMP, "updated_at": STAMP}
    return {"symbol": symbol, "beta": Decimal(beta), "data_source": "test", **stamps}


def test_an_exposure_too_wide_for_its_column_fails_its_portfolio_alone() -> None:
    still = [close(day, "100", "BBB") for day in WINDOW.sessions]
    known = world()
    others = {
        "company_profiles": frame_of("company_profiles", [profile("BBB", "1.2")]),
        "market_data_cache": pl.concat([known["market_data_cache"], frame_of("market_data_cache", still)]),
    }
    without = run(known | others, Rules.legacy())
    thin = world(  # Q: 500 shares at 100 on an equity of 0.01: a beta of 50,000 x 1.2 / 0.01 = 6,000,000
        portfolios=[portfolio(), portfolio("Q", "0.01")],
        positions=[position(), position("BBB", owner="Q", quantity="500")],
    )
    results = run(thin | others, Rules.legacy())
    assert set(results.failures["portfolio_id"]) == {portfolio("Q")["id"]}
    assert "exposure_value does not fit numeric(12,6)" in results.failures["reason"].to_list()
    for name, expected in without.tables.items():
        if name not in ("analytics_status", "batch_run_tracking"):
            assert results[name].equals(expected), name
    status = results["analytics_status"]
    of_q = pl.col("portfolio_id") == uid("Q")
    assert status.filter(of_q)["status"].unique().to_list() == ["failed"]
    assert status.filter(~of_q).equals(without["analytics_status"])


def test_a_figure_that_rounds_to_its_column_s_limit_does_not_fit() -> None:
    table = TABLES["factor_exposures"]
    rows = pl.DataFrame(
        {
            "portfolio_id": [uid("P")] * 3,
            "factor_id": ["a", "b", "c"],
            "calculation_date": [FRIDAY] * 3,
            "exposure_value": [999_999.9999996, 999_999.9999994, -999_999.9999996],
        }
    )
    assert misfits(table, rows)["value"].to_list() == ["999999.9999996", "-999999.9999996"]
