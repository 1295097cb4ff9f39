"""Task of a worker on any machine: compute and write one shard."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version

import polars as pl

from engine.batch.ledger import RUNS, Run
from engine.batch.report import Report
from engine.batch.request import Request
from engine.batch.run_writes import write_shard
from engine.batch.steps import LoadedInputs, RunState, compute_shard, report_shard, shard_changes
from engine.batch.table_changes import DEFINITIONS
from engine.core.errors import EngineError, error_line
from engine.core.progress import Quiet
from engine.core.store_url import StoreURL
from engine.core.window import Window
from engine.pipeline.inputs import Inputs
from loaders.open import is_new, open_reader
from writers import LockScope, open_writer
from writers.retry import with_retries

SAME_VERSIONS = ("columnar-portfolio-engine", "polars", "numpy")
"""Packages whose versions must be equal on all machines: the last bit of a figure depends on them."""


class WorkerError(EngineError, RuntimeError):
    """A worker failed unexpectedly, or its machine is not set up like the others."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"machine {socket.gethostname()}: {reason}")


@dataclass(frozen=True)
class SharedInputs:
    """Inputs that all shards share.

    Attributes:
        request: what was asked for.
        now: start of the backfill.
        run: its row in the ledger.
        window: of the loaded portfolios.
        inputs: market data and reference tables; the frames of portfolios are empty.
        versions: of the packages `SAME_VERSIONS` on the driver's machine.
    """

    request: Request
    now: datetime
    run: Run
    window: Window
    inputs: Inputs
    versions: Mapping[str, str]


@dataclass(frozen=True)
class ShardTask:
    """Inputs of one shard.

    Attributes:
        portfolios: ids.
        owned: frames of the portfolios, by field of `Inputs`.
        copied: see `engine.batch.steps.LoadedInputs`.
    """

    portfolios: list[str]
    owned: Mapping[str, pl.DataFrame]
    copied: Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class ShardOutcome:
    """Outcome of a shard.

    Attributes:
        report: of the shard.
        definitions: factor definitions after the shard; None if it inserted none.
        notes: for the driver to print.
    """

    report: Report
    definitions: pl.DataFrame | None
    notes: Sequence[str]


@dataclass
class NoteCollector(Quiet):
    """Collects notes for the driver to print."""

    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(f"{socket.gethostname()}: {text}")


def shared_inputs(state: RunState, run: Run, loaded: LoadedInputs) -> SharedInputs:
    """Return the inputs that all shards of the loaded portfolios share.

    Args:
        state: of the backfill.
        run: its row in the ledger.
        loaded: inputs of portfolios with one history.
    """
    inputs, request = loaded.inputs, state.request
    emptied = {name: frame.clear() for name, frame in inputs.owned.items()}
    if request.in_place and not loaded.window.updates_tags:
        # No shard of this window reads them.
        emptied |= {name: getattr(inputs, name).clear() for name in ("tags", "position_tags")}
    inputs = replace(inputs, **emptied)  # type: ignore[arg-type]
    return SharedInputs(request, state.now, run, loaded.window, inputs, versions())


def shard_task(loaded: LoadedInputs) -> ShardTask:
    """Return what one shard's task is sent besides the shared inputs."""
    return ShardTask(loaded.portfolios, loaded.inputs.owned, loaded.copied)


def versions() -> dict[str, str]:
    """Return the versions on this machine of the packages that must be equal everywhere."""
    return {name: _version(name) for name in SAME_VERSIONS}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "no package"  # run from its folder


def check_machine(shared: SharedInputs) -> SharedInputs:
    """Return the shared inputs after a check that this machine fits the driver.

    Raises:
        WorkerError: a package has another version, or the URL names another store here.
    """
    here = versions()
    for name, wanted in shared.versions.items():
        if here[name] != wanted:
            raise WorkerError(f"{name} is {here[name]} here, and {wanted} where the run was started")
    if not _has_run(shared.request.target, shared.run.id):
        raise WorkerError(
            f"store {shared.request.target} is another one here: it does not know the run. A "
            "folder has to be on a file system that all machines share, and a server's name has to mean the "
            "same on all"
        )
    return shared


def _has_run(url: StoreURL, run: str) -> bool:
    if is_new(url):
        return False
    lock = LockScope(f"look/{socket.gethostname()}/{os.getpid()}")
    with open_writer(url) as writer, writer.transaction(lock), open_reader(url) as reader:
        return RUNS.name in reader.tables() and run in reader.read(RUNS.name, ["id"])["id"]


def run_task(shared: SharedInputs, task: ShardTask) -> ShardOutcome | EngineError:
    """Compute and write a shard. Errors are returned, so that they keep their type across processes.

    Args:
        shared: what all shards of the run have in common, checked by `check_machine`.
        task: the shard's own rows.

    Returns:
        What the shard wrote, or why it failed.
    """
    # The streaming engine gives other last bits in every run: see the design's rule on bytes.
    pl.Config.set_engine_affinity("in-memory")
    try:
        return _outcome(shared, task)
    except EngineError as error:
        return error
    except Exception as error:
        return WorkerError(f"unexpected: {error_line(error)}")


def _outcome(shared: SharedInputs, task: ShardTask) -> ShardOutcome:
    progress, window = NoteCollector(), shared.window
    state = RunState(shared.request, progress, shared.now, tables_exist=True, start_recorded=True)
    inputs = replace(shared.inputs, **task.owned)  # type: ignore[arg-type]
    loaded = LoadedInputs(task.portfolios, window, inputs, task.copied)
    results = compute_shard(state, loaded)
    changes = shard_changes(state, loaded, results)
    report_shard(state, results, changes, window)
    rows = progress.stage("write").rows
    write = partial(write_shard, state, shared.run, task.portfolios, changes, window, rows, prepare=True)
    with state.report.timed("write"):
        with_retries(write, progress.note)
    definitions = results[DEFINITIONS] if changes.inserts_definitions else None
    return ShardOutcome(state.report, definitions, progress.notes)
