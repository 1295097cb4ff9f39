"""A worker's computation of a task and the errors that it returns; without a cluster."""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import engine
from engine.analytics.stress.scenarios import load_scenarios
from engine.batch.executors import tasks
from engine.batch.executors.cluster import MissingRayError
from engine.batch.executors.tasks import (
    ShardOutcome,
    SharedInputs,
    WorkerError,
    check_machine,
    run_task,
    shard_task,
    shared_inputs,
)
from engine.batch.ledger import Run, new_run
from engine.batch.request import Request
from engine.batch.run_writes import record_start
from engine.batch.shards import MemoryShortError, live_portfolios
from engine.batch.steps import LoadedInputs, RunState, load, open_run_stores, shard_inputs
from engine.core.errors import EngineError, LostConnectionError, UsageError
from engine.core.progress import Quiet
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.core.store_url import StoreURL
from engine.core.window import Window
from tests.builders import portfolio, position
from tests.conftest import ROOT
from tests.small_stores import RUN_DATE, SESSIONS, content, folder, run, unequal, world
from writers.file_lock import LockedError

TWO = ("P", "Q")
WINDOW = Window(SESSIONS[0], SESSIONS[-1], RUN_DATE)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A folder with two portfolios; the engine may write there."""
    rows = {"portfolios": [portfolio(name) for name in TWO], "positions": [position(owner=n) for n in TWO]}
    return folder(tmp_path / "there", world(**rows))


def of(url: str, target: str | None = None) -> tuple[RunState, Run, LoadedInputs]:
    """A run in a store as the driver has it: begun there, and with its inputs."""
    tables = frozenset(TABLES)
    source, results = StoreURL.parse(url), StoreURL.parse(target or url)
    days = SESSIONS[0], SESSIONS[-1], RUN_DATE
    scenarios = load_scenarios(None)
    request = Request(
        source, results, *days, None, tables, Rules.legacy(), scenarios, 5_000, None, None, False
    )
    state = RunState(request, Quiet(), datetime.now(UTC))
    with open_run_stores(request) as past:
        state.portfolios, state.deleted = live_portfolios(past.source, None)
        state.stored = dict.fromkeys(state.portfolios, ())
        loaded = load(state, past, WINDOW, list(state.portfolios))
    found = new_run("r", WINDOW, "me", Rules.legacy())
    record_start(state, found)
    return state, found, loaded


def sent(thing: object) -> object:
    """As it arrives in another process."""
    return pickle.loads(pickle.dumps(thing))


@pytest.mark.thorough
def test_what_workers_write_is_what_one_process_writes(url: str, tmp_path: Path) -> None:
    here = folder(tmp_path / "here", content(url))
    run(here, here)
    state, found, loaded = of(url)
    shared = sent(shared_inputs(state, found, loaded))
    assert isinstance(shared, SharedInputs)
    assert shared.inputs.positions.is_empty()  # the market alone is sent to all
    for block in ([state.portfolios[0]], [state.portfolios[1]]):
        mine = shard_task(shard_inputs(state, loaded, block))
        assert mine.owned["portfolios"]["id"].to_list() == block
        assert "closes" not in mine.owned
        done = sent(run_task(check_machine(shared), mine))
        assert isinstance(done, ShardOutcome)
        assert done.report.portfolios == 1
    one, other = content(here), content(url)
    one.pop("batch_run_tracking")  # a run's last word
    other.pop("batch_run_tracking")
    assert unequal(one, other) == []


def test_a_machine_that_means_another_store_is_refused(url: str, tmp_path: Path) -> None:
    state, found, loaded = of(url)
    shared = shared_inputs(state, found, loaded)
    for elsewhere in (f"parquet:///{tmp_path}/nowhere", folder(tmp_path / "other", content(url))):
        astray = replace(shared, request=shared.request._replace(target=StoreURL.parse(elsewhere)))
        with pytest.raises(WorkerError, match="is another one here"):
            check_machine(astray)
    assert not (tmp_path / "nowhere").exists()


def test_a_machine_with_other_packages_is_refused(url: str) -> None:
    state, found, loaded = of(url)
    shared = shared_inputs(state, found, loaded)
    with pytest.raises(WorkerError, match=r"polars is .* here, and 0\.1 where the run was started"):
        check_machine(replace(shared, versions={**shared.versions, "polars": "0.1"}))


def test_what_nobody_foresaw_is_told_with_its_place(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("password=hunter2")

    monkeypatch.setattr(tasks, "compute_shard", broken)
    state, found, loaded = of(url)
    error = run_task(shared_inputs(state, found, loaded), shard_task(loaded))
    assert isinstance(error, WorkerError)
    assert re.search(r"machine .*: unexpected: ZeroDivisionError at test_tasks\.py:\d+", str(error))
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    "error",
    [
        LostConnectionError("postgresql://me:secret@db/x", "positions", "gone"),
        MemoryShortError(3),
        LockedError("parquet:///x", "somebody"),
        UsageError("no", "do this"),
    ],
)
def test_an_error_is_the_same_in_another_process(error: EngineError) -> None:
    found = sent(error)
    assert isinstance(found, type(error))
    assert str(found) == str(error)
    assert vars(found) == vars(error)


def test_a_file_of_one_writer_is_refused(tmp_path: Path) -> None:
    target = f"duckdb:///{tmp_path}/x.duckdb"
    with pytest.raises(UsageError, match=r"DuckDB file, which one process writes.*--to"):
        engine.backfill(target, executor="ray")


def test_a_dry_run_and_an_unknown_executor_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="a dry run"):
        run(url, url, dry_run=True, executor="ray")
    with pytest.raises(UsageError, match=r"no executor rays \(nearest: ray\)"):
        run(url, url, executor="rays")


def test_ray_that_is_not_installed_is_said(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.batch.executors.cluster.find_spec", lambda name: None)
    with pytest.raises(MissingRayError, match=r"bin/setup ray"):
        run(url, url, executor="ray")


def test_only_one_module_knows_ray() -> None:
    known = {
        str(path.relative_to(ROOT))
        for package in ("engine", "loaders", "writers", "sql")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"^\s*(import|from) ray\b", path.read_text(), re.MULTILINE)
    }
    assert known == {"engine/batch/executors/cluster.py"}
