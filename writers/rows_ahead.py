"""Rows of tables, made in a thread while earlier ones are written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

import polars as pl

ROWS_AHEAD = 250_000
"""While this many rows wait to be written, no further table is begun."""


class RowsAhead:
    """Rows of tables in the form that a store takes; a context manager that waits for those being made.

    A database takes rows without Python, so that a second core can make the next ones, the largest first. A
    table that is asked for before its turn is made by the caller.
    """

    def __init__(
        self, makers: Mapping[str, Callable[[], pl.DataFrame]], heights: Mapping[str, int], enough: int
    ) -> None:
        """Begin to make rows.

        Args:
            makers: What returns a table's rows, in the order in which tables will be taken.
            heights: Number of rows of each.
            enough: While this many rows wait, no further table is begun; 1 for one table ahead.
        """
        self.tables, self._enough = tuple(makers), enough
        self._makers, self._heights = makers, heights
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rows")
        self._to_make = deque(makers)
        self._waiting: dict[str, Future[pl.DataFrame]] = {}

    def __enter__(self) -> Self:
        self._make_more()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def take(self, table: str) -> pl.DataFrame:
        """Return a table's rows, and make further ones while the caller writes them.

        Args:
            table: Its name. Tables are taken in their order, each once.

        Raises:
            EngineError: What making the rows raised.
        """
        rows = self._waiting.pop(table)
        made = self._makers[table]() if rows.cancel() else rows.result()
        self._make_more()
        return made

    def _make_more(self) -> None:
        rows = sum(self._heights[name] for name in self._waiting)
        due = []
        while self._to_make and rows < self._enough:
            due.append(self._to_make.popleft())
            rows += self._heights[due[-1]]
        for name in sorted(due, key=self._heights.__getitem__, reverse=True):
            self._waiting[name] = self._thread.submit(self._makers[name])
