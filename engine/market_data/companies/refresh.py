"""Steps shared by the collections of profiles and fundamentals: symbols in, groups of ten out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

import polars as pl

from engine.core.request_outcomes import RequestOutcome
from engine.core.schema import TABLES
from engine.market_data.companies.refresh_rules import PROFILE_COLUMNS
from engine.market_data.companies.table_rows import KEPT_COLUMNS, fit_rows, merge_rows
from engine.market_data.task import CollectionResult, CollectionTask, answer_rows
from engine.market_data.universe import quoted_symbols, require_quoted
from loaders import open_reader
from loaders.market import Answer
from writers import open_writer
from writers.retry import with_retries

T = TypeVar("T")
GROUP_SIZE = 10
"""Symbols whose rows are committed together: a kill loses no more."""
PROFILES = "company_profiles"
POSITION_COLUMNS = ("symbol", "investment_class", "deleted_at")


def read_symbols(
    task: CollectionTask, condition: pl.Expr, tables: Sequence[str]
) -> tuple[pl.Series, pl.DataFrame]:
    """Read the task's symbols and the stored profiles; create missing tables.

    Args:
        task: its symbols, if it names any, must be quoted by a market.
        condition: of positions whose symbols count otherwise, on `POSITION_COLUMNS`; null is false.
        tables: tables to be written.

    Returns:
        Canonical symbols that a market quotes, ascending, each once; `PROFILE_COLUMNS` of all
        stored profiles.
    """
    with open_writer(task.url) as writer, writer.transaction():
        writer.create_missing(tables)
    with open_reader(task.url) as reader:
        profiles = reader.read(PROFILES, PROFILE_COLUMNS)
        if task.symbols is not None:
            return pl.Series(require_quoted(task.symbols), dtype=pl.String), profiles
        return quoted_symbols(reader.read("positions", POSITION_COLUMNS).filter(condition)), profiles


def collect_groups(
    task: CollectionTask,
    kind: str,
    wanted: int,
    due: Sequence[str],
    answers: Iterator[Answer[T]],
    store: Callable[[list[Answer[T]]], dict[str, int]],
) -> CollectionResult:
    """Store the answers in groups of `GROUP_SIZE`, as they come.

    Args:
        task: takes the progress.
        kind: of data.
        wanted: how many symbols the task covers.
        due: the symbols requested.
        answers: one for each of them.
        store: writes a group's rows; returns their number by table.

    Returns:
        All answers; the coverage is the fraction of the symbols that did not fail.
    """
    result = CollectionResult(kind, task.target, wanted=wanted, coverage=1.0)
    stage = task.progress.stage(kind, len(due))
    while group := list(islice(answers, GROUP_SIZE)):
        _add(result, group, store(group))
        stage.rows(PROFILES, len(group))
    return result


def _add(result: CollectionResult, group: Sequence[Answer[T]], rows: Mapping[str, int]) -> None:
    fresh = answer_rows((one.symbol, one.outcome, one.detail) for one in group)
    result.answers = pl.concat([result.answers, fresh])
    for table, count in rows.items():
        result.rows[table] = result.rows.get(table, 0) + count
    transient = [outcome for outcome in result.failed["outcome"] if RequestOutcome(outcome).transient]
    result.unanswered = len(transient) / result.wanted
    result.coverage = 1 - result.failed.height / result.wanted


def profile_row(
    task: CollectionTask, source: str, symbol: str, values: Mapping[str, object]
) -> dict[str, object]:
    """Return a profile's values with its symbol, source and time stamp.

    Args:
        task: gives the time stamp.
        source: the provider's name.
        symbol: canonical.
        values: by column of company_profiles.

    Returns:
        Values by column.
    """
    return {"symbol": symbol, **values, "data_source": source, "last_updated": task.now}


def store_raw(task: CollectionTask, raw: Mapping[str, pl.DataFrame]) -> dict[str, int]:
    """Merge raw rows into what is stored of their symbols, in one transaction.

    Args:
        task: its store; its progress gets a note for each value that does not fit.
        raw: by table, raw rows (`raw_rows`).

    Returns:
        Number of rows by table.
    """
    fresh: dict[str, pl.DataFrame] = {}
    for name, rows in raw.items():
        fresh[name], notes = fit_rows(TABLES[name], rows)
        for note in notes:
            task.progress.note(note)
    with_retries(partial(_merge, task, fresh), task.progress.note)
    return {name: rows.height for name, rows in fresh.items()}


def _merge(task: CollectionTask, fresh: Mapping[str, pl.DataFrame]) -> None:
    with open_reader(task.url) as reader:
        stored = {
            name: reader.select("read/of_symbols", name, symbols=rows["symbol"])
            for name, rows in fresh.items()
        }
    with open_writer(task.url, task.batch_rows) as writer, writer.transaction():
        for name, rows in fresh.items():
            table = TABLES[name]
            kept = [column for column in KEPT_COLUMNS if column in table.by_name]
            writer.merge(table, merge_rows(table, stored[name], rows, task.now), kept)
