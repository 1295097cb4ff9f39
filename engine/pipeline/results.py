"""Results: what a run computed, one frame for each table, in the table's own columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock

import polars as pl

FAILURES: dict[str, pl.DataType] = {
    "portfolio_id": pl.String(),
    "table": pl.String(),
    "column": pl.String(),
    "key": pl.String(),
    "value": pl.String(),
    "reason": pl.String(),
}
"""One row for each reason for which a portfolio was left out of the results."""


class Deferred:
    """A frame of known height that is made when it is first asked for, once, whichever thread asks.

    make: takes whether ids are to be words instead of texts: see `engine.core.row_ids.WORDS`.
    """

    def __init__(self, height: int, make: Callable[[bool], pl.DataFrame], in_words: bool = False) -> None:
        self.height = height
        self._lock = Lock()
        self._made: pl.DataFrame | None = None
        # What it is made from is let go of when it is made.
        self._make: Callable[[bool], pl.DataFrame] | None = make
        self._in_words = in_words

    def frame(self) -> pl.DataFrame:
        """The frame."""
        with self._lock:
            if self._make is not None:
                self._made, self._make = self._make(self._in_words), None
            assert self._made is not None
            return self._made

    def in_words(self) -> Deferred:
        """The same with ids as words, a frame of its own; what is made already stays as it is."""
        with self._lock:
            return self if self._make is None else Deferred(self.height, self._make, in_words=True)

    @property
    def is_being_made(self) -> bool:
        """Whether some thread is at it."""
        return self._lock.locked()


class Tables(Mapping[str, pl.DataFrame]):
    """Frames by table, some of them deferred: what nobody asks for is never made."""

    def __init__(self, found: Mapping[str, pl.DataFrame | Deferred]) -> None:
        self._found = dict(found)

    def __getitem__(self, table: str) -> pl.DataFrame:
        found = self._found[table]
        return found.frame() if isinstance(found, Deferred) else found

    def __contains__(self, table: object) -> bool:
        return table in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    @property
    def heights(self) -> dict[str, int]:
        """Rows by table; nothing is made for it."""
        return {name: found.height for name, found in self._found.items()}

    def of(self, tables: Collection[str]) -> Tables:
        """Those of some tables: the same frames, made once for both."""
        return Tables({name: found for name, found in self._found.items() if name in tables})

    def in_words(self) -> Tables:
        """The same; what is not made yet gets its ids as words: see `engine.core.row_ids.WORDS`."""
        return Tables({n: f.in_words() if isinstance(f, Deferred) else f for n, f in self._found.items()})

    def make(self) -> None:
        """Make what is not made yet, in order; what another thread is at is left to it."""
        for found in self._found.values():
            if isinstance(found, Deferred) and not found.is_being_made:
                found.frame()


@dataclass(frozen=True)
class Results:
    """The tables of a run.

    tables: whole rows of every output table and of `analytics_status`; of the state tables
        `portfolios` and `positions` the rows of the portfolios that were computed, updated.
        Figures are rounded and numbered as their table stores them when they are asked for.
    failures: portfolios that were left out, with their reasons (`FAILURES`).
    removed: by table, the natural keys of rows that are no more.
    """

    tables: Tables
    failures: pl.DataFrame
    removed: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    def __getitem__(self, table: str) -> pl.DataFrame:
        return self.tables[table]

    @property
    def rows(self) -> int:
        """Rows of all tables together."""
        return sum(self.tables.heights.values())

    def _repr_html_(self) -> str:
        body = "".join(
            f"<tr><th>{name}</th><td>{frame.height:,} x {frame.width}</td></tr>"
            for name, frame in self.tables.items()
        )
        failed = f"<p>{self.failures.height} reasons for portfolios left out</p>"
        note = failed if self.failures.height else ""
        return f"<table><tr><th>table</th><th>rows x columns</th></tr>{body}</table>{note}"
