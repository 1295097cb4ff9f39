"""Import a book into a store: compare it with what the store holds, then write the differences at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from engine.batch.book_changes import BookChanges, changes_of
from engine.batch.copy import write_frames
from engine.batch.ledger import SETTINGS, settings_rows
from engine.core.errors import StoreUnreachableError
from engine.core.funds import FACTOR_FUNDS, FUNDS_OF_JOBS, funds_of_job
from engine.core.job_catalog import JOBS
from engine.core.progress import Quiet
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.core.store_url import StoreURL
from loaders.books.book import Book, Choices, Sources, read_book
from loaders.books.refusals import BookError
from loaders.books.sheet import read_file
from loaders.books.tables import book_tables
from loaders.open import is_new, open_reader
from loaders.reader import Reader
from loaders.shipped import shipped_rows
from loaders.store_rules import read_rules, rule_settings
from sql import statement
from writers.lock import store_lock


@dataclass(frozen=True)
class Import:
    """A book that is ready to be written into a store.

    Attributes:
        url: The store.
        book: As read.
        changes: What differs from the store; None if rows of the book are refused.
        missing_funds: Factor funds without a close in the book and the store.
        frames: Rows to write by table, parents first.
    """

    url: StoreURL
    book: Book
    changes: BookChanges | None = None
    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    missing_funds: tuple[str, ...] = ()

    @property
    def fund_notes(self) -> list[str]:
        """Sentences on the figures that lack closes of factor funds."""
        model = Rules.corrected().factor_model
        users = {
            JOBS[job].label: [fund for fund in funds_of_job(job, model) if fund in self.missing_funds]
            for job in FUNDS_OF_JOBS
        }
        return [f"no close of {', '.join(funds)}: absent {label}" for label, funds in users.items() if funds]

    @property
    def rows(self) -> dict[str, int]:
        """The number of rows to write, by table."""
        return {name: frame.height for name, frame in self.frames.items()}


def prepare(url: str, files: Mapping[str, str | Path], choices: Choices, as_of: date | None = None) -> Import:
    """Read files and compare them with a store. Nothing is written.

    Args:
        url: The store; it may be new.
        files: Paths by field of `Sources`: positions, prices, flows, trades.
        choices: What the user states.
        as_of: Day on which lots that the positions no longer have were closed; default that of the newest
            close.

    Returns:
        The import. Refused rows are in its book.
    """
    store = StoreURL.parse(url)
    book = read_book(Sources(**{kind: read_file(path) for kind, path in files.items()}), choices)
    if book.refusals:
        return Import(store, book)
    tables = book_tables(book)
    if _is_empty_store(store):
        changes = changes_of(None, book, tables, as_of)
        return Import(store, book, changes, {**_new_rows(None), **changes.frames}, _missing_funds(None, book))
    with open_reader(store) as reader:
        changes = changes_of(reader, book, tables, as_of)
        frames = {**_new_rows(reader), **changes.frames}
        return Import(store, book, changes, frames, _missing_funds(reader, book))


def write(ready: Import, batch_rows: int, progress: Quiet) -> dict[str, int]:
    """Write an import in one transaction.

    Args:
        ready: Of `prepare`.
        batch_rows: Rows that are sent together.
        progress: Takes stages and counts.

    Returns:
        The number of rows by table.

    Raises:
        BookError: Rows of the book are refused: nothing is written.
    """
    if ready.book.refusals:
        raise BookError("nothing was written", ready.book.refusals)
    frames = {name: frame for name, frame in ready.frames.items() if frame.height}
    with store_lock(ready.url, wait=False):
        write_frames(ready.url.text, frames, batch_rows, progress)
    return ready.rows


def _is_empty_store(store: StoreURL) -> bool:
    """Return whether there is no store yet, or one without tables."""
    if is_new(store):
        return True
    try:
        with open_reader(store) as reader:
            return not reader.tables()
    except StoreUnreachableError:
        return False  # opening it again reports why


def _missing_funds(reader: Reader | None, book: Book) -> tuple[str, ...]:
    """Return the factor funds without a close in a book and in a store."""
    present = set(book.closes["symbol"])
    if reader is not None and "market_data_cache" in reader.columns:
        present |= set(reader.query(statement("read/price_extents", symbols=FACTOR_FUNDS))["symbol"])
    return tuple(fund for fund in FACTOR_FUNDS if fund not in present)


def _new_rows(reader: Reader | None) -> dict[str, pl.DataFrame]:
    """Return the rows that a store without figures begins with: shipped rows, and the corrected rules."""
    frames = {name: rows for name, rows in shipped_rows().items() if _is_empty(reader, name)}
    if read_rules(reader).rules is None:
        frames[SETTINGS.name] = settings_rows(rule_settings(Rules.corrected().record), datetime.now(UTC))
    return frames


def _is_empty(reader: Reader | None, table: str) -> bool:
    if reader is None or table not in reader.columns:
        return True
    return reader.read(table, TABLES[table].key[:1]).is_empty()
