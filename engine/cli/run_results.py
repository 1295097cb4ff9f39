"""run_results.json: the record that every run writes, whether it succeeds or fails."""

from __future__ import annotations

import json
import resource
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.batch.report import gate_lines, outcome_lines, refusal_lines, report_content
from engine.cli.metrics import write_metrics
from engine.cli.printing import reason, remark
from engine.cli.settings import Config
from engine.cli.signals import signal_code
from engine.core.errors import error_line
from engine.core.files import write_text
from engine.core.schema import SCHEMA_VERSION
from engine.core.store_url import safe_url
from engine.core.version import VERSION

if TYPE_CHECKING:
    from engine.batch.report import Report

KIBIBYTES_A_MEBIBYTE = 1024


@dataclass
class RunRecord:
    """A run of a command, as it is written to run_results.json.

    Attributes:
        arguments: of the command line, passwords masked.
        settings: the configuration, passwords masked.
        report: of a backfill; None before it ends.
        more: further content of other commands.
        error: in one line; None while nothing failed.
        exit_code: of the process.
        began: when the command began, UTC.
        started: a reading of `time.perf_counter`.
    """

    arguments: dict[str, Any]
    settings: dict[str, str | int]
    report: Report | None = None
    more: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    wall_seconds: float = 0.0
    exit_code: int = 0
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=time.perf_counter)

    def content(self) -> dict[str, Any]:
        """Return everything as values that JSON can hold."""
        content: dict[str, Any] = {
            "engine_version": VERSION,
            "schema_version": SCHEMA_VERSION,
            "started_at": self.began,
            "finished_at": self.began + timedelta(seconds=self.wall_seconds),
            "exit_code": self.exit_code,
            "arguments": self.arguments,
            "settings": self.settings,
            "error": self.error,
            "wall_seconds": round(self.wall_seconds, 4),
            "peak_memory_mib": _peak_memory(),
        }
        if self.report:
            content |= report_content(self.report)
        return content | self.more

    def to_json(self) -> str:
        """Return the text of the file."""
        return json.dumps(self.content(), indent=1, default=str)

    def to_text(self) -> str:
        """Return a summary of a few lines."""
        report = self.report
        gated = gate_lines(report) if report else []
        if report is None or report.window is None:
            return "\n".join(gated) or "no session is missing: nothing to do"
        window = report.window
        lines = [
            f"{len(window.sessions)} sessions, {window.sessions[0]} to {window.sessions[-1]}, "
            f"seen from {window.run_date}; {report.portfolios} portfolios",
            *(f"  {name:<32}{rows:>10,} rows" for name, rows in report.rows.items()),
            "  ".join(f"{stage} {spent:.2f} s" for stage, spent in report.seconds.items())
            + f"  all {self.wall_seconds:.2f} s  peak {_peak_memory():,} MiB",
        ]
        return "\n".join([*lines, *outcome_lines(report), *gated, *refusal_lines(report)])


def _peak_memory() -> int:
    """Return the peak resident memory of the process in MiB; Linux reports KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // KIBIBYTES_A_MEBIBYTE


@contextmanager
def recorded(options: Namespace, settings: Config, source: str) -> Iterator[RunRecord]:
    """Write the record of a run when the block ends, also when it fails.

    A file that cannot be written is a warning: the run's own result or error counts.

    Args:
        options: the parsed command line; its `target`, if any, is masked as `source` is.
        settings: the configuration; it names the file to write.
        source: URL of the store that is read.

    Yields:
        The record, for the block to add its results to.
    """
    arguments = {key: _shown(value) for key, value in vars(options).items() if value is not None}
    for key, url in (("source", source), ("target", getattr(options, "target", None) or source)):
        arguments[key] = safe_url(url)
    record = RunRecord(arguments, settings.shown())
    try:
        yield record
    except BaseException as error:  # an interrupt is on record as well
        record.error, record.exit_code = error_line(error), exit_code(error)
        raise
    finally:
        record.wall_seconds = time.perf_counter() - record.started
        text = record.to_json() + "\n"
        if _write(text, settings.run_results):
            _keep(record, text, settings.run_results)
        if metrics := getattr(options, "metrics", None):
            with _only_warned("metrics", metrics):
                write_metrics(record, metrics)


def _shown(value: object) -> object:
    """Return an argument without its secrets: any may be a URL, or a password in the wrong place."""
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return safe_url(value) if isinstance(value, str) else value


def exit_code(error: BaseException) -> int:
    """Return the exit code of a command that an error ends."""
    return signal_code(error) or (141 if isinstance(error, BrokenPipeError) else 2)


@contextmanager
def _only_warned(what: str, path: str) -> Iterator[None]:
    """Make a warning of a file that cannot be written: the run's own result or error counts.

    Args:
        what: kind of the file.
        path: of the file.

    Yields:
        Nothing.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        remark(f"warning: {what} cannot be written to {safe_url(path)}: {reason(error)}")


def _write(text: str, path: str) -> bool:
    """Write a record. One that cannot be written changes neither the result of the run nor its error.

    Returns:
        Whether it was written.
    """
    with _only_warned("run_results", path):
        write_text(path, text)
        return True
    return False


def kept_folder(path: str) -> Path:
    """Return the folder with a copy of the record of each command.

    Args:
        path: of the file with the record of the last command.
    """
    file = Path(path)
    return file.with_suffix("") if file.suffix else Path(f"{path}.d")


def _keep(record: RunRecord, text: str, path: str) -> None:
    """Keep a copy of the record of each run, in a folder of the file's name without its suffix."""
    file = Path(path)
    if not file.is_file():
        return  # a device
    folder = kept_folder(path)
    name = f"{record.began:%Y%m%dT%H%M%S%f}-{record.arguments.get('command', 'run')}.json"
    with _only_warned("run_results", str(folder)):
        folder.mkdir(exist_ok=True)
        write_text(folder / name, text)
