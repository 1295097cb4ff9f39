"""What every kind of store can do with frames: replace a block of rows, merge, put in whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Self

import polars as pl

from engine.core.schema import TABLES, Table
from engine.core.schema.evolution import Catalog, SchemaGap
from engine.core.store_url import StoreURL

BATCH_ROWS = 5_000
Progress = Callable[[str, int], None]
"""Told of each batch: the table's name and the rows just sent."""


@dataclass(frozen=True)
class Turn:
    """Whom a transaction waits for, among those of all processes that have a turn in the same store.

    part: what it writes; those of one part go one after the other, whichever process has them.
        None: the transaction goes alone.
    A store that takes one writer at a time lets every turn go alone.
    """

    part: str | None = None


@dataclass(frozen=True)
class Scope:
    """A block of portfolios over a span of days, both ends inclusive."""

    portfolios: Sequence[str]
    start: date
    end: date


class Writer(ABC):
    """A store that can be written; use it as a context manager, and write in transactions."""

    def __init__(self, url: StoreURL, batch_rows: int = BATCH_ROWS, progress: Progress | None = None):
        self.url = url
        self.batch_rows = batch_rows
        self.progress: Progress = progress or (lambda table, rows: None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self, turn: Turn | None = None) -> Iterator[None]:
        """All of it or nothing: what is written inside is seen when the block ends well.

        Args:
            turn: whom to wait for; default nobody. The system ends a turn when its process dies.
        """
        self.begin(turn)
        try:
            yield
            self.commit()
        except BaseException:
            self.rollback()
            raise

    def replace(self, frames: Mapping[str, pl.DataFrame], scope: Scope) -> None:
        """Put in the frames of dated tables in place of the scope's rows, parents first."""
        known = [TABLES[name] for name in TABLES if name in frames]
        for table in reversed(known):
            self.delete(table, scope)
        for table in known:
            self.insert(table, frames[table.name])

    def lay_out(self, frames: Mapping[str, pl.DataFrame], scope: Scope) -> None:  # noqa: B027 - most have none
        """Before a transaction: get frames ready that it will put in place of the scope's rows.

        For stores where that takes longest, and others can write meanwhile; the rest do nothing.
        """

    def tidy(self) -> None:  # noqa: B027 - the same
        """Take away what processes that are no more have laid out; the caller knows that none is at work."""

    @abstractmethod
    def catalog(self) -> Catalog:
        """Return the columns of the store's tables, in a transaction; no others are written."""

    @abstractmethod
    def upgrade(self, gaps: Sequence[SchemaGap]) -> None:
        """Make the tables and columns that the store lacks, and widen its texts, in a transaction."""

    @abstractmethod
    def create_missing(self, wanted: Collection[str] = TABLES) -> list[str]:
        """Make those of the wanted tables that the store lacks, in a transaction; their names."""

    @abstractmethod
    def delete(self, table: Table, scope: Scope) -> None:
        """Take out the scope's rows of a dated table."""

    @abstractmethod
    def insert(self, table: Table, frame: pl.DataFrame) -> None:
        """Put in the rows of a frame, in batches."""

    @abstractmethod
    def remove(self, table: Table, keys: pl.DataFrame) -> None:
        """Take out the rows of these natural keys."""

    @abstractmethod
    def merge(
        self, table: Table, frame: pl.DataFrame, keep: Collection[str] = (), by_id: bool = False
    ) -> None:
        """Update the rows that are there by natural key, and put in the others, whole.

        keep: columns that a row that is there keeps as they are.
        by_id: the frame's ids are the store's own: rows are known by them, and may be renamed.
        """

    @abstractmethod
    def update(self, table: Table, frame: pl.DataFrame) -> None:
        """Update the frame's columns of rows that are there, by natural key."""

    @abstractmethod
    def begin(self, turn: Turn | None = None) -> None: ...

    @abstractmethod
    def commit(self) -> None: ...

    @abstractmethod
    def rollback(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...
