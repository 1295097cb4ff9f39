"""Progress of a command: silent, plain lines for logs, or bars on a terminal.

Stages overlap: while one shard is written, the next is computed, and several may be written at
once. Each stage therefore counts its own rows.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class ProgressStage:
    """A stage of a command; this one shows nothing."""

    def rows(self, table: str, count: int) -> None:
        """Report that `count` more rows of a table are done; 0 says that the work goes on.

        Args:
            table: name of the table.
            count: since the last call, not in all.
        """


class Quiet:
    """Progress that shows nothing; the base of the others."""

    _topics: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        return self

    def stage(self, name: str, total: int | None = None) -> ProgressStage:
        """Begin a stage.

        Args:
            name: as shown.
            total: rows that the stage will report, if known.

        Returns:
            The stage, which takes its rows.
        """
        del name, total
        return ProgressStage()

    def note(self, text: str) -> None:
        """Show a remark."""

    def warn(self, topic: str, text: str) -> None:
        """Show a warning, unless the same command has shown one on the same topic.

        Args:
            topic: key under which a warning is shown once in a command.
            text: one line.
        """
        if topic not in self._topics:
            self._topics |= {topic}
            self.warning(text)

    def warning(self, text: str) -> None:
        """Show a warning: something that the user has to act on; by default as a remark."""
        self.note(text)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the display, whether the command succeeded or not."""


def _print(text: str) -> None:
    """Print a line on stderr; a reader that has gone away, or a full disk, does not end the run."""
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


class Warnings(Quiet):
    """Warnings alone, a line on stderr for each."""

    def warning(self, text: str) -> None:
        _print(text)


LOG_SECONDS = 5.0
"""Between two lines of a log that say how far a stage is."""


class Plain(Quiet):
    """Lines on stderr with time (UTC) and level: one for each stage, of a long one one every few seconds."""

    def stage(self, name: str, total: int | None = None) -> ProgressStage:
        self.note(f"{name} {total:,}" if total else name)
        return PlainStage(self, name, total or 0)

    def note(self, text: str) -> None:
        self._line("INFO", text)

    def warning(self, text: str) -> None:
        self._line("WARNING", text)

    def _line(self, level: str, text: str) -> None:
        _print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {level:<7} {text}")


class JsonLines(Plain):
    """The same as JSON, an object on each line: time, level, message."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet

    def _line(self, level: str, text: str) -> None:
        if level == "WARNING" or not self._quiet:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            _print(json.dumps({"time": now, "level": level, "message": text}))


class PlainStage(ProgressStage):
    """A stage that says how far it is every few seconds."""

    def __init__(self, log: Plain, name: str, total: int) -> None:
        self._log, self._name, self._total = log, name, total
        self._done = 0
        self._start = self._shown = time.perf_counter()

    def rows(self, table: str, count: int) -> None:
        self._done += count
        now = time.perf_counter()
        if now - self._shown >= LOG_SECONDS:
            self._shown = now
            self._log.note(progress_line(self._name, self._total, self._done, now - self._start))


def progress_line(name: str, total: int, done: int, seconds: float) -> str:
    """Return how far a stage is, its rate, and the time left at this rate.

    Args:
        name: of the stage.
        total: rows; 0 if unknown.
        done: rows.
        seconds: since the stage began.

    Returns:
        One line.
    """
    rate = done / seconds
    amount = f"{name} {done:,} of {total:,}" if total else f"{name} {done:,}"
    left = f", {max(0, total - done) / rate:.0f} s left" if total and rate else ""
    return f"{amount}, {rate:,.1f} a second{left}"


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
        self._uncounted: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError, ValueError):
            if kind is None:
                self._complete()
            self._bars.stop()

    def stage(self, name: str, total: int | None = None) -> ProgressStage:
        self._complete()
        task = self._bars.add_task(name, total=total, rate="")
        self._uncounted = task if total is None else None
        return BarStage(self._bars, task)

    def _complete(self) -> None:
        """Fill the bar of a stage without a total: it ends when the next one begins."""
        if self._uncounted is not None:
            done = self._bars.tasks[self._uncounted].completed or 1
            self._bars.update(self._uncounted, total=done, completed=done)

    def note(self, text: str) -> None:
        self._bars.console.print(text, markup=False, highlight=False)


class BarStage(ProgressStage):
    """A stage whose rows fill a bar."""

    def __init__(self, bars: Progress, task: TaskID) -> None:
        self._bars, self._task = bars, task

    def rows(self, table: str, count: int) -> None:
        self._bars.advance(self._task, count)
        speed = self._bars.tasks[self._task].speed
        self._bars.update(self._task, rate=f"{speed:,.0f}/s" if speed else "")


def reporter(quiet: bool, log_format: str = "text") -> Quiet:
    """Return the progress of this process: only warnings if quiet, bars on a terminal, else plain lines.

    Args:
        quiet: whether to show warnings only.
        log_format: "text", or "json" for an object on each line.
    """
    if log_format == "json":
        return JsonLines(quiet)
    if quiet:
        return Warnings()
    return Bars() if sys.stderr.isatty() else Plain()
