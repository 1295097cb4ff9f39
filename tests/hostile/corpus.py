"""A corpus of bad inputs: each table, each kind of column, each boundary of its type.

Two healthy portfolios stand beside a broken one, whose rows nobody else refers to. A `Bad` spoils
one thing of it; `end_of` says how the engine ended: in a typed error, with the portfolio refused,
with a row set aside, or with figures, which are then held to the slow reference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from engine.core.errors import EngineError
from engine.core.frames import polars_schema
from engine.core.rules import Rules
from engine.core.schema import TABLES, Column
from engine.core.window import Window
from engine.pipeline.compute import compute
from engine.pipeline.inputs import Inputs
from engine.pipeline.results import Results
from loaders.window import load_window
from tests.builders import STAMP, close, event, flow, portfolio, position, uid
from tests.memory_store import MemoryReader, frame_of

Frames = dict[str, pl.DataFrame]
Change = Callable[[Frames], Frames]

SESSIONS = (date(2025, 3, 6), date(2025, 3, 7), date(2025, 3, 10))
BEFORE = (date(2025, 3, 4), date(2025, 3, 5))
RUN_DATE = date(2025, 3, 20)
WINDOW = Window(SESSIONS[0], SESSIONS[-1], RUN_DATE)
BROKEN, SICK = "Broken", "SICK"
HOSTILE = "'; drop table positions; --"
ERROR, REFUSED, ASIDE, COMPUTED = "typed error", "refused", "row set aside", "computed"


def _named(rows: list[dict[str, Any]], **other: Any) -> list[dict[str, Any]]:
    return [row | other for row in rows]


def _profile(symbol: str) -> dict[str, Any]:
    stamps = {"last_updated": STAMP, "created_at": STAMP, "updated_at": STAMP}
    return {"symbol": symbol, "beta": Decimal("1.2"), "sector": "Energy", "data_source": "test", **stamps}


def healthy() -> dict[str, list[dict[str, Any]]]:
    """Rows of the clean world; those of the broken portfolio stand first in their tables."""
    days = (*BEFORE, *SESSIONS)
    return {
        "portfolios": [portfolio(BROKEN), portfolio("Well"), portfolio("Fine", "2500.00")],
        "positions": [
            position(SICK, owner=BROKEN),
            position("AAA", owner="Well"),
            position("BBB", "-5", owner="Fine"),
            position("AAA", "2", owner="Fine"),
        ],
        "position_realized_events": [
            event(SESSIONS[1], "5.00", BROKEN, SICK),
            event(SESSIONS[1], "7.00", "Well"),
        ],
        "equity_changes": [
            flow(SESSIONS[0], "20.00", owner=BROKEN),
            flow(SESSIONS[1], "50.00", "WITHDRAWAL", owner="Fine"),
        ],
        "market_data_cache": [
            close(day, f"{price + step}", symbol)
            for symbol, price in ((SICK, 10), ("AAA", 100), ("BBB", 50), ("SPY", 500))
            for step, day in enumerate(days)
        ],
        "company_profiles": [_profile(symbol) for symbol in (SICK, "AAA", "BBB")],
        "tags_v2": [
            {
                "id": uid("tag"),
                "user_id": uid("user"),
                "name": "mine",
                "display_order": 0,
                "usage_count": 0,
                "is_archived": False,
                "created_at": STAMP,
                "updated_at": STAMP,
            }
        ],
        "position_tags": [
            {
                "id": uid("link"),
                "position_id": uid(f"{BROKEN}/{SICK}/"),
                "tag_id": uid("tag"),
                "assigned_at": STAMP,
            }
        ],
        "factor_definitions": [
            {
                "id": uid("factor"),
                "name": "Own",
                "factor_type": "style",
                "display_order": 99,
                "is_active": True,
                "created_at": STAMP,
                "updated_at": STAMP,
            }
        ],
    }


def clean() -> Frames:
    """The clean world."""
    return {name: frame_of(name, rows) for name, rows in healthy().items()}


@dataclass(frozen=True)
class Bad:
    """One bad input.

    ends: how it may end, by default in any honest way.
    shared: whether it takes from the healthy portfolios, too, what they live on.
    """

    name: str
    change: Change
    ends: frozenset[str] = frozenset((ERROR, REFUSED, ASIDE, COMPUTED))
    shared: bool = False


def put(table: str, column: str, value: Any, kind: Any = None) -> Change:
    """Another value in the first row of a table, its column first cast to another type."""

    def change(frames: Frames) -> Frames:
        frame = frames[table]
        values = frame[column].cast(kind) if kind is not None else frame[column]
        fresh = pl.Series(column, [value], dtype=values.dtype)
        return frames | {table: frame.with_columns(pl.concat([fresh, values.slice(1)]))}

    return change


def retyped(table: str, column: str, value: Any) -> Change:
    """A whole column of another kind of thing."""

    def change(frames: Frames) -> Frames:
        return frames | {table: frames[table].with_columns(pl.lit(value).alias(column))}

    return change


def more(table: str, rows: list[dict[str, Any]]) -> Change:
    """More rows in a table."""

    def change(frames: Frames) -> Frames:
        known = frames.get(table, frame_of(table, []))
        return frames | {table: pl.concat([known, frame_of(table, rows)])}

    return change


def moved(symbol: Any) -> Change:
    """The broken portfolio's symbol under another name, in its position and its closes."""

    def change(frames: Frames) -> Frames:
        renamed = pl.when(pl.col("symbol") == SICK).then(pl.lit(symbol)).otherwise("symbol").alias("symbol")
        tables = ("positions", "market_data_cache", "company_profiles")
        return frames | {name: frames[name].with_columns(renamed) for name in tables}

    return change


WIDE, WHOLE = pl.Decimal(38, 10), pl.Decimal(38, 0)


def _numbers(table: str, column: Column) -> Iterator[Bad]:
    """NaN, infinities, what is just too wide, the widest, the narrowest, nothing at all."""
    kind = column.type
    limit, least = Decimal(10) ** (kind.precision - kind.scale), Decimal(10) ** -kind.scale
    floats = [float("nan"), float("inf"), float("-inf"), 1e300, -1e300, 5e-324, -0.0, 1e38, 1e39]
    exact = [limit, -limit, limit - least, least - limit, least, -least, least / 2, -least / 2, Decimal(0)]
    for number in floats:
        yield Bad(f"float {number}", put(table, column.name, number, pl.Float64))
    for decimal in exact:
        yield Bad(f"decimal {decimal:f}", put(table, column.name, decimal, WIDE))
    yield Bad("38 nines", put(table, column.name, Decimal("9" * 38), WHOLE), frozenset((ERROR,)))
    yield Bad("2^63 - 1", retyped(table, column.name, 2**63 - 1))
    yield Bad("39 digits of text", retyped(table, column.name, "9" * 39), frozenset((ERROR,)))
    yield Bad("a boolean", retyped(table, column.name, True), frozenset((ERROR,)))


def _dates(table: str, column: Column) -> Iterator[Bad]:
    """The ends of the calendar, and of what a rule takes for one."""
    days = [(1, 1, 1), (1899, 12, 31), (1900, 1, 1), (2100, 12, 31), (2101, 1, 1), (9999, 12, 31)]
    for day in days:
        yield Bad(f"{date(*day)}", put(table, column.name, date(*day)))
    yield Bad("text", retyped(table, column.name, "2025-03-06"), frozenset((ERROR,)))
    yield Bad("a number", retyped(table, column.name, 20250306), frozenset((ERROR,)))


TEXTS = {
    "empty": "",
    "blank": "  ",
    "drop table": HOSTILE,
    "quotes": "a'b\"c`d",
    "unicode": "Ω漢字🚀",
    "lines": "a\r\nb\tc",
    "zero byte": "a\x00b",
    "pattern": "%_\\{0}$1",
    "right to left": "\u202eKCIS",
}


def _texts(table: str, column: Column) -> Iterator[Bad]:
    for name, text in TEXTS.items():
        yield Bad(name, put(table, column.name, text))
    if column.type.length:
        long = "X" * (column.type.length + 1)
        yield Bad("one too long", put(table, column.name, long))
    yield Bad("a number", retyped(table, column.name, 7), frozenset((ERROR,)))
    yield Bad("bytes", retyped(table, column.name, b"\xff\xfe"), frozenset((ERROR,)))


def _words(table: str, column: Column) -> Iterator[Bad]:
    for text in ("BOND", column.type.values[0].lower(), "", f"{column.type.values[0]} ", HOSTILE):
        yield Bad(f"word '{text}'", put(table, column.name, text), frozenset((REFUSED,)))


def _ids(table: str, column: Column) -> Iterator[Bad]:
    for name, text in {**TEXTS, "short": "1234", "nil": "0" * 8 + "-0000" * 3 + "-" + "0" * 12}.items():
        yield Bad(f"id {name}", put(table, column.name, text))
    yield Bad("a number", retyped(table, column.name, 7), shared=True)


def _moments(table: str, column: Column) -> Iterator[Bad]:
    for year in (1, 9999):
        yield Bad(f"the year {year}", put(table, column.name, datetime(year, 6, 1, tzinfo=UTC)))
    yield Bad("text", retyped(table, column.name, "yesterday"), frozenset((ERROR,)))


def _flags(table: str, column: Column) -> Iterator[Bad]:
    yield Bad("text", retyped(table, column.name, "maybe"), frozenset((ERROR,)))


BOUNDARIES: Mapping[str, Callable[[str, Column], Iterator[Bad]]] = {
    "numeric": _numbers,
    "date": _dates,
    "text": _texts,
    "enum": _words,
    "uuid": _ids,
    "timestamp": _moments,
    "boolean": _flags,
}
READ: Mapping[str, tuple[str, ...]] = {
    "portfolios": ("id", "equity_balance", "deleted_at", "name"),
    "positions": (
        "id",
        "portfolio_id",
        "symbol",
        "position_type",
        "quantity",
        "entry_price",
        "entry_date",
        "exit_price",
        "exit_date",
        "strike_price",
        "expiration_date",
        "underlying_symbol",
        "investment_class",
        "market_value",
        "deleted_at",
    ),
    "position_realized_events": ("portfolio_id", "trade_date", "realized_pnl"),
    "equity_changes": ("portfolio_id", "change_type", "amount", "change_date", "deleted_at"),
    "market_data_cache": ("symbol", "date", "close"),
    "company_profiles": ("symbol", "beta", "sector", "is_etf"),
    "tags_v2": ("user_id", "name", "is_archived"),
    "position_tags": ("position_id", "tag_id"),
    "factor_definitions": ("name",),
}
"""Columns that a run depends on, by table."""


def boundaries() -> Iterator[Bad]:
    """Every boundary of every column that a run goes by, and nothing where something is due."""
    for table, columns in READ.items():
        for column in (TABLES[table][name] for name in columns):
            nothing = Bad("null", put(table, column.name, None))
            for bad in (nothing, *BOUNDARIES[column.type.kind](table, column)):
                yield replace(bad, name=f"{table}.{column.name}: {bad.name}")


def repeats() -> Iterator[Bad]:
    """A row that stands twice; one of nobody's."""
    for table in READ:
        twice = lambda frames, name=table: frames | {name: pl.concat([frames[name], frames[name].head(1)])}  # noqa: E731
        yield Bad(f"{table}: a row twice", twice, frozenset((ERROR, REFUSED, ASIDE)))
    stranger = {"portfolio_id": uid("nobody")}
    orphans = {
        "positions": position(SICK, owner="nobody"),
        "position_realized_events": event(SESSIONS[1], "9.00", BROKEN, SICK) | stranger | {"id": uid("e")},
        "equity_changes": flow(SESSIONS[1], "9.00", owner="nobody"),
        "position_tags": {
            "id": uid("l"),
            "position_id": uid("none"),
            "tag_id": uid("gone"),
            "assigned_at": STAMP,
        },
    }
    for table, row in orphans.items():
        yield Bad(f"{table}: an orphan", more(table, [row]), frozenset((COMPUTED,)))


def schemas() -> Iterator[Bad]:
    """A store of another version."""
    for table, columns in READ.items():
        drop = lambda frames, name=table, gone=columns[0]: frames | {name: frames[name].drop(gone)}  # noqa: E731
        extra = lambda frames, name=table: frames | {name: frames[name].with_columns(novel=pl.lit("x"))}  # noqa: E731
        swapped = lambda frames, name=table: frames | {name: frames[name][:, ::-1]}  # noqa: E731
        bare = lambda frames, name=table: frames | {name: pl.DataFrame({"x": [1]})}  # noqa: E731
        yield Bad(f"{table}: no {columns[0]}", drop, frozenset((ERROR,)))
        yield Bad(f"{table}: another column", extra, frozenset((COMPUTED,)))
        yield Bad(f"{table}: columns in another order", swapped, frozenset((COMPUTED,)))
        yield Bad(f"{table}: another table's columns", bare, frozenset((ERROR,)))
        old = pl.DataFrame(schema=dict.fromkeys(polars_schema(TABLES[table]), pl.Null))
        null = lambda frames, name=table, old=old: frames | {name: old}  # noqa: E731
        yield Bad(f"{table}: empty and without types", null, shared=True)


def sizes() -> Iterator[Bad]:
    """Much of it, and little."""
    many = [position(SICK, owner=BROKEN, name=f"{i}") for i in range(10_000)]
    yield Bad("10,000 positions", more("positions", many), frozenset((COMPUTED,)))
    cash = [event(SESSIONS[1], "0.01", BROKEN, SICK) | {"id": uid(f"many/{i}")} for i in range(5_000)]
    yield Bad("5,000 events", more("position_realized_events", cash), frozenset((COMPUTED,)))
    paid = [flow(SESSIONS[1], "0.01", owner=BROKEN, id=uid(f"paid/{i}")) for i in range(5_000)]
    yield Bad("5,000 flows", more("equity_changes", paid), frozenset((COMPUTED,)))
    huge = [
        event(SESSIONS[1], "99999999999999.99", BROKEN, SICK) | {"id": uid(f"huge/{i}")} for i in range(2_000)
    ]
    yield Bad("2,000 huge events", more("position_realized_events", huge), frozenset((REFUSED,)))
    most = [position(SICK, "999999999999.9999", BROKEN, f"{i}") for i in range(100)]
    yield Bad("100 huge positions", more("positions", most), frozenset((REFUSED,)))
    for equity in ("0.00", "-0.01", "0.01", "99999999999999.99", "-99999999999999.99"):
        name = f"equity {equity} with flows"
        yield Bad(name, put("portfolios", "equity_balance", Decimal(equity)), frozenset((REFUSED, COMPUTED)))
    for name, symbol in {**TEXTS, "lower case": "sick", "synthetic": "SICK_X", "20": "S" * 20}.items():
        yield Bad(f"symbol and closes {name}", moved(symbol), frozenset((REFUSED, COMPUTED)))
    for table in READ:
        nothing = lambda frames, name=table: frames | {name: frames[name].clear()}  # noqa: E731
        yield Bad(f"{table}: no rows", nothing, shared=True)


EVERYDAY_STEP = 4
"""Of the boundaries, which the everyday tests take: each fourth; the slow ones take all."""


def corpus(step: int = 1) -> list[Bad]:
    """All of it, or of the boundaries one in `step`."""
    return [*list(boundaries())[::step], *repeats(), *schemas(), *sizes()]


@dataclass(frozen=True)
class End:
    """End of a case: its kind, its message, and the results if there are some."""

    way: str
    words: str
    inputs: Inputs | None = None
    results: Results | None = None


def end_of(bad: Bad) -> End:
    """Load and compute the spoilt world.

    Raises:
        AssertionError: a table of the store has changed.
        Exception: what the engine did not expect.
    """
    with MemoryReader(bad.change(clean())) as reader:
        before = _counted(reader)
        try:
            inputs = load_window(reader, WINDOW)
            results = compute(inputs, WINDOW, Rules.legacy())
        except EngineError as error:
            return End(ERROR, str(error))
        finally:
            assert _counted(reader) == before, "the store has changed"
    refused = results.failures.filter(pl.col("portfolio_id") == uid(BROKEN))
    if not refused.is_empty():
        return End(REFUSED, str(refused.row(0)), inputs, results)
    if not inputs.quarantine.is_empty():
        return End(ASIDE, str(inputs.quarantine.row(0)), inputs, results)
    return End(COMPUTED, "", inputs, results)


def _counted(reader: MemoryReader) -> list[tuple[str, int]]:
    found = reader.connection.execute("select table_name, estimated_size from duckdb_tables() order by 1")
    return found.fetchall()


if __name__ == "__main__":
    import sys

    tally: Counter[str] = Counter()
    for bad in corpus():
        try:
            end = end_of(bad)
        except Exception as error:
            end = End("UNTYPED", f"{type(error).__name__}: {str(error)[:300]}")
        tally[end.way] += 1
        if "-v" in sys.argv:
            print(f"{end.way:<14}{bad.name}: {end.words[:160]!r}")
    print(f"{sum(tally.values())} bad inputs: {dict(tally)}")
