"""Sixty nights with late closes, holes, an outage, a late portfolio, a place-holder row and a split evening.

The store must end with the tables that the same nights leave over the final data in a fresh store, each
session computed on its own evening; and, in P&L, equity and flows, with those of one backfill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self

import numpy as np
import polars as pl
import pytest

import engine
from engine.analyst.inventory import inventory
from engine.batch.nightly import DailyRun, daily
from engine.core.calendar import sessions
from engine.core.schema import TABLES
from engine.market_data.universe import FUNDS
from loaders import open_reader
from loaders.market import Answer, PriceRequest, Prices, RequestOutcome
from loaders.market.provider import ACTIONS, BARS
from tests.builders import STAMP, flow, portfolio, position, uid
from tests.market.support import NEW_YORK, USER, evening, put
from tests.stores.conftest import KINDS
from writers import open_writer

pytestmark = pytest.mark.thorough

HISTORY = sessions(date(2024, 2, 1), date(2025, 5, 28))
NIGHTS = [day for day in HISTORY if day >= date(2025, 3, 3)][:60]
FIRST, LAST = NIGHTS[0], NIGHTS[-1]
SPLIT = NIGHTS[50]
HELD = ("AAA", "BBB", "CCC", "DDD")
SNAPSHOT_FIGURES = ("daily_pnl", "daily_capital_flow", "equity_balance", "cumulative_pnl")
FIGURES = [name for name, table in TABLES.items() if table.role in ("output", "state")]
FIGURES += ["analytics_status", "engine_portfolio_openings", "engine_position_openings"]


def paths() -> dict[str, dict[date, float]]:
    """Closes of two decimals, even in the last: half of one is exact. BBB is in shares before the split."""
    found = {}
    for number, symbol in enumerate((*FUNDS, *HELD)):
        draws = np.random.default_rng(number).normal(0.0003, 0.011, len(HISTORY))
        prices = (np.round(5000 * np.exp(np.cumsum(draws))) * 2 / 100).tolist()
        found[symbol] = dict(zip(HISTORY, prices, strict=True))
    return found


@dataclass
class Canned:
    """A provider of the paths, as it shows them on `today`.

    Attributes:
        absent: cells without a bar. empty: cells whose bar has no price.
        down: whether no request is answered.
        halved: whether closes before the split are in new shares.
    """

    today: date = FIRST
    absent: set[tuple[str, date]] = field(default_factory=set)
    empty: set[tuple[str, date]] = field(default_factory=set)
    down: bool = False
    halved: bool = False
    name = "canned"

    def prices(self, requests: Iterable[PriceRequest]) -> Iterator[Answer[Prices]]:
        for one in requests:
            if self.down:
                yield Answer(one.symbol, RequestOutcome.TIMEOUT, "no answer")
                continue
            bars = pl.DataFrame(list(self._bars(one)), schema=BARS, orient="row")
            splits = one.symbol == "BBB" and self.today >= SPLIT and one.start <= SPLIT <= one.end
            rows = [(SPLIT, "split", 2.0)] if splits else []
            actions = pl.DataFrame(rows, schema=ACTIONS, orient="row")
            yield Answer(one.symbol, RequestOutcome.OK, data=Prices(bars, actions, "NYQ", "USD", HISTORY[0]))

    def _bars(self, one: PriceRequest) -> Iterator[tuple[Any, ...]]:
        for day, price in paths_of(one.symbol, self.halved).items():
            cell = one.symbol, day
            if one.start <= day <= min(one.end, self.today) and cell not in self.absent:
                close = float("nan") if cell in self.empty else price
                yield day, close, close, close, close, close, 1000

    def profiles(self, symbols: Iterable[str]) -> Iterator[Any]:
        return iter(())

    def fundamentals(self, symbols: Iterable[str]) -> Iterator[Any]:
        return iter(())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


PATHS = paths()


def paths_of(symbol: str, halved: bool) -> dict[date, float]:
    """A symbol's closes; those of BBB in new shares from the split on, and before it once they are halved."""
    if symbol != "BBB":
        return PATHS[symbol]
    return {day: p / 2 if halved or day >= SPLIT else p for day, p in PATHS[symbol].items()}


def lots(owner: str, bbb: str, entry: str) -> list[dict[str, Any]]:
    rows = [("AAA", "40", "100"), ("BBB", bbb, entry), ("CCC", "-12", "100"), ("DDD", "1", "100")]
    return [
        position(symbol, quantity, owner, entry_date=FIRST, entry_price=Decimal(price))
        for symbol, quantity, price in rows
    ]


def filled(url: str, owners: tuple[str, ...], bbb: str, entry: str) -> str:
    return put(
        url,
        {
            "users": [USER],
            "portfolios": [portfolio(owner, "20000.00") for owner in owners],
            "positions": [lot for owner in owners for lot in lots(owner, bbb, entry)],
            "equity_changes": [flow(NIGHTS[12], "250.00"), flow(NIGHTS[31], "100.00", "WITHDRAWAL")],
        },
    )


def placeholder(day: date) -> dict[str, Any]:
    """The row that the application inserts when a user saves a target price."""
    columns = TABLES["portfolio_snapshots"].columns
    zeros = {c.name: 0 for c in columns if not c.nullable and c.type.kind in ("numeric", "integer")}
    keys = {"id": uid(f"stub/{day}"), "portfolio_id": uid("P"), "snapshot_date": day}
    target = {"target_price_return_eoy": Decimal("12.5")}
    return {**zeros, **keys, **target, "is_complete": True, "created_at": STAMP}


def night(url: str, provider: Canned | None, day: date, hour: int = 18) -> DailyRun:
    now = datetime(day.year, day.month, day.day, hour, tzinfo=NEW_YORK)
    return daily(url, provider, now=now, kinds=("prices",))


def split_the_lots(url: str) -> None:
    """The book doubles the lots of BBB on the evening of the split."""
    with open_reader(url) as reader:
        rows = reader.read("positions").filter(pl.col("symbol") == "BBB")
    doubled = rows.with_columns(
        pl.col("quantity") * 2, (pl.col("entry_price") / 2).cast(rows.schema["entry_price"])
    )
    with open_writer(url) as writer, writer.transaction():
        writer.update(TABLES["positions"], doubled.cast(rows.schema).select("id", "quantity", "entry_price"))


def live(url: str) -> None:
    """Every night of the store to test, with what goes wrong."""
    canned = Canned()
    for number, day in enumerate(NIGHTS):
        canned.today = day
        if number == 10:  # a bar without a price at 18:00, whole at 23:00
            canned.empty.add(("AAA", day))
            assert "waiting for AAA" in night(url, canned, day).held_back
            canned.empty.clear()
            assert night(url, canned, day, 23).complete
            continue
        late = {15: ("AAA", 2), 25: ("SPY", 1), 30: ("DDD", 3), 55: ("CCC", 1)}
        if number in late:  # no bar at all, for some nights
            canned.absent.add((late[number][0], day))
        for since, (symbol, nights) in late.items():
            if number == since + nights:
                canned.absent.discard((symbol, NIGHTS[since]))
        if number == 20:
            canned.absent.add(("CCC", day))  # for good
            put(url, {"portfolios": [portfolio("Q", "20000.00")], "positions": lots("Q", "30", "100")})
        canned.down = number == 35
        if number == 45:
            put(url, {"portfolio_snapshots": [placeholder(day)]})
        if day == SPLIT:
            split_the_lots(url)
        canned.halved = day > SPLIT
        result = night(url, canned, day)
        # A split that the provider tells before it has adjusted older closes is refused for an evening.
        assert bool(result.held_back) == (canned.down or day == SPLIT), result.to_text()


def over_final_data(url: str, other: str) -> None:
    """The same nights in another store that has the closes that came in the end."""
    with open_reader(url) as reader:
        closes = reader.read("market_data_cache")
    with open_writer(other) as writer, writer.transaction():
        writer.insert(TABLES["market_data_cache"], closes)


@pytest.mark.parametrize("kind", KINDS)
def test_sixty_nights_leave_what_the_same_nights_leave_over_the_final_data(
    kind: str, store: Callable[[str], str]
) -> None:
    url = filled(store(kind), ("P",), "30", "100")
    live(url)
    counts = inventory(url).portfolios
    assert counts.select("missing", "held_back", "stale").sum().row(0) == (0, 0, 0)
    assert counts["stored"].to_list() == [60, 60]

    final = filled(store(kind), ("P", "Q"), "60", "50")
    over_final_data(url, final)
    for number, day in enumerate(NIGHTS):
        if number == 45:
            put(final, {"portfolio_snapshots": [placeholder(day)]})
        assert daily(final, None, now=evening(day)).complete
    comparison = engine.compare(final, url, tables=FIGURES)
    assert comparison.verdict == "equal", comparison.to_text()
    assert comparison.total("cells") > 40_000

    once = filled(store(kind), ("P", "Q"), "60", "50")
    over_final_data(url, once)
    engine.backfill(once, start=FIRST, end=LAST, run_date=LAST)
    assert snapshots(once).equals(snapshots(url))


def snapshots(url: str) -> pl.DataFrame:
    with open_reader(url) as reader:
        rows = reader.read("portfolio_snapshots", ["portfolio_id", "snapshot_date", *SNAPSHOT_FIGURES])
    return rows.sort("portfolio_id", "snapshot_date")
