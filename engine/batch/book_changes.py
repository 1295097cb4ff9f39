"""Changes of a newer book to a store: lots that are added, changed or closed, flows and closes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl

from engine.core.errors import UsageError
from engine.core.frames import empty
from engine.core.instruments import multiplier
from engine.core.row_ids import row_ids
from engine.core.schema import TABLES, Table
from loaders.books.book import Book
from loaders.books.refusals import BookError
from loaders.reader import Reader
from loaders.schema_rows import STAMP as FIXED_STAMP

STATED = (
    "symbol",
    "position_type",
    "quantity",
    "entry_price",
    "entry_date",
    "exit_price",
    "exit_date",
    "underlying_symbol",
    "strike_price",
    "expiration_date",
    "investment_class",
)
"""Columns of a lot that a book states; the others are the engine's."""
PRICED = ("last_price", "market_value", "unrealized_pnl")
"""Columns that a book states for lots that no market quotes, and a run for all others."""
STAMPS = ("created_at", "updated_at", "fetched_at")
CACHE = "market_data_cache"
IGNORED = (*STAMPS, "id", "data_source")
"""Columns in which two equal rows may differ."""
OWNED_BY_OTHERS = ("users", "portfolios")
"""Tables whose stored rows an import leaves alone: runs and the application change them."""


@dataclass(frozen=True)
class Change:
    """A lot that an import adds, changes or closes, in words; `line` of the file, None if it is not there."""

    line: int | None
    kind: str
    symbol: str
    words: str


@dataclass(frozen=True)
class BookChanges:
    """The difference between a book and a store.

    Attributes:
        lots: Of lots, in the order of the file.
        frames: Rows to write by table; unchanged rows are left out.
    """

    lots: Sequence[Change]
    frames: Mapping[str, pl.DataFrame]


def changes_of(
    reader: Reader | None, book: Book, tables: Mapping[str, pl.DataFrame], as_of: date | None
) -> BookChanges:
    """Compare a book with a store.

    Args:
        reader: The store; None if it does not exist.
        book: As read.
        tables: The book's rows: see `loaders.books.tables.book_tables`.
        as_of: Day on which lots that are not in the book any more were closed; default the newest close's.

    Returns:
        The lots that differ, and the rows to write.
    """
    now = datetime.now(UTC)
    stored = {name: _stored(reader, name, frame) for name, frame in tables.items()}
    lots, closing, said = _lots(tables, stored, book, as_of, reader)
    events = pl.concat([tables["position_realized_events"], closing])
    fresh = {**tables, "positions": lots, "position_realized_events": events}
    frames = {
        name: _stamped(_different(frame, stored[name], TABLES[name]), now) for name, frame in fresh.items()
    }
    return BookChanges(said, frames)


def _stored(reader: Reader | None, table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of a table in a store, of the book's portfolio where they belong to one."""
    if reader is None or table not in reader.columns:
        return empty(TABLES[table])
    if "symbol" in TABLES[table].key:
        return reader.select("read/of_symbols", table, symbols=frame["symbol"].unique())
    rows = reader.read(table)
    if table == "portfolios":
        _check_name(rows, frame)
    if "portfolio_id" in rows.columns and frame.height:
        rows = rows.filter(pl.col("portfolio_id") == frame["portfolio_id"][0])
    return rows


def _check_name(rows: pl.DataFrame, frame: pl.DataFrame) -> None:
    key, name = frame["id"][0], frame["name"][0]
    other = rows.filter((pl.col("name") == name) & (pl.col("id") != key))
    if other.height:
        raise UsageError(
            f"the store has a portfolio '{name}' that was not imported", "Choose another: --portfolio NAME"
        )


def _different(frame: pl.DataFrame, stored: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return the rows that a store lacks or has otherwise, with its ids and times of creation.

    Columns of which a book says nothing keep what the store has, and so does the source of an equal close.
    """
    old = stored.with_columns(there=pl.lit(True))
    both = frame.join(old, on=list(table.key), how="left", suffix="_stored", maintain_order="left")
    others = [name for name in frame.columns if name not in table.key]
    stated = [name for name in others if frame[name].null_count() < frame.height and name not in IGNORED]
    compared = [] if table.name in OWNED_BY_OTHERS else stated
    unlike = [pl.col(name).ne_missing(pl.col(f"{name}_stored")) for name in compared]
    kept = [name for name in others if name in ("id", "created_at") or name not in {*stated, *IGNORED}]
    changed = both.filter(pl.any_horizontal(pl.col("there").is_null(), *unlike))
    values = (pl.coalesce(f"{name}_stored", name).alias(name) for name in kept)
    return changed.with_columns(values).select(frame.columns)


def _stamped(frame: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return rows with the time of writing; a row that is stored keeps the time when it was created.

    Of closes it rises with the date, as in a collection: the application shows the close that has the newest.
    """
    stamp = pl.lit(now)
    if "close" in frame.columns:
        stamp += pl.duration(microseconds=pl.col("date").rank("dense"))
    created = pl.when(pl.col("created_at") == FIXED_STAMP).then(stamp).otherwise("created_at")
    fresh = {name: stamp for name in ("updated_at", "fetched_at") if name in frame.columns}
    return frame.with_columns(**fresh, **({"created_at": created} if "created_at" in frame.columns else {}))


def _lots(
    tables: Mapping[str, pl.DataFrame],
    stored: Mapping[str, pl.DataFrame],
    book: Book,
    as_of: date | None,
    reader: Reader | None,
) -> tuple[pl.DataFrame, pl.DataFrame, list[Change]]:
    """Return positions to store, events of closings, and what is said of them."""
    merged = _merged(tables["positions"], stored["positions"], book)
    fresh, said = merged.select(tables["positions"].columns), _said(merged)
    gone = stored["positions"].filter(
        ~pl.col("id").is_in(fresh["id"].implode())
        & pl.col("exit_date").is_null()
        & pl.col("deleted_at").is_null()
    )
    if gone.is_empty():
        return fresh, empty(TABLES["position_realized_events"]), said
    closed = _closed(gone, book, as_of, reader)
    for symbol, price, day in closed.select("symbol", "exit_price", "exit_date").iter_rows():
        said.append(Change(None, "closed", symbol, f"at {price:,.4f} on {day}: not in the file any more"))
    return pl.concat([fresh, closed.select(fresh.columns)]), _closing_events(closed), said


def _merged(lots: pl.DataFrame, old: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Return lots with their lines and stored values; what a book does not state stays as it is stored."""
    known = old.select(
        "id", *(pl.col(name).alias(f"{name}_old") for name in (*STATED, *PRICED, "realized_pnl"))
    )
    read = lots.with_columns(undated=book.lots["stated_entry"].is_null(), line=book.lots["line"])
    both = read.join(known, on="id", how="left", maintain_order="left")
    there = pl.col("symbol_old").is_not_null()
    # A lot that was closed because a file no longer had it stays closed.
    stays = {
        "entry_date": there & pl.col("undated"),
        **{
            name: there & pl.col("exit_date").is_null()
            for name in ("exit_price", "exit_date", "realized_pnl")
        },
        **{name: there & pl.col("last_price").is_null() for name in PRICED},
    }
    return both.with_columns(
        pl.when(stay).then(f"{name}_old").otherwise(name).alias(name) for name, stay in stays.items()
    )


def _said(merged: pl.DataFrame) -> list[Change]:
    changes = []
    for row in merged.iter_rows(named=True):
        if row["symbol_old"] is None:
            words = f"{row['position_type']} {_plain(row['quantity'])} at {row['entry_price']:,.4f}"
            end = f", closed on {row['exit_date']} at {row['exit_price']:,.4f}" if row["exit_date"] else ""
            changes.append(
                Change(row["line"], "added", row["symbol"], f"{words} since {row['entry_date']}{end}")
            )
            continue
        words = ", ".join(
            f"{name} {_plain(row[f'{name}_old'])} -> {_plain(row[name])}"
            for name in (*STATED, "last_price")
            if row[name] != row[f"{name}_old"]
        )
        changes += [Change(row["line"], "changed", row["symbol"], words)] if words else []
    return changes


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():,f}"
    return "none" if value is None else str(value)


def _closed(gone: pl.DataFrame, book: Book, as_of: date | None, reader: Reader | None) -> pl.DataFrame:
    """Return lots with the exit date and their newest close on or before it, else their last price."""
    closes = book.closes.select("symbol", "date", "close")
    if reader is not None and CACHE in reader.columns:
        names = gone["symbol"].unique()
        stored = reader.select("read/of_symbols", CACHE, ["symbol", "date", "close"], symbols=names)
        closes = pl.concat([closes, stored.cast(dict(closes.schema))])  # type: ignore[arg-type]
    day = as_of or closes["date"].max()
    if not isinstance(day, date):
        raise UsageError("lots are not in the file any more, and no close shows when", "Say it: --as-of D")
    newest = closes.filter((pl.col("date") <= day) & (pl.col("close") > 0)).sort("date")
    last = newest.group_by("symbol").agg(close=pl.col("close").last())
    closed = gone.join(last, on="symbol", how="left", maintain_order="left").with_columns(
        exit_date=pl.lit(day), exit_price=pl.coalesce("close", "last_price").cast(gone.schema["exit_price"])
    )
    _check_prices(closed, day)
    units = pl.col("quantity") * multiplier()
    gain = (units * (pl.col("exit_price") - pl.col("entry_price"))).cast(gone.schema["realized_pnl"])
    return closed.with_columns(realized_pnl=gain).drop("close")


def _check_prices(closed: pl.DataFrame, day: date) -> None:
    for symbol in closed.filter(pl.col("exit_price").is_null())["symbol"]:
        raise BookError(
            f"{symbol} is not in the file any more, and has no close on or before {day}",
            hint="Give the lot with its exit price and exit date",
        )


def _closing_events(closed: pl.DataFrame) -> pl.DataFrame:
    table = TABLES["position_realized_events"]
    number = pl.Series("number", [-1]).new_from_index(0, closed.height)
    rows = closed.with_columns(
        position_id="id",
        id=row_ids(table.name, closed["id"], closed["exit_date"], number),
        trade_date="exit_date",
        quantity_closed=pl.col("quantity").abs(),
    )
    return rows.select(pl.col(name).cast(kind) for name, kind in empty(table).schema.items())
