"""Records of commands: the copies of run_results.json that each command keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

MOST_FILES = 400
"""Newest files that are looked at: more than a year of nights."""
MOST_RECORDS = 30
"""Newest records of a store that a page shows."""


@dataclass(frozen=True)
class RunRecord:
    """The file that one command left.

    Attributes:
        content: of the file: see `engine.cli.run_results`.
    """

    content: dict[str, Any]

    @property
    def started(self) -> datetime:
        """When the command began, UTC."""
        return datetime.fromisoformat(self.content["started_at"])

    @property
    def command(self) -> str:
        """Name of the command."""
        return str(self.content.get("arguments", {}).get("command", "run"))

    @property
    def run_ids(self) -> list[str]:
        """Ids of its runs in engine_runs."""
        return list(self.content.get("run_ids") or ())

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by stage, in the order of the run: what was collected, then load, compute and write."""
        collected = {f"collect {part['kind']}": part["seconds"] for part in self.content.get("collected", ())}
        return {**collected, **(self.content.get("seconds") or {})}

    def rows_of(self, key: str) -> list[dict[str, Any]]:
        """Return a list of the record, such as its failures; empty where the command has none.

        Args:
            key: failures, quarantine, inconsistent, held_back or unpriced.
        """
        return list(self.content.get(key) or ())


@dataclass(frozen=True)
class Records:
    """Records of the commands that ran on a store, newest first.

    Attributes:
        folder: where they are kept.
        records: at most `MOST_RECORDS`, and the one that was asked for.
        unread: names of files that are no record.
    """

    folder: str
    records: list[RunRecord]
    unread: list[str]

    def of_run(self, run: str) -> RunRecord | None:
        """Return the record of the command that a run belongs to; None if it is not kept.

        Args:
            run: id in engine_runs.
        """
        return next((record for record in self.records if run in record.run_ids), None)


def read_records(folder: Path | None, runs: Set[str], wanted: str) -> Records:
    """Return the records of the commands whose runs a store has.

    Args:
        folder: that holds a file for each command, named by its time; None: there is none.
        runs: ids of the store's runs.
        wanted: id of the run whose record is kept even if it is old.
    """
    records: list[RunRecord] = []
    unread: list[str] = []
    if folder is None or not folder.is_dir():
        return Records(str(folder or ""), records, unread)
    for path in sorted(folder.glob("*.json"), reverse=True)[:MOST_FILES]:
        record = _read(path)
        if record is None:
            unread.append(path.name)
        elif runs.isdisjoint(record.run_ids):
            continue  # of another store
        elif len(records) < MOST_RECORDS or wanted in record.run_ids:
            records.append(record)
    return Records(str(folder), records, unread)


def _read(path: Path) -> RunRecord | None:
    """Return the record of a file; None if the file is none."""
    try:
        record = RunRecord(json.loads(path.read_text(encoding="utf-8")))
        complete = record.started and isinstance(record.seconds, dict) and record.command
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return record if complete else None


def stages(records: list[RunRecord]) -> Iterator[str]:
    """Yield the names of all stages of some records, each once, in the order of a run.

    Args:
        records: newest first.
    """
    yield from dict.fromkeys(stage for record in reversed(records) for stage in record.seconds)
