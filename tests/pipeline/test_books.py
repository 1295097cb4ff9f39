"""The books of portfolios that trade, against a plain loop in exact decimals (`tests.reference.books`).

Random worlds with everything that a lot can go through: entries, exits with and without a price, deletions,
expirations, events of a part, of the whole, of nothing, of more than there is, before the entry and
after the end, several on a day; snapshots that are days old, gaps, closes of 0 and of weekends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import engine
from engine.core.calendar import sessions
from engine.core.rules import Rules
from engine.core.window import Window
from engine.pipeline.compute import compute
from engine.pipeline.inputs import Inputs
from engine.pipeline.results import Results
from loaders.window import load_window
from tests.builders import event, uid
from tests.marks import first
from tests.memory_store import MemoryReader, frame_of
from tests.reference.books import (
    OPTIONS,
    ZERO,
    Book,
    cents,
    closes_by_symbol,
    private,
    quoted_by_symbol,
    units,
)
from tests.reference.worlds import World, draw_world

GOLDEN = Path(__file__).parents[1] / "golden"
CORRECTED = replace(Rules.corrected(), inconsistent_rows="computed")
WINDOWS = {
    "mixed": (date(2025, 3, 3), date(2025, 5, 30)),
    "edge": (date(2025, 4, 7), date(2025, 4, 11)),
}
GRAIN = 8
CALENDAR = sessions(date(2023, 1, 3), date(2026, 6, 30))
Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Computed:
    """Results by corrected rules, and the rows that they came from."""

    inputs: Inputs
    results: Results
    rows: Rows

    def books(self) -> list[tuple[str, Book, Decimal]]:
        """The books of the portfolios that were computed, with their opening equity."""
        found = []
        closes = closes_by_symbol(self.rows["market_data_cache"])
        raw: dict[str, dict[date, tuple[Decimal, Decimal]]] = {}
        for price in self.rows.get("engine_raw_closes", []):
            both = price["raw_close"], price["adjusted_close"]
            raw.setdefault(price["symbol"], {})[price["date"]] = both
        paid: dict[str, dict[date, Decimal]] = {}
        for action in self.rows.get("engine_price_actions", []):
            paid.setdefault(action["symbol"], {})[action["date"]] = action["value"]
        for row in self.results["portfolios"].sort("id").to_dicts():
            owner = row["id"]
            mine = {
                name: [r for r in rows if r.get("portfolio_id") == owner] for name, rows in self.rows.items()
            }
            days = self.inputs.window.sessions
            past = [r for r in mine.get("portfolio_snapshots", []) if r["equity_balance"] is not None]
            stored = sorted((r["snapshot_date"], r["equity_balance"]) for r in past)
            book = Book(
                positions=mine["positions"],
                events=mine["position_realized_events"],
                flows=mine["equity_changes"],
                closes=quoted_by_symbol(closes, raw, paid),
                dividends=paid,
                quoted_from={symbol: min(days) for symbol, days in raw.items()},
                sessions=days,
                before=stored[-1][0] if stored else None,
                founded=stored[0][0] if stored else days[0],
                calendar=CALENDAR,
            )
            own = next(r["equity_balance"] for r in self.rows["portfolios"] if r["id"] == owner)
            found.append((owner, book, (stored[-1][1] if stored else None) or own))
        return found


def computed(rows: Rows, window: Window, rules: Rules = CORRECTED) -> Computed:
    frames = {name: frame_of(name, some) for name, some in rows.items()}
    with MemoryReader(frames) as reader:
        inputs = load_window(reader, window)
    exact = {name: frame.to_dicts() for name, frame in frames.items()}
    exact.setdefault("position_realized_events", [])
    exact.setdefault("equity_changes", [])
    return Computed(inputs, compute(inputs, window, rules), exact)


@cache
def golden(name: str) -> Computed:
    start, end = WINDOWS[name]
    folder = GOLDEN / name / "inputs"
    store = engine.open(f"parquet://{folder}")
    inputs = store.inputs(start, end, run_date=date(2026, 11, 23))
    tables = ("portfolios", "positions", "position_realized_events", "equity_changes", "market_data_cache")
    rows = {table: pl.read_parquet(folder / f"{table}.parquet").to_dicts() for table in tables}
    return Computed(inputs, engine.compute(inputs, rules=CORRECTED), rows)


def trading(world: World, seed: int) -> Rows:
    """The world's rows, with lots and events of all kinds."""
    rng = np.random.default_rng([seed, 19])
    tables = {name: [dict(row) for row in rows] for name, rows in world.tables.items()}
    days = world.window.sessions
    around = [days[0] + timedelta(days=n) for n in range(-9, (days[-1] - days[0]).days + 4)]

    def one(*choices: Any) -> Any:
        return choices[int(rng.integers(len(choices)))]

    def some_day() -> date:
        return around[int(rng.integers(len(around)))]

    for lot in tables["positions"]:
        if lot["position_type"] in OPTIONS and rng.random() < 0.7:
            lot |= {"expiration_date": some_day(), "strike_price": one(Decimal(100), Decimal(3), None)}
        if lot.get("exit_date") is not None:
            lot["exit_price"] = one(Decimal(90), None, Decimal("91.2345"))
        if rng.random() < 0.2:
            lot["deleted_at"] = datetime.combine(some_day(), datetime.min.time(), UTC)
        if rng.random() < 0.15:
            lot["quantity"] = Decimal(0)
    events = []
    for number in range(int(rng.integers(0, 14))):
        lot = (
            tables["positions"][int(rng.integers(len(tables["positions"])))] if tables["positions"] else None
        )
        if lot is None:
            continue
        ends = [d for d in (lot.get("exit_date"), lot.get("expiration_date")) if d is not None]
        size = one(
            lot["quantity"], lot["quantity"], Decimal(1), Decimal("2.5"), ZERO, abs(lot["quantity"]) + 5
        )
        row = event(one(some_day(), *ends, *ends), f"{rng.normal(0, 900):.2f}")
        own = {"portfolio_id": lot["portfolio_id"], "position_id": lot["id"], "id": uid(f"event {number}")}
        events.append(row | own | {"quantity_closed": one(size, abs(size), -size)})
    tables["position_realized_events"] = events
    return with_dividends(tables, seed) if seed % 2 else tables


def with_dividends(tables: Rows, seed: int) -> Rows:
    """The tables with quoted closes of some symbols, with gaps, and with dividends, some of them booked."""
    rng = np.random.default_rng([seed, 12])
    raw, actions, events = [], [], []
    for symbol, closes in closes_by_symbol(tables["market_data_cache"]).items():
        days = sorted(closes)
        cash = {day: Decimal(f"{rng.uniform(0.01, 3):.4f}") for day in days[-9:] if rng.random() < 0.2}
        stamp = {"symbol": symbol, "fetched_at": datetime(2025, 1, 1, tzinfo=UTC)}
        actions += [
            {"id": uid(f"paid {symbol} {day}"), "date": day, "kind": "dividend", "value": value} | stamp
            for day, value in cash.items()
        ]
        if rng.random() < 0.7:
            first = int(rng.integers(0, len(days)))
            for day in days[first:]:
                if closes[day] > 0 and rng.random() < 0.9:
                    later = sum((value for paid, value in cash.items() if paid > day), ZERO)
                    prices = {"raw_close": closes[day] + later, "adjusted_close": closes[day]}
                    raw.append({"id": uid(f"raw {symbol} {day}"), "date": day} | prices | stamp)
        lots = [lot for lot in tables["positions"] if lot["symbol"].upper() == symbol]
        for day, value in cash.items():
            events += [
                event(day, f"{cents(lot['quantity'] * value)}")
                | {"id": uid(f"booked {lot['id']} {day}"), "quantity_closed": ZERO}
                | {"portfolio_id": lot["portfolio_id"], "position_id": lot["id"]}
                for lot in lots
                if rng.random() < 0.5
            ]
    more = {"engine_raw_closes": raw, "engine_price_actions": actions}
    return {
        **tables,
        **more,
        "position_realized_events": [*tables["position_realized_events"], *events],
    }


@cache
def drawn(seed: int) -> Computed:
    world = draw_world(seed)
    return computed(trading(world, seed), world.window)


def snapshots(found: Computed, owner: str) -> list[dict[str, Any]]:
    rows = found.results["portfolio_snapshots"].filter(portfolio_id=owner)
    return rows.sort("snapshot_date").to_dicts()


def differences(found: Computed) -> list[str]:
    """Cells of P&L, equity, quantities and counts that are not the loop's."""
    lots = {
        (row["position_id"], row["calculation_date"]): row
        for row in found.results["engine_lot_pnl"].iter_rows(named=True)
    }
    wrong = []
    for owner, book, opening in found.books():
        rows = (
            found.results["portfolio_snapshots"].filter(portfolio_id=owner).sort("snapshot_date").to_dicts()
        )
        equity = opening
        for row in rows:
            day = row["snapshot_date"]
            total = book.total(day)
            equity += total + book.flow(day)
            held = [lot for lot in book.positions if book.held(lot, day)]
            for column, value in (
                ("daily_pnl", cents(total)),
                ("equity_balance", cents(equity)),
                ("num_positions", len(held)),
            ):
                if row[column] != value:
                    wrong.append(f"{column} {day}: {row[column]}, by the loop {value}")
            for lot in book.positions:
                stored = lots.get((lot["id"], day), {"pnl": ZERO, "quantity": ZERO, "income": ZERO})
                expected = tuple(
                    round(figure, GRAIN)
                    for figure in (book.pnl(lot, day), book.held(lot, day), book.lot_income(lot, day))
                )
                if (stored["pnl"], stored["quantity"], stored["income"]) != expected:
                    wrong.append(f"{lot['symbol']} {day}: {stored}, by the loop {expected}")
    return wrong


@pytest.mark.parametrize("name", first(1, ["edge", "mixed"]))
def test_the_books_of_the_golden_sets_are_those_of_the_loop(name: str) -> None:
    assert differences(golden(name)) == []


@pytest.mark.parametrize("seed", range(8))
def test_the_books_of_a_random_world_are_those_of_the_loop(seed: int) -> None:
    assert differences(drawn(seed)) == []


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(8, 200))
def test_the_books_of_more_random_worlds_are_those_of_the_loop(seed: int) -> None:
    assert differences(drawn(seed)) == []


@pytest.mark.parametrize("name", WINDOWS)
def test_the_p_and_l_of_a_lot_adds_up_to_its_end_less_its_start(name: str) -> None:
    found = golden(name)
    sums = dict(found.results["engine_lot_pnl"].group_by("position_id").agg(pl.col("pnl").sum()).iter_rows())
    checked = 0
    for _, book, _ in found.books():
        for lot in book.positions:
            if not private(lot) and book.close(lot["symbol"], book.sessions[-1]):
                assert cents(sums.get(lot["id"], ZERO)) == cents(book.start_to_end(lot)), lot["symbol"]
                checked += 1
    assert checked == {"mixed": 75, "edge": 12}[name]


def test_the_closed_lot_of_the_golden_set_earns_what_it_earned() -> None:
    """300 shares from the close of the first session, 211.6319, to the exit price, 225.7303: 4,229.52."""
    found = golden("mixed")
    lot = next(row for row in found.rows["positions"] if row["symbol"] == "MRN")
    mine = found.results["engine_lot_pnl"].filter(position_id=lot["id"])
    assert mine["pnl"].sum() == 300 * (lot["exit_price"] - Decimal("211.6319")) == Decimal("4229.52")
    assert mine.filter(calculation_date=lot["exit_date"]).select("life", "quantity", "notice").row(0) == (
        "closed",
        ZERO,
        "exit_price_differs",
    )


@pytest.mark.parametrize("name", WINDOWS)
def test_nothing_is_left_over(name: str) -> None:
    """Equity less what was paid in, what lots are worth and what trades brought, each day: 0.00.

    From stored equity and closes, without any P&L: a lot that is bought takes its cost from cash, a part that
    is closed brings its price.
    """
    found = golden(name)
    for owner, book, opening in found.books():
        rows = (
            found.results["portfolio_snapshots"].filter(portfolio_id=owner).sort("snapshot_date").to_dicts()
        )
        lots = [lot for lot in book.positions if not private(lot)]
        lots = [lot for lot in lots if book.close(lot["symbol"], book.sessions[-1])]
        cash = opening - sum((book.value(lot, book.founded) for lot in lots), ZERO)
        for row in rows:
            day = row["snapshot_date"]
            cash += book.flow(day) + book.income(day) + sum((traded(book, lot, day) for lot in lots), ZERO)
            worth = sum((book.value(lot, day) for lot in lots), ZERO)
            assert row["equity_balance"] - cents(cash + worth) == 0, (owner, day)


def traded(book: Book, lot: dict[str, Any], day: date) -> Decimal:
    """Cash that a lot brings in a session after the founding: sales less the purchase."""
    last = book.last(day)
    if last is None:
        return ZERO
    parts = [part for part in book.tranches(lot) if part.end is None or part.end > last]
    bought = sum((part.quantity for part in parts), ZERO) if last < lot["entry_date"] <= day else ZERO
    ended = [part for part in parts if part.end is not None and part.end <= day and lot["entry_date"] <= day]
    sold = sum((part.quantity * (book.price(lot, part, day) or ZERO) for part in ended), ZERO)
    return units(lot) * (sold - bought * lot["entry_price"])


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(6))
def test_night_by_night_equals_one_window(seed: int) -> None:
    """P&L, equity and lots; each night starts from what the night before has stored."""
    world = draw_world(seed)
    rows = trading(world, seed)
    whole = computed(rows, world.window)
    run_date = world.window.run_date
    state = {name: list(some) for name, some in rows.items()}
    for day in world.window.sessions:
        night = computed(state, Window(day, day, run_date))
        for table in ("portfolio_snapshots", "engine_lot_pnl", "engine_portfolio_pnl"):
            date_column = "snapshot_date" if table == "portfolio_snapshots" else "calculation_date"
            expected = whole.results[table].filter(pl.col(date_column) == day)
            columns = [
                name
                for name in expected.columns
                if name not in ("created_at", "updated_at") and "beta" not in name
            ]
            assert night.results[table].select(columns).equals(expected.select(columns)), (day, table)
            state[table] = [*state.get(table, []), *night.results[table].to_dicts()]
        for table in ("portfolios", "positions"):
            fresh = {row["id"]: row for row in night.results[table].to_dicts()}
            state[table] = [fresh.get(row["id"], row) for row in state[table]]


PAIRS = [
    replace(Rules.legacy(), **{one: getattr(CORRECTED, one), other: getattr(CORRECTED, other)})
    for number, one in enumerate(CORRECTED.record)
    for other in list(CORRECTED.record)[number:]
]


@pytest.mark.thorough
@pytest.mark.parametrize("rules", PAIRS, ids=str)
def test_all_pairs_of_rules_run(rules: Rules) -> None:
    world = draw_world(3)
    found = computed(trading(world, 3), world.window, rules)
    assert found.results["portfolio_snapshots"].height > 0
