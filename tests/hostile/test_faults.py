"""Faults from outside: connections, disks, rights, memory. Nothing half-written, a named error.

Every command of these tests is the engine's own, in a process of its own where the fault is the
system's.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import psycopg
import pytest

import engine
from engine.batch.shards import MemoryShortError, within_memory
from engine.core.errors import EngineError, WriteError
from engine.core.progress import ProgressStage, Quiet
from tests.stores.support import ROOT, assert_same_but_clock, command, golden, run_sql, whole

Stores = Callable[[str], str]
START, END, RUN_DATE = date(2025, 3, 3), date(2025, 3, 14), date(2026, 11, 23)
WINDOW = ("--start", f"{START}", "--end", f"{END}", "--run-date", f"{RUN_DATE}")
SNAPSHOTS = "select count(*) from portfolio_snapshots"


class NoteCollector(Quiet):
    """Keeps what a run remarks."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def run(url: str, **settings: object) -> engine.Report:
    return engine.backfill(url, url, start=START, end=END, run_date=RUN_DATE, **settings)  # type: ignore[arg-type]


def in_place(url: str) -> list[str]:
    """The command; a folder of inputs has to be named."""
    return ["backfill", "--from", url, "--to", url, *WINDOW, "--quiet"]


@contextmanager
def meanwhile(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Do something in a thread until the block ends."""
    over = threading.Event()
    thread = threading.Thread(target=work, args=(over,))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


LARGEST_FILE = 60_000
"""Bytes: less than what the run writes to any kind of store."""
WHO_COPIES = (
    "select pid from pg_stat_activity where datname = current_database() "
    "and pid <> pg_backend_pid() and query ilike '%from stdin%' and state <> 'idle'"
)


def test_a_backend_terminated_amid_copy_is_tried_again(fresh: Stores) -> None:
    clean, url = fresh("postgres"), fresh("postgres")
    run(clean)
    killed: list[int] = []

    def terminate(over: threading.Event) -> None:
        with psycopg.connect(url, autocommit=True) as other:
            while not over.is_set() and not killed:
                for (pid,) in other.execute(WHO_COPIES.encode()).fetchall():
                    other.execute("select pg_terminate_backend(%s)", [pid])
                    killed.append(pid)
                time.sleep(0.002)

    heard = NoteCollector()
    with meanwhile(terminate):
        run(url, batch_rows=20, progress=heard)
    assert killed
    assert any("trying again" in note for note in heard.notes)
    assert_same_but_clock(url, clean)


class Drops(Quiet):
    """Drops a table when the run comes to a stage, or has written some rows of another table."""

    def __init__(self, url: str, table: str, when: str) -> None:
        self.url, self.table, self.when = url, table, when

    def stage(self, name: str, total: int | None = None) -> ProgressStage:
        self.drop(name)
        return DroppingStage(self)

    def drop(self, now: str) -> None:
        if now == self.when:
            run_sql(self.url, f"set lock_timeout = '5s'; drop table if exists {self.table} cascade")


class DroppingStage(ProgressStage):
    def __init__(self, drops: Drops) -> None:
        self.drops = drops

    def rows(self, table: str, count: int) -> None:
        self.drops.drop(table)


def test_a_table_dropped_amid_the_writing_ends_the_run_and_nothing_is_there(fresh: Stores) -> None:
    url = fresh("postgres")
    before = run_sql(url, "select id, market_value from positions order by id")
    with pytest.raises(WriteError, match="engine_shards"):
        run(url, shard_size=5, progress=Drops(url, "engine_shards", "positions"))
    assert run_sql(url, "select id, market_value from positions order by id") == before
    assert run_sql(url, "select count(*) from portfolio_snapshots") == [(0,)]


@pytest.mark.parametrize("table", ["positions", "portfolios"])
def test_an_input_dropped_under_the_run_ends_it(table: str, fresh: Stores) -> None:
    url = fresh("postgres")
    with pytest.raises(EngineError):
        run(url, progress=Drops(url, table, "compute"))


def test_a_postgres_that_only_reads_ends_the_run(fresh: Stores, tmp_path: Path) -> None:
    url = fresh("postgres")
    run_sql(url, f"alter database {url.rsplit('/', 1)[1]} set default_transaction_read_only = on")
    before = whole(url)
    ended = command(tmp_path, "backfill", "--from", url, "--to", url, *WINDOW, "--quiet")
    assert ended.code == 2
    assert "read-only" in ended.err
    assert ended.err.count("\n") == 1
    assert whole(url) == before


def test_a_folder_where_the_database_file_should_be(tmp_path: Path) -> None:
    (tmp_path / "x.duckdb").mkdir()
    target = f"duckdb:///{tmp_path}/x.duckdb"
    ended = command(tmp_path, "backfill", "--from", golden("mixed"), "--to", target, *WINDOW, "--quiet")
    assert ended.code == 2
    assert ended.err.startswith("error: store duckdb")


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(getattr(resource, sys.argv[1]), (int(sys.argv[2]),) * 2)
from engine.cli.main import main
sys.exit(main(sys.argv[3:]))
"""


def limited(folder: Path, limit: str, size: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command under a limit of the system."""
    return subprocess.run(
        [sys.executable, "-c", LIMITED, limit, f"{size}", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("kind", ["duckdb", "parquet"])
def test_a_full_disk_ends_the_run_and_the_store_is_as_it_was(
    kind: str, fresh: Stores, tmp_path: Path
) -> None:
    """No file may grow beyond a size: to a writer, the same as a full disk."""
    url = fresh(kind)
    before = whole(url)
    ended = limited(
        tmp_path, "RLIMIT_FSIZE", LARGEST_FILE, "backfill", "--from", url, "--to", url, *WINDOW, "--quiet"
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("error: store"), ended.stderr
    assert ended.stderr.count("\n") == 1
    assert whole(url) == before
    assert run(url).portfolios == 5


@pytest.mark.parametrize("kind", ["duckdb", "parquet"])
def test_a_store_that_may_not_be_written(kind: str, fresh: Stores, tmp_path: Path) -> None:
    """Root may write whatever the mode says, but not on a read-only mount."""
    url = fresh(kind)
    path = Path(url.removeprefix(f"{kind}:///"))
    mount = path.parent
    script = f'mount --bind {mount} {mount} && mount -o remount,bind,ro {mount} && exec "$@"'
    namespace = ["unshare", "--mount", "sh", "-c", script, "sh"]
    possible = subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode == 0
    before = whole(url)
    if possible:
        ended = subprocess.run(
            [
                *namespace,
                sys.executable,
                "-m",
                "engine",
                "backfill",
                "--from",
                url,
                "--to",
                url,
                *WINDOW,
                "--quiet",
            ],
            cwd="/tmp",
            env={**os.environ, "PYTHONPATH": str(ROOT), "ENGINE_RUN_RESULTS": "/dev/null"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 2
        assert ended.stderr.startswith("error: store"), ended.stderr
    else:
        other = tmp_path / "elsewhere"
        other.mkdir()
        ended = limited(other, "RLIMIT_FSIZE", 0, *in_place(url))
        assert ended.returncode == 2
    assert whole(url) == before


def test_a_real_lack_of_memory_has_its_own_error() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, hard))
    try:
        with pytest.raises(MemoryShortError, match="3 portfolios"), within_memory(3):
            bytearray(2**30)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def test_a_shard_too_large_for_the_memory_is_halved(fresh: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than two portfolios at once ask for more than there is."""
    from engine.batch import steps
    from engine.pipeline.compute import compute

    clean, url = fresh("duckdb"), fresh("duckdb")
    run(clean)

    def large(inputs: engine.Inputs, *more: object) -> engine.Results:
        if inputs.portfolios.height > 2:
            bytearray(2**62)
        return compute(inputs, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(steps, "compute", large)
    heard = NoteCollector()
    assert run(url, shard_size=5, progress=heard).portfolios == 5
    assert any("halves" in note for note in heard.notes)
    assert_same_but_clock(url, clean)


def test_a_reader_never_sees_a_part_of_a_window(fresh: Stores) -> None:
    """Shards are written side by side, in any order, each in a transaction."""
    url = fresh("postgres")
    seen: set[tuple[tuple[str, int, int], ...]] = set()

    def look(over: threading.Event) -> None:
        with psycopg.connect(url, autocommit=True) as other:
            while not over.is_set():
                text = (
                    "select portfolio_id::text, count(*), count(distinct snapshot_date) "
                    "from portfolio_snapshots group by portfolio_id order by portfolio_id"
                )
                seen.add(tuple(other.execute(text.encode()).fetchall()))
                time.sleep(0.002)

    whole_window = (10, 10)
    with meanwhile(look):
        run(url, shard_size=2, batch_rows=50)
    assert {row[1:] for found in seen for row in found} == {whole_window}
    everyone = sorted(str(row[0]) for row in run_sql(url, "select id from portfolios"))
    shards = [set(everyone[i : i + 2]) for i in range(0, len(everyone), 2)]
    for found in seen:
        portfolios = {portfolio for portfolio, *_ in found}
        assert all(shard <= portfolios or not shard & portfolios for shard in shards), portfolios
    seen.clear()
    with meanwhile(look):
        run(url, shard_size=2, batch_rows=50)
    assert seen == {tuple((portfolio, *whole_window) for portfolio in everyone)}
