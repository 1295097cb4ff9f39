"""Ray: each shard is a task of a cluster, of one machine or many. Nothing else imports Ray.

The driver, the process that called `engine.backfill`, holds the store's lock, reads the inputs, and records
start and end of the run. Shared inputs are put once into Ray's object store. A worker computes its shard
and writes it into the target, in one transaction with its row of the ledger; so the shard of a lost worker
is computed again by another one.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import lru_cache, partial
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Any

from engine.batch.executors.executor import Executor
from engine.batch.executors.tasks import (
    ShardOutcome,
    ShardTask,
    SharedInputs,
    check_machine,
    run_task,
    shard_task,
    shared_inputs,
)
from engine.batch.ledger import Run
from engine.batch.request import Request
from engine.batch.run_writes import record_start, wait_for_others
from engine.batch.shards import MemoryShortError
from engine.batch.steps import (
    LoadedInputs,
    RunState,
    shard_inputs,
    with_stored_shared_rows,
)
from engine.core.errors import EngineError, UsageError, either, error_line
from loaders.open import resolved
from writers.open import KINDS, writer_kind
from writers.retry import with_retries

if TYPE_CHECKING:
    import polars as pl
    from ray import ObjectRef

RETRIES = 5
"""Number of times that a shard of a lost worker is computed again."""
SHARDS_PER_PROCESSOR = 2
"""One in progress and one waiting."""
CANCEL_SECONDS = 30
"""Time for cancelled workers to end."""
WORKERS_END_SECONDS = 1
"""Ray ends the workers of a driver that has left it; in trials within 0.3 s."""
CONNECT_SECONDS = 10
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


class RayExecutor(Executor):
    """Runs shards as tasks of a Ray cluster.

    The cluster is the one that RAY_ADDRESS names, else one on this machine, else one started for the run.
    """

    def __init__(self, state: RunState, run: Run) -> None:
        request = state.request
        source, target = resolved(request.source), resolved(request.target)
        super().__init__(replace(state, request=request._replace(source=source, target=target)), run)
        self._pending: dict[ObjectRef, tuple[LoadedInputs, list[str]]] = {}
        self._one_committed = False
        self._shared: tuple[LoadedInputs, ObjectRef] | None = None
        self._definitions: pl.DataFrame | None = None
        self._ray, self._connected = _connected()
        processors = [int(node["Resources"].get("CPU", 0)) for node in self._ray.nodes() if node["Alive"]]
        self.parallel_shards = max(1, sum(processors))
        self.shards_in_memory = max(1, max(processors, default=1))
        task = self._ray.remote(_task)
        self._task = task.options(num_cpus=1, max_retries=RETRIES, runtime_env=ONE_THREAD)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.wait_for_all()
        finally:
            self._leave()

    def wait_for_all(self) -> None:
        while self._pending:
            self._wait_for_one()

    def run_shard(self, loaded: LoadedInputs, block: list[str]) -> LoadedInputs:
        """Submit a shard; the first one, which inserts shared rows, is committed before the next begins.

        Args:
            loaded: Inputs of portfolios with one history.
            block: Ids of the shard's portfolios.

        Returns:
            The inputs, with the shared rows that the first shard stored.
        """
        state = self.state
        if not state.start_recorded:
            with_retries(partial(record_start, state, self.run), state.progress.note)
            state.start_recorded = state.tables_exist = True
        while len(self._pending) >= SHARDS_PER_PROCESSOR * self.parallel_shards:
            self._wait_for_one()
        self._submit(loaded, block)
        if not self._one_committed:
            self.wait_for_all()
        loaded = self._with_definitions(loaded)
        if state.is_last(block) or not loaded.window.updates_tags:
            return loaded
        # Workers wrote the tags: read them back.
        self.wait_for_all()
        return with_stored_shared_rows(state, loaded)

    def _with_definitions(self, loaded: LoadedInputs) -> LoadedInputs:
        """Return the inputs with the factor definitions that earlier shards inserted."""
        if self._definitions is None or loaded.inputs.factor_definitions.equals(self._definitions):
            return loaded
        return loaded._replace(inputs=replace(loaded.inputs, factor_definitions=self._definitions))

    def _submit(self, loaded: LoadedInputs, block: list[str]) -> None:
        if self._shared is None or self._shared[0] is not loaded:
            self._shared = loaded, self._ray.put(shared_inputs(self.state, self.run, loaded))
        task = shard_task(shard_inputs(self.state, loaded, block))
        # Ray resolves a reference that is an argument for each task; in a list the worker fetches it once.
        self._pending[self._task.remote([self._shared[1]], task)] = loaded, block

    def _wait_for_one(self) -> None:
        """Wait for one shard in progress and report it; one that does not fit the memory is halved."""
        ready, _ = self._ray.wait(list(self._pending), num_returns=1)
        loaded, block = self._pending.pop(ready[0])
        outcome = self._outcome(ready[0], block)
        if isinstance(outcome, MemoryShortError) and len(block) > 1:
            half = len(block) // 2
            self.state.progress.note(f"memory is short: {len(block)} portfolios are done in two halves")
            self.run_shard(self.run_shard(loaded, block[:half]), block[half:])
        elif isinstance(outcome, EngineError):
            raise outcome
        else:
            self._report(outcome)

    def _outcome(self, ref: ObjectRef, block: list[str]) -> ShardOutcome | EngineError:
        errors = self._ray.exceptions
        try:
            outcome: ShardOutcome | EngineError = self._ray.get(ref)
        except errors.OutOfMemoryError:
            return MemoryShortError(len(block))
        except errors.RayTaskError as error:
            return ClusterError(f"a task could not begin: {error_line(error.cause)}")
        except errors.RayError as error:
            return LostWorkersError(block, error)
        return outcome

    def _report(self, outcome: ShardOutcome) -> None:
        state, report = self.state, outcome.report
        self._one_committed = True
        for note in outcome.notes:
            state.progress.note(note)
        stage = state.progress.stage("write", sum(report.rows.values()))
        for table, rows in report.rows.items():
            stage.rows(table, rows)
        state.report.add(report)
        if outcome.definitions is not None:
            self._definitions = outcome.definitions

    def _leave(self) -> None:
        """End the shards in progress, and wait until their transactions are committed or rolled back."""
        pending, self._pending = list(self._pending), {}
        try:
            if self._connected:
                # Not `ray.cancel` first: a task that completes meanwhile makes Ray abort this process.
                self._ray.shutdown()
                time.sleep(WORKERS_END_SECONDS if pending else 0)
            else:
                self._cancel(pending)
        finally:
            if self.state.start_recorded:
                # A store that cannot be reached is why the run ends, and has been reported.
                with suppress(EngineError):
                    wait_for_others(self.state)

    def _cancel(self, pending: list[ObjectRef]) -> None:
        """Cancel shards in a cluster that the caller goes on using."""
        for ref in pending:
            self._ray.cancel(ref, force=True)
        if pending:
            self._ray.wait(pending, num_returns=len(pending), timeout=CANCEL_SECONDS)


def _connected() -> tuple[Any, bool]:
    """Return Ray, connected to a cluster, and whether this call connected it."""
    # Usage statistics go to Ray's developers only if the operator turns them on.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    if ray.is_initialized():
        return ray, False
    _check_address(os.environ.get("RAY_ADDRESS", ""))
    try:
        with _own_sigterm():
            ray.init(logging_level="error", log_to_driver=False)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise ClusterError(error) from error
    return ray, True


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Restore this process's handler of SIGTERM after the block: Ray's prints a stack and exits with 15.

    Yields:
        Nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)  # None: set outside Python


def _check_address(address: str) -> None:
    """Raise a ClusterError if the cluster does not answer. Ray itself tries for minutes."""
    if address.startswith("ray://"):
        raise ClusterError(f"{address} is a client's address; run the engine on a machine of the cluster")
    host, mark, port = address.rpartition(":")
    if not mark or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except OSError as error:
        raise ClusterError(f"no cluster answers at {address}: {error}") from error


def _task(shared: list[ObjectRef], task: ShardTask) -> ShardOutcome | EngineError:
    try:
        inputs = _fetched(shared[0])
    except EngineError as error:
        return error
    return run_task(inputs, task)


@lru_cache(maxsize=1)
def _fetched(ref: ObjectRef) -> SharedInputs:
    import ray

    shared: SharedInputs = ray.get(ref)
    return check_machine(shared)
