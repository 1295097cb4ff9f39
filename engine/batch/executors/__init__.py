"""Executors compute and write the shards that a run hands out in order: in this process or on a cluster."""

from __future__ import annotations

from engine.batch.executors.executor import Executor
from engine.batch.executors.local import LocalExecutor
from engine.batch.ledger import Run
from engine.batch.request import Request
from engine.batch.steps import RunState
from engine.core.errors import UsageError, nearest

__all__ = ["Executor", "check", "open_executor"]

NAMES = ("local", "ray")


def check(name: str, request: Request) -> None:
    """Check that an executor can do a run, before any store is opened. Ray may be missing: MissingRayError.

    Args:
        name: of the executor, as the user wrote it.
        request: its source and target.

    Raises:
        UsageError: no such executor.
    """
    if name not in NAMES:
        raise UsageError(f"there is no executor {name}{nearest(name, NAMES)}")
    if name == "ray":
        from engine.batch.executors import cluster

        cluster.check(request)


def open_executor(name: str, state: RunState, run: Run) -> Executor:
    """Return the executor of a run; use it as a context manager.

    Args:
        name: of a checked executor.
        state: of the backfill.
        run: its row in the ledger.
    """
    if name == "ray":
        from engine.batch.executors.cluster import RayExecutor

        return RayExecutor(state, run)
    return LocalExecutor(state, run)
