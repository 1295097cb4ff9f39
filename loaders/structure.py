"""Structure of a source: everything that it lacks for a run, found before a row is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from engine.core.errors import MissingColumnError, MissingTableError, SpellingError, refuse_gaps
from engine.core.funds import FACTOR_FUNDS
from engine.core.schema import TABLES
from engine.core.schema.evolution import optional_column
from engine.pipeline.inputs import Inputs
from loaders.reader import OPTIONAL_TABLES, Reader
from sql import statement

EXTENDED = ("factor_definitions", "tags_v2", "position_tags")
"""Tables of inputs that a run adds rows to: in a store that is written in place they must be there."""
EVENT_COLUMNS = ("id", "portfolio_id", "position_id", "trade_date", "quantity_closed", "realized_pnl")
FLOW_COLUMNS = ("id", "portfolio_id", "change_type", "amount", "change_date", "deleted_at")
CLOSE_COLUMNS = ("symbol", "date", "close")
PROFILE_COLUMNS = ("symbol", "beta", "sector", "is_etf")
WINDOW_TABLES: dict[str, tuple[str, ...] | None] = {
    "portfolios": None,
    "positions": None,
    "position_realized_events": EVENT_COLUMNS,
    "equity_changes": FLOW_COLUMNS,
    "market_data_cache": CLOSE_COLUMNS,
    "company_profiles": PROFILE_COLUMNS,
    "benchmarks_sector_weights": ("benchmark_code", "asof_date", "sector", "weight"),
    "stress_test_scenarios": None,
    "factor_definitions": None,
    "tags_v2": None,
    "position_tags": None,
}
"""Tables of inputs that a run reads, with their columns; None is all columns."""


def require_structure(reader: Reader, in_place: bool = False) -> None:
    """Raise one error for all tables and columns that a source lacks for a run.

    Args:
        reader: The source.
        in_place: Whether results are written into the source.

    Raises:
        MissingTableError: It lacks a table.
        MissingColumnError: It lacks a column.
        StructureError: It lacks several of them.
    """
    refuse_gaps(reader.url, [gap for name in WINDOW_TABLES for gap in _gaps(reader, name, in_place)])


def _gaps(reader: Reader, name: str, in_place: bool) -> Iterator[MissingTableError | MissingColumnError]:
    table, columns = TABLES[name], WINDOW_TABLES[name] or TABLES[name].names
    if twin := reader.twin(name):
        yield MissingTableError(reader.url, name, [f"{name}.parquet", twin])
    elif name in reader.columns or not reader.may_lack(table) or (in_place and name in EXTENDED):
        yield from reader.gaps(table, reader.columns_to_read(table, columns))


def refuse_other_spellings(reader: Reader, symbols: Iterable[str]) -> None:
    """Raise an error if symbols without a close have prices under another spelling.

    Args:
        reader: The source.
        symbols: Symbols for which no close was found.

    Raises:
        SpellingError: A symbol of the prices is the same but for case and blanks.
    """
    held = {symbol.strip().upper(): symbol for symbol in symbols}
    if not held:
        return
    rows = reader.query(statement("read/symbols_alike", symbols=[*held]))["symbol"].sort()
    known = {*held.values(), *held}
    if pairs := [(held[symbol.strip().upper()], symbol) for symbol in rows if symbol not in known]:
        raise SpellingError(reader.url, pairs)


def require_spelling(reader: Reader, inputs: Inputs) -> None:
    """Refuse prices under another spelling than that of a quoted lot or a factor fund without a close.

    Args:
        reader: The source.
        inputs: What was loaded from it.
    """
    priced = {*inputs.closes["symbol"].unique(), *inputs.fund_closes["symbol"].unique()}
    quoted = pl.col("investment_class").fill_null("PUBLIC") != "PRIVATE"
    held = inputs.positions.filter(quoted, pl.col("deleted_at").is_null())["symbol"].drop_nulls().unique()
    symbols = [symbol for symbol in (*held, *FACTOR_FUNDS) if not {symbol, symbol.upper()} & priced]
    refuse_other_spellings(reader, symbols)


def optional_note(reader: Reader) -> str:
    """Return a line on what a source lacks that is optional; empty if it lacks nothing.

    Args:
        reader: The source.
    """
    tables = [name for name in WINDOW_TABLES if name in OPTIONAL_TABLES and name not in reader.columns]
    columns = [
        f"{name}.{column}"
        for name, wanted in WINDOW_TABLES.items()
        for column in wanted or TABLES[name].names
        if name in reader.columns
        and column not in reader.columns[name]
        and not TABLES[name][column].later  # `engine schema --upgrade` adds it: another line says so
        and optional_column(TABLES[name], TABLES[name][column])
    ]
    parts = [
        tables and f"no table {', '.join(tables)}: taken to have no rows",
        columns and f"no column {', '.join(columns)}: taken to be null",
    ]
    text = "; ".join(part for part in parts if part)
    return text and f"store {reader.url} has {text}"
