"""P&L, exposures and position values of one-position portfolios, worked out by hand from document 01.

Most of these rules no golden table settles; the numbers in brackets are the document's sections. What the
engine stores is held to the figures here, and to what `engine.explain` derives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from engine.analytics.stress.scenarios import load_scenarios
from engine.core.rules import Rules
from engine.core.window import Window
from engine.pipeline.compute import compute
from engine.pipeline.results import Results
from loaders.window import load_window
from tests.builders import STAMP, close, event, flow, portfolio, position, uid
from tests.memory_store import MemoryReader, frame_of
from tests.reference.derivation import differences

DAYS = [date(2025, 3, 10), date(2025, 3, 11), date(2025, 3, 12)]
D, BEFORE = DAYS[0], date(2025, 3, 9)
"""D is a Monday, the day before it has no session."""
LONG_BEFORE = [D - timedelta(days=age) for age in range(40, 0, -1)]
TABLES = ("portfolio_snapshots", "positions", "portfolios")
Row = dict[str, Any]


@dataclass(frozen=True)
class Hand:
    """A portfolio of one position, and what is stored of it.

    closes: of the position's symbol, by day, under the spelling `listed`. stored: figures of the first
    session's snapshot. equity, earlier: of the portfolio, and of its snapshot of 40 days before.
    """

    closes: Mapping[date, str]
    stored: Mapping[str, object]
    lot: Mapping[str, object] = field(default_factory=dict)
    symbol: str = "ABC"
    listed: str = "ABC"
    quantity: str = "1"
    equity: str = "1000.00"
    earlier: str = "1000.00"


def ago(days: int) -> date:
    return D - timedelta(days=days)


MOVED = {ago(1): "10", D: "15"}
PRIVATE = {"investment_class": "PRIVATE"}
WORTH_25, WORTH_LESS, WORTH_0 = (PRIVATE | {"market_value": Decimal(value)} for value in ("25", "-25", "0"))
HANDS = {
    "3.3 rule 4: the previous close may be 9 days old": Hand({ago(9): "10", D: "15"}, {"daily_pnl": 5}),
    "3.3 rule 4: and 10": Hand({ago(10): "10", D: "15"}, {"daily_pnl": 5}),
    "3.3 rule 4: but not 11": Hand({ago(11): "10", D: "15"}, {"daily_pnl": 0}),
    "3.3 rule 4: it may stand on a Sunday": Hand({ago(3): "10", BEFORE: "12", D: "15"}, {"daily_pnl": 3}),
    "Q42: today's close as spelled, others in upper case": Hand(
        MOVED, {"daily_pnl": 0, "long_value": 15}, symbol="abc"
    ),
    "Q42: closes in lower case": Hand(MOVED, {"daily_pnl": 0, "long_value": 0}, symbol="abc", listed="abc"),
    "Q42: closes in both": Hand(MOVED, {"daily_pnl": 0, "long_value": 0}, symbol="abc", listed="Abc"),
    "4.3: a private value above 0": Hand({}, {"long_value": 25}, WORTH_25),
    "4.3: below 0, the entry price": Hand({}, {"long_value": 10}, WORTH_LESS),
    "4.3: 0, the entry price": Hand({}, {"long_value": 10}, WORTH_0),
    "4.3: none, the entry price": Hand({}, {"long_value": 10}, PRIVATE),
    "4.3: no quantity, no exposure": Hand({}, {"long_value": 0}, WORTH_25, quantity="0"),
    "Q14: private has exposure, and no P&L": Hand(MOVED, {"daily_pnl": 0, "long_value": 15}, PRIVATE),
    "Q12: a quantity of 0 is short": Hand(
        {}, {"num_long_positions": 0, "num_short_positions": 1}, quantity="0"
    ),
    "Q10: an earlier equity of 0 gives way": Hand({}, {"equity_balance": 1000}, earlier="0.00"),
    "0.3: 1.005 goes to even": Hand({D: "2.01"}, {"long_value": Decimal("1.00")}, quantity="0.5"),
    "0.3: 1.015 goes to even": Hand({D: "2.03"}, {"long_value": Decimal("1.02")}, quantity="0.5"),
    "0.3: 1.025 goes to even": Hand({D: "2.05"}, {"long_value": Decimal("1.02")}, quantity="0.5"),
    "4.4: 0.7 x 0.05 is 0.034999999999999996": Hand(
        {D: "0.05"}, {"long_value": Decimal("0.03")}, quantity="0.7"
    ),
    "4.6: cash of -10.005 + 100 is 89.995, not 100 - 10.01": Hand(
        {ago(1): "199.99", D: "200.00"},
        {"equity_balance": Decimal("-10.01"), "cash_value": Decimal("90.00")},
        quantity="-0.5",
        equity="-10.00",
        earlier="-10.00",
    ),
}
MARKED = {4: 15, 5: 15, 6: None}
"""5.1: by age in days of the only close, the market value of a share."""


def run(days: Sequence[date], derived: Sequence[str] = TABLES, **tables: Sequence[Row]) -> Results:
    """Return what the engine stores of the sessions; `engine.explain` derives the same."""
    window, rules, scenarios = Window(days[0], days[-1], date(2025, 3, 20)), Rules.legacy(), load_scenarios()
    frames = {name: frame_of(name, rows) for name, rows in tables.items()}
    with MemoryReader(frames) as reader:
        inputs = load_window(reader, window)
    results = compute(inputs, window, rules)
    assert differences(inputs, results, frames, rules, scenarios, derived) == []
    return results


def snapshots(results: Results, owner: str = "P") -> list[Row]:
    rows = results["portfolio_snapshots"].filter(portfolio_id=uid(owner))
    return rows.sort("snapshot_date").to_dicts()


def lot(symbol: str, quantity: str, owner: str, **other: Any) -> Row:
    """Shares bought long ago at 10."""
    return position(symbol, quantity, owner, entry_price=Decimal(10), entry_date=date(2024, 1, 2), **other)


def earlier_snapshot(owner: str, equity: str) -> Row:
    """An earlier snapshot: without one the first session has no P&L."""
    money = ("total_value", "cash_value", "long_value", "short_value", "gross_exposure", "net_exposure")
    zeros = dict.fromkeys((*money, "num_positions", "num_long_positions", "num_short_positions"), 0)
    own = {"id": uid(f"{owner}/earlier"), "portfolio_id": uid(owner), "snapshot_date": ago(40)}
    return own | zeros | {"equity_balance": Decimal(equity), "is_complete": True, "created_at": STAMP}


@cache
def hands() -> Results:
    """Return the results of all hand-made portfolios, each with a symbol of its own, run together."""
    tables: dict[str, list[Row]] = {name: [] for name in ("positions", "market_data_cache")}
    for number, (name, hand) in enumerate(HANDS.items()):
        symbol, listed = (f"{text}{number}" for text in (hand.symbol, hand.listed))
        tables["positions"].append(lot(symbol, hand.quantity, name, **hand.lot))
        tables["market_data_cache"] += [close(day, price, listed) for day, price in hand.closes.items()]
    return run(
        [D],
        **tables,
        portfolios=[portfolio(name, hand.equity) for name, hand in HANDS.items()],
        portfolio_snapshots=[earlier_snapshot(name, hand.earlier) for name, hand in HANDS.items()],
    )


@pytest.mark.parametrize("name", HANDS)
def test_a_portfolio_of_one_position(name: str) -> None:
    [row] = snapshots(hands(), name)
    assert {column: row[column] for column in HANDS[name].stored} == HANDS[name].stored


def test_a_position_is_marked_with_a_close_of_at_most_five_days() -> None:
    results = run(
        [D],
        portfolios=[portfolio()],
        positions=[lot(f"S{age}", "1", "P") for age in MARKED],
        market_data_cache=[close(ago(age), "15", f"S{age}") for age in MARKED],
    )
    values = dict(results["positions"].select("symbol", "market_value").rows())
    assert values == {f"S{age}": value for age, value in MARKED.items()}


def test_private_is_exposed_at_the_value_of_the_session_before() -> None:
    """A mark is looked up as "abc", an exposure as "ABC" [4.3, 5.1]."""
    closes = [close(day, price, "abc") for day, price in zip(DAYS, ("20", "30", "40"), strict=True)]
    results = run(
        DAYS, portfolios=[portfolio()], positions=[lot("abc", "1", "P", **PRIVATE)], market_data_cache=closes
    )
    assert [row["long_value"] for row in snapshots(results)] == [10, 20, 30]


def test_a_deleted_flow_does_not_count() -> None:
    """[3.5]."""
    flows = [flow(D, "50.00"), flow(D, "7.00", "WITHDRAWAL", deleted_at=STAMP)]
    closes = [close(D, "10", "ABC")]
    [row] = snapshots(run([D], portfolios=[portfolio()], equity_changes=flows, market_data_cache=closes))
    assert (row["daily_capital_flow"], row["equity_balance"]) == (50, 1050)


FILTERED = {
    "10,000.00 USD, 1 % of 1,000,000.00": ("100", "990000.00", True),
    "a short of that size": ("-100", "990000.00", True),
    "9,999.99 USD": ("99.9999", "0.00", False),
    "10,000.00 USD, less than 1 % of 1,000,000.01": ("100", "990000.01", False),
    "10,000.01 USD, more than 1 % of 1,000,000.02": ("100.0001", "990000.01", True),
}
"""By case: shares at 100 USD, USD in a private asset, and whether correlations take the shares."""


def test_what_correlations_take_is_decided_exactly() -> None:
    """Both thresholds are inclusive [03 §2.3]."""
    closes = [close(day, "101" if number % 2 else "100", "ABC") for number, day in enumerate(LONG_BEFORE)]
    private = {name: PRIVATE | {"market_value": Decimal(worth)} for name, (_, worth, _) in FILTERED.items()}
    results = run(
        [D],
        ("correlation_calculations", "pairwise_correlations"),
        portfolios=[portfolio(name) for name in FILTERED],
        positions=[
            held
            for name, (quantity, _, _) in FILTERED.items()
            for held in (lot("ABC", quantity, name), lot("PRV", "1", name, **private[name]))
        ],
        market_data_cache=[*closes, close(D, "100", "ABC")],
    )
    matrices = results["correlation_calculations"]
    taken = {name: uid(name) in set(matrices["portfolio_id"]) for name in FILTERED}
    assert taken == {name: kept for name, (_, _, kept) in FILTERED.items()}
    assert set(matrices["positions_included"]) == {1}


EXAMPLE = {
    "daily_pnl": ("0.00", "483.03"),
    "daily_capital_flow": ("0.00", "1000.00"),
    "equity_balance": ("500000.00", "501483.03"),
    "total_value": ("500000.00", "501483.03"),
    "daily_return": ("0.000000", "0.000966"),
    "long_value": ("266705.79", "267126.66"),
    "short_value": ("-8050.62", "-8000.80"),
    "gross_exposure": ("274756.42", "275127.46"),
    "net_exposure": ("258655.17", "259125.86"),
    "cash_value": ("241344.83", "242357.17"),
    "cumulative_pnl": ("0.00", "483.03"),
    "cumulative_realized_pnl": ("0.00", "12.34"),
    "cumulative_capital_flow": ("0.00", "1000.00"),
    "num_positions": ("4", "4"),
    "num_long_positions": ("3", "3"),
    "num_short_positions": ("1", "1"),
    "is_complete": ("True", "True"),
}
MARKS = {
    "AAA": [Decimal("15551.66"), Decimal("652.16")],
    "BBB": [Decimal("-8000.80"), Decimal("456.66")],
    "OPT": [Decimal("1575.00"), Decimal("45.00")],
    "PRV": [None, None],
}
"""By symbol, market_value and unrealized_pnl after the second session."""


def test_the_worked_example() -> None:
    """Two sessions of four positions, a gain and a contribution [9]."""
    days = [date(2025, 3, 3), date(2025, 3, 4)]
    quotes = {"AAA": ("101.2345", "103.3333"), "BBB": ("200.0155", "198.7777"), "OPT": ("4.9000", "5.2500")}
    option = {"position_type": "LC", "investment_class": "OPTIONS"}
    results = run(
        days,
        portfolios=[portfolio(equity="500000.00")],
        positions=[
            position("AAA", "150.5", entry_price=Decimal("99.0000")),
            position("BBB", "-40.25", entry_price=Decimal("210.1234")),
            position("OPT", "3", entry_price=Decimal("5.1000"), **option),
            position("PRV", "1", entry_price=Decimal("250000.0000"), **PRIVATE),
        ],
        market_data_cache=[
            close(day, price, symbol)
            for symbol, prices in quotes.items()
            for day, price in zip(days, prices, strict=True)
        ],
        position_realized_events=[event(days[1], "12.34")],
        equity_changes=[flow(days[1], "1000.00")],
    )
    rows = snapshots(results)
    assert {name: tuple(f"{row[name]}" for row in rows) for name in EXAMPLE} == EXAMPLE
    marks = results["positions"].select("symbol", "market_value", "unrealized_pnl").rows()
    assert {symbol: values for symbol, *values in marks} == MARKS
