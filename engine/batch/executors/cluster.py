"""Ray: each shard is a task of a cluster, of one machine or many. Nothing else imports Ray.

The driver, the process that called `engine.backfill`, holds the store's lock, reads the inputs, and records
start and end of the run. Shared inputs are put once into Ray's object store. A worker computes its shard
and writes it into the target, in one transaction with its row of the ledger; so the shard of a lost worker
is computed again by another one.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Any

from engine.batch.executors.executor import Executor
from engine.batch.executors.tasks import Done, Own, Shared, admitted, own, parted, work
from engine.batch.ledger import Run
from engine.batch.request import Request
from engine.batch.shards import MemoryShortError
from engine.batch.steps import Job, Loaded, begin, relabelled, shard, wait_for_others
from engine.core.errors import EngineError, UsageError, either, error_line
from loaders.open import resolved
from writers.open import KINDS, writer_kind
from writers.retry import with_retries

if TYPE_CHECKING:
    import polars as pl
    from ray import ObjectRef

RETRIES = 5
"""How often a shard of a lost worker is computed again."""
AHEAD = 2
"""Shards per processor: one in progress and one waiting."""
LEAVING_SECONDS = 30
"""Time for cancelled workers to end."""
KNOCK_SECONDS = 10
ONE_THREAD = {"env_vars": {"POLARS_MAX_THREADS": "1"}}
"""A task has one processor: as many threads as tasks, not more."""


class MissingRayError(EngineError, ImportError):
    """Ray is not installed."""

    hint = "Add it: bin/setup ray, or python -m pip install 'columnar-portfolio-engine[ray]'"

    def __init__(self) -> None:
        super().__init__("the executor ray needs ray, which is not installed")


class ClusterError(EngineError, ConnectionError):
    """The cluster cannot be reached, or runs other versions than this process."""

    def __init__(self, reason: object) -> None:
        super().__init__(f"the Ray cluster cannot be used: {' '.join(str(reason).split())}")


class LostWorkersError(EngineError, ConnectionError):
    """The workers of one shard were lost too often."""

    hint = "The same command goes on with the shards that are left"

    def __init__(self, block: Sequence[str], reason: object) -> None:
        first = " ".join(str(reason).split()).partition(". ")[0]
        super().__init__(
            f"the shard of {len(block)} portfolios from {block[0] if block else 'none'} on was lost "
            f"{RETRIES + 1} times with its worker: {first}"
        )


def check(request: Request) -> None:
    """Check that a cluster can do a run.

    Raises:
        UsageError: a target that only one process can write, or a dry run.
        MissingRayError: Ray is not installed.
    """
    kind = writer_kind(request.target)
    if not kind.shared:
        shared = [other.label for other in KINDS.values() if other.shared]
        raise UsageError(
            f"store {request.target} is {kind.label}, which one process writes, not the workers of a cluster",
            f"Name {either(shared)} with --to, or leave --executor out",
        )
    if request.dry_run:
        raise UsageError("a dry run writes nothing, and needs no cluster: leave --executor out")
    if find_spec("ray") is None:
        raise MissingRayError


class Cluster(Executor):
    """The cluster that RAY_ADDRESS names, else one that runs on this machine, else one of the run's own."""

    def __init__(self, job: Job, run: Run) -> None:
        request = job.request
        source, target = resolved(request.source), resolved(request.target)
        super().__init__(replace(job, request=replace(request, source=source, target=target)), run)
        self._pending: dict[ObjectRef, tuple[Loaded, list[str]]] = {}
        self._through = False
        self._kept: tuple[Loaded, ObjectRef] | None = None
        self._definitions: pl.DataFrame | None = None
        self._ray, self._joined = _joined()
        nodes = [node["Resources"].get("CPU", 0) for node in self._ray.nodes() if node["Alive"]]
        self.wide, self.held = max(1, int(sum(nodes))), max(1, int(max(nodes, default=1)))
        task = self._ray.remote(_task)
        self._task = task.options(num_cpus=1, max_retries=RETRIES, runtime_env=ONE_THREAD)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.settle()
        finally:
            self._leave()

    def settle(self) -> None:
        while self._pending:
            self._take()

    def do(self, loaded: Loaded, block: list[str]) -> Loaded:
        """Submit a shard; the first one, which inserts shared rows, is committed before the next begins."""
        job = self.job
        if not job.begun:
            with_retries(partial(begin, job, self.run), job.told.note)
            job.begun = job.complete = True
        while len(self._pending) >= AHEAD * self.wide:
            self._take()
        self._submit(loaded, block)
        if not self._through:
            self.settle()
        loaded = self._defined(loaded)
        if job.is_last(block) or not loaded.window.updates_tags:
            return loaded
        # Workers wrote the tags: read them back.
        self.settle()
        return relabelled(job, loaded)

    def _defined(self, loaded: Loaded) -> Loaded:
        """Return the inputs with the factor definitions that earlier shards inserted."""
        known = loaded.inputs.factor_definitions
        if self._definitions is None or known.equals(self._definitions):
            return loaded
        return replace(loaded, inputs=replace(loaded.inputs, factor_definitions=self._definitions))

    def _submit(self, loaded: Loaded, block: list[str]) -> None:
        if self._kept is None or self._kept[0] is not loaded:
            self._kept = loaded, self._ray.put(parted(self.job, self.run, loaded))
        some = shard(self.job, loaded, block)
        # In a list, a reference is handed over as it is: each worker fetches what it names once.
        self._pending[self._task.remote([self._kept[1]], own(some))] = loaded, block

    def _take(self) -> None:
        """Wait for one shard in progress and report it; one that does not fit the memory is halved."""
        ready, _ = self._ray.wait(list(self._pending), num_returns=1)
        loaded, block = self._pending.pop(ready[0])
        found = self._answer(ready[0], block)
        if isinstance(found, MemoryShortError) and len(block) > 1:
            half = len(block) // 2
            self.job.told.note(f"memory is short: {len(block)} portfolios are done in two halves")
            self.do(self.do(loaded, block[:half]), block[half:])
        elif isinstance(found, EngineError):
            raise found
        else:
            self._tell(found)

    def _answer(self, ref: ObjectRef, block: list[str]) -> Done | EngineError:
        errors = self._ray.exceptions
        try:
            found: Done | EngineError = self._ray.get(ref)
        except errors.OutOfMemoryError:
            return MemoryShortError(len(block))
        except errors.RayTaskError as error:
            return ClusterError(f"a task could not begin: {error_line(error.cause)}")
        except errors.RayError as error:
            return LostWorkersError(block, error)
        return found

    def _tell(self, done: Done) -> None:
        job, report = self.job, done.report
        self._through = True
        for note in done.notes:
            job.told.note(note)
        stage = job.told.stage("write", sum(report.rows.values()))
        for table, rows in report.rows.items():
            stage.rows(table, rows)
        job.report.add(report)
        self._definitions = self._definitions if done.definitions is None else done.definitions

    def _leave(self) -> None:
        """Cancel the shards in progress, and wait until their transactions are committed or rolled back."""
        try:
            for ref in self._pending:
                self._ray.cancel(ref, force=True)
            if self._pending:
                self._ray.wait(list(self._pending), num_returns=len(self._pending), timeout=LEAVING_SECONDS)
            if self.job.begun:
                # A store that cannot be reached is why the run ends, and has been reported.
                with suppress(EngineError):
                    wait_for_others(self.job)
        finally:
            if self._joined:
                self._ray.shutdown()


def _joined() -> tuple[Any, bool]:
    """Ray, connected; and whether it is this call that did so."""
    # Nothing is told to anybody outside unless its operator wants that.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    if ray.is_initialized():
        return ray, False
    _look_for(os.environ.get("RAY_ADDRESS", ""))
    try:
        ray.init(logging_level="error", log_to_driver=False)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise ClusterError(error) from error
    return ray, True


def _look_for(address: str) -> None:
    """Knock where the cluster should be: Ray itself goes on knocking for minutes."""
    if address.startswith("ray://"):
        raise ClusterError(f"{address} is a client's address; run the engine on a machine of the cluster")
    host, mark, port = address.rpartition(":")
    if not mark or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), KNOCK_SECONDS).close()
    except OSError as error:
        raise ClusterError(f"nobody answers at {address}: {error}") from error


def _task(kept: list[ObjectRef], mine: Own) -> Done | EngineError:
    try:
        shared = _fetched(kept[0])
    except EngineError as error:
        return error
    return work(shared, mine)


@lru_cache(maxsize=1)
def _fetched(ref: ObjectRef) -> Shared:
    import ray

    shared: Shared = ray.get(ref)
    return admitted(shared)
