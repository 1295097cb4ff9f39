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
from engine.batch.steps import Job, Loaded, changed, computed, count, write
from engine.batch.table_changes import DEFINITIONS
from engine.core.errors import EngineError, error_line
from engine.core.progress import Quiet
from engine.core.store_url import StoreURL
from engine.core.window import Window
from engine.pipeline.inputs import Inputs
from loaders.open import is_new, open_reader
from writers import LockScope, open_writer
from writers.retry import with_retries

ALIKE = ("columnar-portfolio-engine", "polars", "numpy")
"""Packages whose versions must be equal on all machines: the last bit of a figure depends on them."""


class WorkerError(EngineError, RuntimeError):
    """A worker failed unexpectedly, or its machine is not set up like the others."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"machine {socket.gethostname()}: {reason}")


@dataclass(frozen=True)
class Shared:
    """Inputs that all shards share.

    inputs: market data and reference tables; the frames of portfolios are empty.
    versions: of the packages `ALIKE` on the driver's machine.
    """

    request: Request
    now: datetime
    run: Run
    window: Window
    inputs: Inputs
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Own:
    """Inputs of one shard.

    owned: frames of its portfolios, by field of `Inputs`.
    others: see `engine.batch.steps.Loaded`.
    """

    portfolios: list[str]
    owned: Mapping[str, pl.DataFrame]
    others: Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class Done:
    """Outcome of a shard.

    definitions: factor definitions after the shard; None if it changed none.
    notes: notes for the driver to print.
    """

    report: Report
    definitions: pl.DataFrame | None
    notes: Sequence[str]


@dataclass
class Heard(Quiet):
    """Collects notes for the driver to print."""

    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(f"{socket.gethostname()}: {text}")


def parted(job: Job, run: Run, loaded: Loaded) -> Shared:
    """Return the inputs that all shards of the loaded portfolios share."""
    inputs, request = loaded.inputs, job.request
    nobodys = {name: frame.clear() for name, frame in inputs.owned.items()}
    if request.in_place and not loaded.window.updates_tags:
        nobodys |= {
            name: getattr(inputs, name).clear() for name in ("tags", "position_tags")
        }  # no shard of this window reads them
    inputs = replace(inputs, **nobodys)  # type: ignore[arg-type]
    return Shared(request, job.now, run, loaded.window, inputs, versions())


def own(loaded: Loaded) -> Own:
    """Return the inputs of one shard."""
    return Own(loaded.portfolios, loaded.inputs.owned, loaded.others)


def versions() -> dict[str, str]:
    """Return the versions on this machine of the packages that must be equal everywhere."""
    return {name: _version(name) for name in ALIKE}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "no package"  # run from its folder


def admitted(shared: Shared) -> Shared:
    """Return the shared inputs after a check that this machine fits the driver.

    Raises:
        WorkerError: a package has another version, or the URL names another store here.
    """
    here = versions()
    for name, wanted in shared.versions.items():
        if here[name] != wanted:
            raise WorkerError(f"{name} is {here[name]} here, and {wanted} where the run was started")
    if not _knows(shared.request.target, shared.run.id):
        raise WorkerError(
            f"store {shared.request.target} is another one here: it does not know the run. A "
            "folder has to be on a file system that all machines share, and a server's name has to mean the "
            "same on all"
        )
    return shared


def _knows(url: StoreURL, run: str) -> bool:
    if is_new(url):
        return False
    lock = LockScope(f"look/{socket.gethostname()}/{os.getpid()}")
    with open_writer(url) as writer, writer.transaction(lock), open_reader(url) as reader:
        return RUNS.name in reader.tables() and run in reader.read(RUNS.name, ["id"])["id"]


def work(shared: Shared, mine: Own) -> Done | EngineError:
    """Compute and write a shard. Errors are returned, so that they keep their type across processes."""
    # The streaming engine gives other last bits in every run: see the design's rule on bytes.
    pl.Config.set_engine_affinity("in-memory")
    try:
        return _done(shared, mine)
    except EngineError as error:
        return error
    except Exception as error:
        return WorkerError(f"unexpected: {error_line(error)}")


def _done(shared: Shared, mine: Own) -> Done:
    heard = Heard()
    job = Job(shared.request, heard, shared.now, complete=True, begun=True)
    loaded = Loaded(mine.portfolios, shared.window, replace(shared.inputs, **mine.owned), mine.others)  # type: ignore[arg-type]
    results = computed(job, loaded)
    made = changed(job, loaded, results)
    count(job, results, made, loaded.window)
    with job.report.timed("write"):
        block = mine.portfolios
        put = partial(
            write, job, shared.run, block, made, loaded.window, heard.stage("write").rows, ahead=True
        )
        with_retries(put, heard.note)
    definitions = results[DEFINITIONS] if made.makes_definitions else None
    return Done(job.report, definitions, heard.notes)
