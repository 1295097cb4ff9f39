"""The limit: the time a store itself takes to return the inputs and to accept the finished rows.

For DuckDB and Parquet a child process, `engine.benchmarks.limit_process`, times only the store's own
calls, neither its start nor the making of the rows. For Postgres psql reads and writes the rows as
text: see `engine.benchmarks.stores`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from engine.benchmarks.processes import run
from engine.benchmarks.workloads import Workload
from engine.core.schema import TABLES

OUTPUTS = tuple(name for name, table in TABLES.items() if table.role == "output")
"""Tables that the legacy batch writes, parents first; the engine's own tables do not count."""
CHILD = "engine.benchmarks.limit_process"


@dataclass(frozen=True)
class StoreTime:
    """Time that a store alone took.

    Attributes:
        wall: seconds by the clock.
        cpu: seconds of the client's processor.
        rows: rows written or counted.
    """

    wall: float
    cpu: float
    rows: int = 0


def store_time(folder: Path, *words: str) -> StoreTime:
    """Let a child process read, write or count.

    Args:
        folder: where the process runs.
        words: a command of `engine.benchmarks.limit_process` with its arguments.

    Returns:
        The time that the store took.
    """
    done = run([sys.executable, "-m", CHILD, *words], folder)
    return StoreTime(**json.loads(done.out))


def read_statements(folder: Path, url: str, workload: Workload) -> list[str]:
    """Return the statements with which the engine reads a window's inputs from a store.

    Args:
        folder: in which the child process runs.
        url: of the store.
        workload: the window.
    """
    words = ("statements", url, *workload.date_options(workload.start, workload.end))
    statements: list[str] = json.loads(run([sys.executable, "-m", CHILD, *words], folder).out)
    return statements
