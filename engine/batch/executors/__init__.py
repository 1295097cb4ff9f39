"""Executors: who does the shards of a run. The job hands them out, in order; how is the executor's."""

from __future__ import annotations

from engine.batch.executors.executor import Executor
from engine.batch.executors.local import Local
from engine.batch.ledger import Run
from engine.batch.request import Request
from engine.batch.steps import Job
from engine.core.errors import UsageError, nearest

__all__ = ["Executor", "check", "open_executor"]

NAMES = ("local", "ray")


def check(name: str, request: Request) -> None:
    """Refuse what an executor cannot do, before anything is opened.

    Raises:
        UsageError: no such executor, or one that does not write to this kind of store.
        MissingRayError: Ray is not installed.
    """
    if name not in NAMES:
        raise UsageError(f"there is no executor {name}{nearest(name, NAMES)}")
    if name == "ray":
        from engine.batch.executors import cluster

        cluster.check(request)


def open_executor(name: str, job: Job, run: Run) -> Executor:
    """The executor of a run; use it as a context manager."""
    if name == "ray":
        from engine.batch.executors.cluster import Cluster

        return Cluster(job, run)
    return Local(job, run)
