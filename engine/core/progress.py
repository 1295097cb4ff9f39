"""Progress goes through one small interface: silence, plain lines, or bars on a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Quiet:
    """Says nothing; the base of those that do."""

    def __enter__(self) -> Self:
        return self

    def stage(self, name: str, total: int | None = None) -> None:
        """A stage begins; `total` is the rows that it will report, where known."""

    def rows(self, table: str, count: int) -> None:
        """So many rows of a table are through."""

    def note(self, text: str) -> None:
        """Something that a reader of the log should know."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The work is over, well or badly."""


LOG_SECONDS = 5.0
"""Between two lines of a log that tell how far a stage is."""


class Plain(Quiet):
    """A line on stderr for each stage, and every few seconds of a long one, for logs and pipes."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._stage = ("", 0, self._start)
        self._done, self._told = 0, self._start

    def stage(self, name: str, total: int | None = None) -> None:
        self._stage = (name, total or 0, time.perf_counter())
        self._done, self._told = 0, time.perf_counter()
        self.note(f"{name} {total:,}" if total else name)

    def rows(self, table: str, count: int) -> None:
        self._done += count
        now = time.perf_counter()
        if now - self._told >= LOG_SECONDS:
            self._told = now
            self.note(far(*self._stage[:2], self._done, now - self._stage[2]))

    def note(self, text: str) -> None:
        elapsed = time.perf_counter() - self._start
        print(f"{elapsed:8.2f} s  {text}", file=sys.stderr, flush=True)


def far(name: str, total: int, done: int, seconds: float) -> str:
    """How far a stage is, at what rate, and how long it will go on like this."""
    rate = done / seconds
    told = f"{name} {done:,} of {total:,}" if total else f"{name} {done:,}"
    left = f", {max(0, total - done) / rate:.0f} s left" if total and rate else ""
    return f"{told}, {rate:,.1f} a second{left}"


class Bars(Quiet):
    """A bar for each stage on a terminal's stderr."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._bars: Progress = Progress(
            TextColumn("{task.description:>12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._finish()
        self._bars.stop()

    def stage(self, name: str, total: int | None = None) -> None:
        self._finish()
        self._task = self._bars.add_task(name, total=total, rate="")

    def _finish(self) -> None:
        if self._task is not None:
            done = self._bars.tasks[self._task].completed
            self._bars.update(self._task, total=done or 1, completed=done or 1)

    def rows(self, table: str, count: int) -> None:
        if self._task is not None:
            self._bars.advance(self._task, count)
            speed = self._bars.tasks[self._task].speed
            self._bars.update(self._task, rate=f"{speed:,.0f}/s" if speed else "")

    def note(self, text: str) -> None:
        self._bars.console.print(text, markup=False, highlight=False)


def reporter(quiet: bool) -> Quiet:
    """What suits this process: nothing when quiet, bars on a terminal, else plain lines."""
    if quiet:
        return Quiet()
    return Bars() if sys.stderr.isatty() else Plain()
