"""Shards on a real Ray cluster of several nodes leave what this process alone would leave.

Each run is the engine's own command, in a process of its own; the nodes are processes of this machine.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest

from engine.batch.copy import change_layout, copy, create, stored_layout
from engine.core.errors import StoreUnreachableError
from engine.core.progress import Quiet
from loaders import open_reader
from tests.conftest import ROOT, Server
from tests.small_stores import content, unequal, unequal_but_ids

pytestmark = [
    pytest.mark.ray,
    # Ray's own, which leaves files to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
]

PORTFOLIOS = 8
DEMO = ["--portfolios", f"{PORTFOLIOS}", "--positions", "8", "--symbols", "40"]
WINDOW = ["--start", "2025-11-17", "--end", "2025-12-12", "--shard-size", "1", "--quiet"]
AFTERWARDS, AMID = ["--run-date", "2025-12-19"], ["--run-date", "2025-12-11", "--end", "2025-12-11"]
"""Run dates: after the window; and its last session, which moves tags."""
KINDS = ("parquet", "postgres", "compact postgres")
UNDEFINED = ["IR Beta", "Provider Beta (1Y)"]
PATIENCE_SECONDS = 120


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Parquet folder of invented inputs, in which runs have two factors to define; its URL."""
    url = f"parquet:///{tmp_path_factory.mktemp('world') / 'inputs'}"
    ended(start(Path(url.removeprefix("parquet:///")).parent, None, "demo", url, *DEMO, "--quiet"))
    path = Path(url.removeprefix("parquet:///")) / "factor_definitions.parquet"
    pl.read_parquet(path).filter(~pl.col("name").is_in(UNDEFINED)).write_parquet(path)
    return url


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head that computes nothing, and a node of one processor, which the tests add others to."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        found.add_node(num_cpus=1)
        yield found
        found.shutdown()


@pytest.fixture
def node(cluster: Any) -> Iterator[Any]:
    """One node more."""
    found = cluster.add_node(num_cpus=1)
    yield found
    if found in cluster.worker_nodes:
        cluster.remove_node(found)


Fresh = Callable[..., str]


@pytest.fixture
def fresh(source: str, postgres_server: Server, tmp_path: Path) -> Iterator[Fresh]:
    """Makes stores of a kind, each its own; they hold the inputs, unless they are to be empty.

    A compact one is a Postgres database in the compact layout.
    """
    made: list[str] = []

    def make(kind: str, empty: bool = False) -> str:
        name = f"ray_{len(made)}"
        made.append(name)
        if kind == "parquet":
            if not empty:
                shutil.copytree(source.removeprefix("parquet:///"), tmp_path / name)
            return f"parquet:///{tmp_path / name}"
        postgres_server.admin.execute(f"create database {name}".encode())
        if not empty:
            copy(source, postgres_server.url(name), 5_000, Quiet())
        if kind.startswith("compact"):
            create(postgres_server.url(name))
            change_layout(postgres_server.url(name), "compact")
        return postgres_server.url(name)

    yield make
    for name in made:
        postgres_server.admin.execute(f"drop database if exists {name} with (force)".encode())


def start(folder: Path, address: str | None, *arguments: str) -> subprocess.Popen[str]:
    """A command of the engine, begun in a folder; with an address it finds that cluster."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "POLARS_MAX_THREADS": "1"}
    if address:
        environment["RAY_ADDRESS"] = address
    begun = subprocess.Popen(
        [sys.executable, "-m", "engine", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    BEGUN.append(begun)
    return begun


BEGUN: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def nothing_goes_on() -> Iterator[None]:
    """A command that a failed test has left is ended with it."""
    yield
    while BEGUN:
        with BEGUN.pop() as left:
            left.kill()


def backfill(source: str, target: str, *more: str) -> list[str]:
    return ["backfill", "--from", source, "--to", target, *WINDOW, *more]


def ended(begun: subprocess.Popen[str], code: int = 0) -> str:
    """Wait for a command, check its exit code, and return its stderr."""
    out, errors = begun.communicate(timeout=PATIENCE_SECONDS)
    assert begun.returncode == code, out + errors
    return errors


def done(url: str) -> int:
    """Shards that the ledger knows."""
    with open_reader(url) as reader:
        return reader.read("engine_shards").height if "engine_shards" in reader.tables() else 0


def when_some_are_done(url: str, begun: subprocess.Popen[str]) -> int:
    """Wait until a run is in its middle: how many shards are done."""
    until, found = time.monotonic() + PATIENCE_SECONDS, 0
    while found < 2:
        with suppress(StoreUnreachableError):  # a folder's files are renamed as it is looked at
            found = done(url)
        assert begun.poll() is None, "it ended too soon"
        assert time.monotonic() < until, "it did not come to its middle"
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("run_date", [AFTERWARDS, AMID], ids=["afterwards", "amid"])
def test_in_place_every_table_is_the_same(
    kind: str, run_date: list[str], fresh: Fresh, cluster: Any, node: Any, tmp_path: Path
) -> None:
    here, there = fresh(kind), fresh(kind)
    ended(start(tmp_path, None, *backfill(here, here, *run_date)))
    ended(start(tmp_path, cluster.address, *backfill(there, there, *run_date, "--executor", "ray")))
    assert done(there) == PORTFOLIOS
    assert unequal(content(here), content(there)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_into_a_target_of_its_own_every_table_is_the_same(
    kind: str, source: str, fresh: Fresh, cluster: Any, node: Any, tmp_path: Path
) -> None:
    here, there = fresh(kind, empty=True), fresh(kind, empty=True)
    ended(start(tmp_path, None, *backfill(source, here, *AFTERWARDS)))
    ended(start(tmp_path, cluster.address, *backfill(source, there, *AFTERWARDS, "--executor", "ray")))
    assert done(there) == PORTFOLIOS
    assert unequal(content(here), content(there)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_killed_amid_the_run_costs_nothing(
    kind: str, fresh: Fresh, cluster: Any, node: Any, tmp_path: Path
) -> None:
    here, there = fresh(kind), fresh(kind)
    ended(start(tmp_path, None, *backfill(here, here, *AFTERWARDS)))
    begun = start(tmp_path, cluster.address, *backfill(there, there, *AFTERWARDS, "--executor", "ray"))
    when_some_are_done(there, begun)
    cluster.remove_node(node, allow_graceful=False)
    assert done(there) < PORTFOLIOS  # there was work on that node: each has a shard in work and one waiting
    ended(begun)
    assert done(there) == PORTFOLIOS
    assert unequal(content(here), content(there)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_run_is_gone_on_with_by_a_plain_one(
    kind: str, fresh: Fresh, cluster: Any, node: Any, tmp_path: Path
) -> None:
    here, there = fresh(kind), fresh(kind)
    ended(start(tmp_path, None, *backfill(here, here, *AFTERWARDS)))
    begun = start(tmp_path, cluster.address, *backfill(there, there, *AFTERWARDS, "--executor", "ray"))
    when_some_are_done(there, begun)
    begun.send_signal(signal.SIGINT)
    assert "interrupted" in ended(begun, 130)
    left = done(there)
    assert 0 < left < PORTFOLIOS
    ended(start(tmp_path, None, *backfill(there, there, *AFTERWARDS)))
    with open_reader(there) as reader:
        assert reader.read("engine_runs")["status"].to_list() == ["done"]  # the same run
    assert done(there) == PORTFOLIOS
    assert unequal(content(here), content(there)) == []


def test_in_the_compact_layout_the_rows_are_those_of_the_legacy_layout(
    fresh: Fresh, cluster: Any, node: Any, tmp_path: Path
) -> None:
    legacy, compact = fresh("postgres"), fresh("compact postgres")
    for url in (legacy, compact):
        ended(start(tmp_path, cluster.address, *backfill(url, url, *AFTERWARDS, "--executor", "ray")))
    assert (stored_layout(legacy), stored_layout(compact)) == ("legacy", "compact")
    assert unequal_but_ids(content(legacy), content(compact)) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_with_the_code_of_its_signal(
    number: signal.Signals, fresh: Fresh, cluster: Any, node: Any, tmp_path: Path
) -> None:
    url = fresh("parquet")
    begun = start(tmp_path, cluster.address, *backfill(url, url, *AFTERWARDS, "--executor", "ray"))
    when_some_are_done(url, begun)
    begun.send_signal(number)
    errors = ended(begun, 128 + number)
    assert "Traceback" not in errors
    assert "Stack" not in errors


def test_a_refusal_arrives_as_what_it_is_and_tells_no_secret(
    fresh: Fresh, cluster: Any, postgres_server: Server, tmp_path: Path
) -> None:
    url = fresh("postgres")
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("alter table pairwise_correlations add constraint full_up check (false)")
    guarded = postgres_server.guarded_url(url.rsplit("/", 1)[1])
    command = backfill(guarded, guarded, *AFTERWARDS)
    here = ended(start(tmp_path, None, *command), 2)
    there = ended(start(tmp_path, cluster.address, *command, "--executor", "ray"), 2)
    assert "table pairwise_correlations" in here
    assert "full_up" in here
    assert there == here
    assert done(url) == 0


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:10001"])
def test_a_cluster_that_cannot_be_used_is_said(
    address: str, fresh: Fresh, cluster: Any, tmp_path: Path
) -> None:
    url = fresh("parquet")
    begun = start(tmp_path, address, *backfill(url, url, *AFTERWARDS, "--executor", "ray"))
    assert ended(begun, 2).startswith("error: the Ray cluster cannot be used: ")
