"""The limit: what a store itself takes to give the inputs and to take the finished rows.

For DuckDB and Parquet a child process, `engine.benchmarks.limit_process`, times nothing but the store's own
calls: not its start, and not the making of the rows. For Postgres psql sends and takes them as text;
see `engine.benchmarks.stores`.
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
"""What the legacy batch writes, parents first; the engine's own tables are no part of the limit."""
CHILD = "engine.benchmarks.limit_process"


@dataclass(frozen=True)
class StoreTime:
    """Seconds that the store took, by the clock and of the client's processor; rows that went in."""

    wall: float
    cpu: float
    rows: int = 0


def bare(folder: Path, *words: str) -> StoreTime:
    """Let a child process read, write or count."""
    done = run([sys.executable, "-m", CHILD, *words], folder)
    return StoreTime(**json.loads(done.out))


def read_statements(folder: Path, url: str, world: Workload) -> list[str]:
    """The statements by which the engine reads a window's inputs."""
    words = ("statements", url, *world.days(world.start, world.end))
    found: list[str] = json.loads(run([sys.executable, "-m", CHILD, *words], folder).out)
    return found
