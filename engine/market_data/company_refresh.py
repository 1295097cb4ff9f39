"""What collecting profiles and fundamentals have in common: symbols in, groups of ten out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

import polars as pl

from engine.core.instruments import unquoted
from engine.core.schema import TABLES
from engine.market_data.companies.due import PROFILE_COLUMNS
from engine.market_data.companies.fitting import fitted
from engine.market_data.companies.merging import KEPT, merged
from engine.market_data.order import ANSWERS, Collected, Order
from engine.market_data.universe import require_quoted
from loaders import open_reader
from loaders.market.provider import Answer, RequestOutcome
from writers import open_writer
from writers.retry import patiently

T = TypeVar("T")
GROUP = 10
"""Symbols whose rows are committed together: what a kill can cost."""
PROFILES = "company_profiles"
HELD = ("symbol", "investment_class", "deleted_at")


def look(order: Order, whose: pl.Expr, tables: Sequence[str]) -> tuple[pl.Series, pl.DataFrame]:
    """Whom the order is about, and what the rules on age look at, of every stored profile.

    The symbols are the order's own, else those of the positions that `whose` is true of:
    canonical, each once, in order, without those that no market quotes (document 04 §2.2).

    Args:
        whose: on columns of `HELD`; a null is no.
        tables: those that are written; they are made where the store lacks them.

    Raises:
        EngineError: the store lacks a table, or a symbol asked for is no market's.
    """
    with open_writer(order.url) as writer, writer.transaction():
        writer.create_missing(tables)
    with open_reader(order.url) as reader:
        profiles = reader.read(PROFILES, PROFILE_COLUMNS)
        if order.symbols is not None:
            return pl.Series(require_quoted(order.symbols), dtype=pl.String), profiles
        held = reader.read("positions", HELD).filter(whose)
    symbols = held.select(pl.col("symbol").str.strip_chars().str.to_uppercase()).unique().sort("symbol")
    return symbols.filter(~unquoted("symbol", "none"))["symbol"], profiles


def groups(order: Order, answers: Iterable[Answer[T]]) -> Iterator[list[Answer[T]]]:
    """Answers as they come, ten at a time."""
    left = iter(answers)
    while group := list(islice(left, GROUP)):
        yield group
        order.told.rows(PROFILES, len(group))


def put(order: Order, raw: Mapping[str, pl.DataFrame]) -> dict[str, int]:
    """Put raw rows over what is stored of their symbols, in one transaction; rows by table."""
    fresh: dict[str, pl.DataFrame] = {}
    for name, rows in raw.items():
        fresh[name], notes = fitted(TABLES[name], rows)
        for note in notes:
            order.told.note(note)
    patiently(partial(_put, order, fresh), order.told.note)
    return {name: rows.height for name, rows in fresh.items()}


def _put(order: Order, fresh: Mapping[str, pl.DataFrame]) -> None:
    with open_reader(order.url) as reader:
        stored = {
            name: reader.select("read/of_symbols", name, symbols=rows["symbol"])
            for name, rows in fresh.items()
        }
    with open_writer(order.url, order.batch_rows) as writer, writer.transaction():
        for name, rows in fresh.items():
            table = TABLES[name]
            kept = [column for column in KEPT if column in table.by_name]
            writer.merge(table, merged(table, stored[name], rows, order.now), kept)


def tally(found: Collected, group: Iterable[Answer[T]], rows: Mapping[str, int]) -> None:
    """Add a group's answers, and what was written of them."""
    told = [(one.symbol, one.outcome.value, one.detail) for one in group]
    found.answers = pl.concat([found.answers, pl.DataFrame(told, schema=ANSWERS, orient="row")])
    for table, count in rows.items():
        found.rows[table] = found.rows.get(table, 0) + count
    may_come = [row for row in found.failed["outcome"] if RequestOutcome(row).transient]
    found.unanswered = len(may_come) / found.wanted
    found.coverage = 1 - found.failed.height / found.wanted


def profile_row(order: Order, source: str, symbol: str, values: Mapping[str, object]) -> dict[str, object]:
    """A profile's values with whose they are, and where and when they came from."""
    return {"symbol": symbol, **values, "data_source": source, "last_updated": order.now}
