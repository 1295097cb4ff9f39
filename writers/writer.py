"""The abstract writer: replace, insert, merge and delete rows of frames in transactions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import NamedTuple, Self

import polars as pl

from engine.core.compact import Layout, heights_of
from engine.core.schema import TABLES, Table
from engine.core.schema.evolution import Catalog, SchemaGap
from engine.core.store_url import StoreURL
from writers.rows_ahead import ROWS_AHEAD, RowsAhead

BATCH_ROWS = 5_000
"""Default number of rows that are sent together."""
Progress = Callable[[str, int], None]
"""Called after each batch with the table's name and the number of rows sent."""


class LockScope(NamedTuple):
    """Lock scope of a transaction, among those of all processes that write the same store.

    A kind of store that allows one writer at a time treats every scope as exclusive.

    Attributes:
        part: Transactions with the same part are serialised. None is exclusive: the transaction waits
            for all others, and they wait for it.
    """

    part: str | None = None


class Scope(NamedTuple):
    """A block of portfolios and a range of days.

    Attributes:
        portfolios: Ids; empty for tables whose rows belong to no portfolio.
        start: First day.
        end: Last day, inclusive.
    """

    portfolios: Sequence[str]
    start: date
    end: date


class Writer(ABC):
    """A store that can be written. Use it as a context manager, and write in transactions.

    Attributes:
        url: The store.
        batch_rows: Rows that are sent together.
        progress: Called after each batch.
    """

    def __init__(self, url: StoreURL, batch_rows: int = BATCH_ROWS, progress: Progress | None = None):
        self.url = url
        self.batch_rows = batch_rows
        self.progress: Progress = progress or (lambda table, rows: None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self, lock: LockScope | None = None) -> Iterator[None]:
        """Begin a transaction; commit it at the end of the block, roll it back after an exception.

        Args:
            lock: The transactions of other processes to wait for; default none. The system releases
                the lock when the process dies.

        Yields:
            Nothing; the writer writes inside the transaction.
        """
        self.begin(lock)
        try:
            yield
            self.commit()
        except BaseException:
            self.rollback()
            raise

    def replace(self, frames: Mapping[str, pl.DataFrame], scope: Scope) -> None:
        """Replace the rows of a scope by those of frames of dated tables.

        Args:
            frames: The new rows by table.
            scope: The rows to delete.
        """
        with self.rows_ahead(frames) as rows:
            self.replace_by(rows, scope)

    def replace_by(self, rows: RowsAhead, scope: Scope) -> None:
        """Replace the rows of a scope by others that are made meanwhile.

        Args:
            rows: Of dated tables, from `rows_ahead`.
            scope: The rows to delete.
        """
        # Foreign keys: delete children before their parents, insert parents before their children.
        for name in reversed(rows.tables):
            self.delete(TABLES[name], scope)
        for name in rows.tables:
            self.insert(TABLES[name], rows.take(name))

    def rows_ahead(self, frames: Mapping[str, pl.DataFrame], alone: bool = True) -> RowsAhead:
        """Return rows of frames, parents first, which a thread makes in the form that the store takes.

        Args:
            frames: Rows by table.
            alone: Whether nothing is computed meanwhile; if something is, only one table is made ahead.
        """
        makers = {name: self.maker(table, frames) for name, table in TABLES.items() if name in frames}
        return RowsAhead(makers, heights_of(frames), ROWS_AHEAD if alone else 1)

    def maker(self, table: Table, frames: Mapping[str, pl.DataFrame]) -> Callable[[], pl.DataFrame]:
        """Return what makes a table's rows in the form that `insert` takes; it does not use the store.

        Args:
            table: Of the schema.
            frames: Rows by table.
        """
        return partial(frames.__getitem__, table.name)

    def prepare(self, frames: Mapping[str, pl.DataFrame], scope: Scope) -> None:  # noqa: B027  most kinds do nothing
        """Prepare frames before the transaction that will `replace` the scope's rows by them.

        Kinds of stores that encode whole files do it here, while other processes write. Others do nothing.

        Args:
            frames: The frames that `replace` will be given.
            scope: The scope that `replace` will be given.
        """

    def tidy(self) -> None:  # noqa: B027  most kinds do nothing
        """Remove prepared files of dead processes. The caller makes sure that no other process writes."""

    @abstractmethod
    def catalog(self) -> Catalog:
        """Return the columns of the store's tables, inside a transaction; no others are written."""

    @abstractmethod
    def upgrade(self, gaps: Sequence[SchemaGap]) -> None:
        """Add missing tables and columns, and widen text columns, inside a transaction.

        Args:
            gaps: Tables, columns and text lengths that the store lacks.
        """

    @abstractmethod
    def create_missing(self, wanted: Collection[str] = TABLES, layout: Layout | None = None) -> list[str]:
        """Create tables that the store lacks, inside a transaction.

        Args:
            wanted: Names; default every table of the schema.
            layout: Of the new tables; default the store's own.

        Returns:
            The names of those that were created.
        """

    @abstractmethod
    def delete(self, table: Table, scope: Scope) -> None:
        """Delete the scope's rows of a dated table.

        Args:
            table: Dated, of the schema.
            scope: Portfolios, and days from first to last.
        """

    @abstractmethod
    def insert(self, table: Table, frame: pl.DataFrame) -> None:
        """Insert the rows of a frame, in batches.

        Args:
            table: Of the schema.
            frame: Whole rows; a column that an older store lacks is left out.
        """

    @abstractmethod
    def remove(self, table: Table, keys: pl.DataFrame) -> None:
        """Delete the rows with the natural keys of a frame.

        Args:
            table: Of the schema.
            keys: Columns of the natural key.
        """

    @abstractmethod
    def merge(
        self, table: Table, frame: pl.DataFrame, keep: Collection[str] = (), by_id: bool = False
    ) -> None:
        """Update the rows whose natural key exists, and insert the others.

        Args:
            table: The table.
            frame: Whole rows.
            keep: Columns that an existing row keeps unchanged.
            by_id: Match rows by their id instead of their natural key: the frame's ids are the store's
                own, and the natural key may have changed.
        """

    @abstractmethod
    def update(self, table: Table, frame: pl.DataFrame) -> None:
        """Update the columns of a frame in existing rows, matched by natural key.

        Args:
            table: Of the schema.
            frame: The natural key, and the columns to change.
        """

    @abstractmethod
    def begin(self, lock: LockScope | None = None) -> None:
        """Begin a transaction: see `transaction`.

        Args:
            lock: The transactions of other processes to wait for; default none.
        """

    @abstractmethod
    def commit(self) -> None:
        """End the transaction: its rows count, all at once."""

    @abstractmethod
    def rollback(self) -> None:
        """End the transaction; the store is as before it."""

    @abstractmethod
    def close(self) -> None:
        """Close the connections and files of the writer."""
