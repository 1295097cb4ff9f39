"""Cut off, started twice, done in pieces: the tables are those of one undisturbed run."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import pytest

import engine
from engine.batch.copy import copy, create
from engine.core.progress import Quiet
from loaders import open_reader
from tests.small_stores import Content, content, unequal, unequal_but_ids
from tests.stores.conftest import COMPACT_KINDS, KINDS
from tests.stores.support import in_place
from writers.duckdb import DuckDBWriter
from writers.file_lock import LockedError
from writers.lock import store_lock
from writers.parquet import ParquetWriter

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[2]
INPUTS = f"parquet:///{ROOT / 'tests/golden/mixed/inputs'}"
START, END, RUN_DATE = date(2025, 3, 3), date(2025, 3, 14), date(2026, 11, 23)
KILLS = int(os.environ.get("TEST_KILLS", "3"))
SNAPSHOTS = 50


def store(folder: Path) -> str:
    url = f"duckdb:///{folder}/x.duckdb"
    copy(INPUTS, url, 5_000, Quiet())
    return url


def run(url: str, **settings: object) -> engine.Report:
    return engine.backfill(url, start=START, end=END, run_date=RUN_DATE, **settings)  # type: ignore[arg-type]


def command(url: str, *more: str) -> list[str]:
    return in_place(url, START, END, RUN_DATE, *more)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Content:
    url = store(tmp_path_factory.mktemp("clean"))
    run(url)
    return content(url)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_shards_of_any_size_leave_the_same_tables(tmp_path: Path, undisturbed: Content, size: int) -> None:
    url = store(tmp_path)
    report = run(url, shard_size=size)
    assert report.portfolios == 5
    assert unequal(content(url), undisturbed) == []


def test_a_window_in_two_and_again_leaves_the_same_tables(tmp_path: Path, undisturbed: Content) -> None:
    url = store(tmp_path)
    engine.backfill(url, start=date(2025, 3, 10), end=END, run_date=RUN_DATE)
    engine.backfill(url, start=START, end=date(2025, 3, 7), run_date=RUN_DATE)
    run(url)
    assert unequal(content(url), undisturbed) == []


@contextmanager
def killed_after(seconds: float, *arguments: str) -> Iterator[int]:
    """Kill a command some time after it began; its exit code."""
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        yield process.wait()


@pytest.mark.parametrize("kind", [*KINDS, *COMPACT_KINDS])
def test_a_kill_at_any_moment_leaves_whole_shards_and_a_rerun_completes(
    kind: str, undisturbed: Content, fresh: Callable[[str], str]
) -> None:
    chance, began = random.Random(7), time.monotonic()
    subprocess.run(command(fresh(kind), "--shard-size", "1"), cwd=ROOT, check=True, capture_output=True)
    longest = time.monotonic() - began
    done: Counter[int] = Counter()
    for _ in range(KILLS):
        url = fresh(kind)
        create(url)  # the folder of inputs lacks tables that a copied database has
        with killed_after(chance.uniform(0.1, longest), *command(url, "--shard-size", "1")) as code:
            pass
        with open_reader(url) as reader:
            stored = reader.read("portfolio_snapshots").group_by("portfolio_id").len()
        assert set(stored["len"]) <= {SNAPSHOTS // 5}  # a portfolio's shard is there whole, or not at all
        assert code in (0, -signal.SIGKILL)
        done[stored.height] += code != 0
        run(url, shard_size=1)
        same = unequal_but_ids if kind in COMPACT_KINDS else unequal
        assert same(content(url), undisturbed) == []
    assert done.total()
    shards = ", ".join(f"{count} after {shard}" for shard, count in sorted(done.items()))
    print(f"{kind}: {done.total()} of {KILLS} runs killed, of 5 shards: {shards}; one rerun completed each")


def test_a_cut_off_run_goes_on_with_the_shards_that_are_left(tmp_path: Path) -> None:
    url = store(tmp_path)
    first = run(url, shard_size=1)
    assert first.portfolios == 5
    with duckdb.connect(url.removeprefix("duckdb:///")) as hand:  # as if killed before the last two
        hand.execute("update engine_runs set status = 'running'")
        hand.execute(
            "delete from engine_shards where first_portfolio in "
            "(select first_portfolio from engine_shards order by 1 desc limit 2)"
        )
    assert run(url, shard_size=1).portfolios == 2
    with duckdb.connect(url.removeprefix("duckdb:///")) as hand:
        hand.execute("update engine_runs set status = 'running'")
    assert run(url, shard_size=1, restart=True).portfolios == 5


@pytest.mark.parametrize("kind", ["duckdb", "parquet"])
def test_the_end_of_a_run_is_written_with_its_last_shard(
    kind: str, fresh: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into a file goes one transaction for each shard, and none besides."""
    writer = DuckDBWriter if kind == "duckdb" else ParquetWriter
    commits: list[str] = []
    commit = writer.commit
    monkeypatch.setattr(writer, "commit", lambda self: (commits.append(self.url), commit(self))[1])
    url = fresh(kind)
    commits.clear()
    assert run(url, target=url, shard_size=1).portfolios == len(commits) == 5
    with open_reader(url) as reader:
        assert reader.read("engine_runs")["status"].to_list() == ["done"]
        assert reader.read("batch_run_tracking").height == SNAPSHOTS // 5


def test_a_second_run_is_told_who_is_at_work_or_waits(tmp_path: Path) -> None:
    url = store(tmp_path)
    with store_lock(url, wait=False):
        second = subprocess.run(command(url), cwd=ROOT, capture_output=True, text=True, check=False)
        assert second.returncode == 2
        assert f"process {os.getpid()}" in second.stderr
        shown = subprocess.run(
            [sys.executable, "-m", "engine", "runs", url, "--json"], cwd=ROOT, capture_output=True, check=True
        )
        assert f"process {os.getpid()}" in json.loads(shown.stdout)["holder"]
        waiting = subprocess.Popen(command(url, "--wait"), cwd=ROOT, stdout=subprocess.DEVNULL)
        time.sleep(1.5)
        assert waiting.poll() is None
    assert waiting.wait(timeout=60) == 0


def test_a_lock_is_told_in_postgres_too(fresh: Callable[[str], str]) -> None:
    postgres_url = fresh("postgres")
    with store_lock(postgres_url, wait=False), pytest.raises(LockedError, match=f"process {os.getpid()}"):
        run(postgres_url)
    assert run(postgres_url).portfolios == 5
