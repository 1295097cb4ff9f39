"""Edits for what-if questions, on worlds small enough for the back of an envelope."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import engine
from engine.analyst import whatif
from engine.analyst.whatif import EditError
from engine.analytics.stress.factor_correlations import FUND_FACTORS, factor_correlations
from engine.core.names import AmbiguousNameError, UnknownNameError
from engine.core.window import Window
from engine.pipeline.inputs import Inputs
from engine.pipeline.results import Results
from loaders.window import load_window
from tests.builders import close, portfolio, position, uid
from tests.memory_store import MemoryReader, frame_of

THURSDAY, FRIDAY, MONDAY = date(2025, 3, 6), date(2025, 3, 7), date(2025, 3, 10)
WINDOW = Window(THURSDAY, MONDAY, date(2025, 3, 20))
CLOSES = {
    "AAA": {THURSDAY: "100", FRIDAY: "101", MONDAY: "103"},
    "BBB": {THURSDAY: "50", FRIDAY: "49", MONDAY: "52"},
}


def inputs(symbols: tuple[str, ...] = (), **tables: list[dict[str, Any]]) -> Inputs:
    rows = {
        "portfolios": [portfolio()],
        "positions": [position()],
        "market_data_cache": [
            close(day, price, symbol) for symbol, prices in CLOSES.items() for day, price in prices.items()
        ],
        **tables,
    }
    with MemoryReader({name: frame_of(name, found) for name, found in rows.items()}) as reader:
        return load_window(reader, WINDOW, symbols=symbols)


@cache
def plain() -> Inputs:
    """Inputs that no test can change."""
    return inputs()


def earned(found: Inputs) -> list[Decimal]:
    """The daily P&L of the only portfolio."""
    return column(engine.compute(found), "daily_pnl")


def column(results: Results, name: str) -> list[Any]:
    return results["portfolio_snapshots"].sort("snapshot_date")[name].to_list()


def money(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


def test_before_any_edit_ten_shares_earn_what_the_price_does() -> None:
    assert earned(inputs()) == money("0.00", "10.00", "20.00")


def test_a_resized_lot_earns_in_proportion() -> None:
    assert earned(whatif.resize_position(inputs(), "AAA", factor="0.5")) == money("0.00", "5.00", "10.00")
    assert earned(whatif.resize_position(inputs(), "AAA", quantity=-3)) == money("0.00", "-3.00", "-6.00")


def test_a_lot_that_turns_short_turns_its_type() -> None:
    short = whatif.resize_position(inputs(), "AAA", factor=-1)
    assert short.positions["position_type"].to_list() == ["SHORT"]
    assert column(engine.compute(short), "short_value") == money("-1000.00", "-1010.00", "-1030.00")


def test_a_dropped_lot_earns_nothing_and_the_others_go_on() -> None:
    two = inputs(positions=[position(), position("BBB")])
    assert earned(whatif.drop_position(two, "AAA")) == money("0.00", "-10.00", "30.00")
    assert earned(whatif.drop_position(two, uid("P/BBB/"))) == money("0.00", "10.00", "20.00")


def test_an_added_lot_earns_from_its_entry_on() -> None:
    loaded = inputs(symbols=("BBB",))
    held = whatif.add_position(loaded, "BBB", 4, entry_price=50)
    assert earned(held) == money("0.00", "6.00", "32.00")
    late = whatif.add_position(loaded, "BBB", -4, entry_date=MONDAY)
    assert earned(late) == money("0.00", "10.00", "8.00")
    assert late.positions.filter(symbol="BBB")["entry_price"].to_list() == [Decimal("52.0000")]
    assert "BBB" in late.visible


def test_shocked_prices_change_the_days_from_the_shock_on() -> None:
    lower = whatif.shock_prices(inputs(), -0.1, since=FRIDAY)
    assert earned(lower) == money("0.00", "-91.00", "18.00")
    one_day = whatif.shock_prices(inputs(), -0.1, since=FRIDAY, until=FRIDAY, symbols="AAA")
    assert earned(one_day) == money("0.00", "-91.00", "121.00")
    other = whatif.shock_prices(inputs(symbols=("BBB",)), 1, since=FRIDAY, symbols=["BBB"])
    assert earned(other) == money("0.00", "10.00", "20.00")


def test_the_value_that_an_unpriced_lot_carries_is_resized_with_it() -> None:
    private = position("HOUSE", "2", investment_class="PRIVATE", market_value=Decimal("500.00"))
    halved = whatif.resize_position(inputs(positions=[private]), "HOUSE", factor=0.5)
    assert column(engine.compute(inputs(positions=[private])), "long_value") == money(*["500.00"] * 3)
    assert column(engine.compute(halved), "long_value") == money(*["250.00"] * 3)


def test_edits_leave_what_they_started_from_alone() -> None:
    loaded = inputs(symbols=("BBB",))
    before = {name: getattr(loaded, name).clone() for name in ("positions", "closes", "universe")}
    whatif.shock_prices(whatif.add_position(loaded, "BBB", 1, entry_price=50), 0.5, since=THURSDAY)
    assert all(getattr(loaded, name).equals(frame) for name, frame in before.items())


@pytest.mark.parametrize(
    ("edit", "error", "told"),
    [
        (lambda i: whatif.resize_position(i, "AAB", factor=2), UnknownNameError, "nearest: AAA"),
        (lambda i: whatif.resize_position(i, "AAA"), EditError, "either factor or quantity"),
        (lambda i: whatif.resize_position(i, "AAA", factor=0), EditError, "drop_position"),
        (lambda i: whatif.resize_position(i, "AAA", quantity="1e13"), EditError, "does not fit"),
        (lambda i: whatif.resize_position(i, "AAA", factor=float("nan")), EditError, "not a finite number"),
        (lambda i: whatif.drop_position(i, "AAA", portfolio="Q"), UnknownNameError, "no portfolio Q"),
        (lambda i: whatif.add_position(i, "CCC", 1), EditError, "no close"),
        (lambda i: whatif.add_position(i, "AAA", "many"), EditError, "not a finite number: many"),
        (lambda i: whatif.add_position(i, "A" * 21, 1, entry_price=1), EditError, "longer than 20"),
        (
            lambda i: whatif.add_position(i, "AAA", 1, entry_price=1, position_type="BUY"),
            EditError,
            "none of LC, LP",
        ),
        (lambda i: whatif.shock_prices(i, -1, since=FRIDAY), EditError, "must be above -1"),
        (lambda i: whatif.shock_prices(i, 0.1, since=date(2025, 4, 1)), EditError, "no close from"),
        (lambda i: whatif.shock_prices(i, "1e9", since=FRIDAY), EditError, "does not fit"),
        (lambda i: whatif.shock_prices(i, 0.1, since=FRIDAY, symbols="AA"), UnknownNameError, "nearest: AAA"),
    ],
)
def test_a_bad_edit_is_an_error_that_says_what_is_wrong(
    edit: Callable[[Inputs], Inputs], error: type[engine.EngineError], told: str
) -> None:
    with pytest.raises(error, match=told):
        edit(plain())


def test_a_quantity_is_for_one_lot_and_a_factor_for_all() -> None:
    two = inputs(positions=[position(name="1"), position(name="2")])
    with pytest.raises(AmbiguousNameError, match="2 positions are called AAA"):
        whatif.resize_position(two, "AAA", quantity=5)
    assert earned(whatif.resize_position(two, "AAA", factor=2)) == money("0.00", "40.00", "80.00")


def test_another_window_ends_earlier_or_is_loaded_anew() -> None:
    loaded = inputs()
    shorter = engine.compute(loaded, Window(THURSDAY, FRIDAY, WINDOW.run_date))
    assert column(shorter, "daily_pnl") == money("0.00", "10.00")
    for other in (
        Window(FRIDAY, MONDAY, WINDOW.run_date),
        Window(THURSDAY, date(2025, 3, 11), WINDOW.run_date),
    ):
        with pytest.raises(engine.EngineError, match="does not cover"):
            engine.compute(loaded, other)


def test_what_changed_holds_both_sides_and_their_difference() -> None:
    two = inputs(positions=[position(), position("BBB")])
    fewer = whatif.drop_position(two, "BBB")
    changed = engine.what_changed(engine.compute(two), engine.compute(fewer))
    pnl = changed["portfolio_snapshots"].select("daily_pnl_before", "daily_pnl_after", "daily_pnl_change")
    assert pnl.rows() == [(0.0, 0.0, 0.0), (0.0, 10.0, 10.0), (50.0, 20.0, -30.0)]
    gone = changed["positions"].filter(symbol_before="BBB")
    assert gone["quantity_after"].to_list() == [None]
    row = changed.summary.filter(table="portfolio_snapshots", figure="equity_balance").row(0, named=True)
    assert (row["cells"], row["largest_change"], row["unit"]) == (2, 20.0, "USD")
    assert "daily_pnl" in changed._repr_html_()


def test_equity_pnl_and_risk_come_first() -> None:
    two = inputs(positions=[position(), position("BBB")])
    before, after = engine.compute(two), engine.compute(whatif.drop_position(two, "BBB"))
    changed = before.compare(after)
    first = changed.headline.filter(pl.col("figure").is_in(["equity_balance", "daily_pnl"]))
    # By hand: on the last day the lot BBB earned 30 of 50 USD, and it lost 10 the day before.
    assert first.select("portfolio", "figure", "unit", "change").rows() == [
        ("P", "equity_balance", "USD", -20.0),
        ("P", "daily_pnl", "USD", -30.0),
    ]
    assert changed.summary["figure"].to_list()[:2] == ["equity_balance", "daily_pnl"]
    assert changed["portfolio_snapshots"].columns[:2] == ["portfolio", "portfolio_id"]
    assert before.compare(before).headline.is_empty()


def fund_closes() -> pl.DataFrame:
    days = pd.bdate_range("2025-01-02", periods=120)
    moves = np.random.default_rng(3).normal(0, 0.01, (120, 2)) @ np.array([[1.0, 0.6], [0.0, 0.8]])
    levels = np.round(100 * np.exp(np.cumsum(moves, axis=0)), 4)
    return pl.DataFrame(
        {
            "symbol": ["SPY"] * 120 + ["VTV"] * 120,
            "date": [*days.date, *days.date],
            "close": levels.T.ravel(),
        }
    )


@pytest.mark.parametrize("half_life", [5.0, 60.0])
def test_another_half_life_weighs_the_days_as_pandas_does(half_life: float) -> None:
    closes = fund_closes()
    found = factor_correlations(closes, date(2025, 7, 1), (-1.0, 1.0), half_life)
    wide = closes.pivot(on="symbol", index="date", values="close").to_pandas().set_index("date")
    returns = wide.pct_change().dropna()
    expected = returns["SPY"].ewm(halflife=half_life).corr(returns["VTV"]).iloc[-1]
    assert found.between(FUND_FACTORS["SPY"], FUND_FACTORS["VTV"]) == pytest.approx(expected, rel=1e-9)


def test_no_half_life_is_the_legacy_s_decay() -> None:
    closes = fund_closes()
    same = np.log(0.5) / np.log(0.94)
    day = date(2025, 7, 1)
    found = factor_correlations(closes, day, (-1.0, 1.0), float(same))
    assert found.rho == pytest.approx(factor_correlations(closes, day, (-1.0, 1.0)).rho, rel=1e-12)
    with pytest.raises(engine.EngineError, match="half_life"):
        engine.Scenarios((), half_life=0.0)
