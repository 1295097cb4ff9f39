"""The folder of a Parquet store as other programs write and read it."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from itertools import count
from pathlib import Path
from uuid import UUID

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import dataset

import engine
from engine.core.errors import StoreUnreachableError, UnfinishedCommitError, WriteError
from engine.core.frames import empty
from engine.core.schema import TABLES
from loaders import open_reader
from loaders.parquet import journal
from loaders.parquet.layout import part_path
from tests.memory_store import frame_of
from tests.small_stores import SESSIONS, a_user, content, folder, run, unequal, world
from tests.stores.support import GOLDEN, whole
from tests.stores.test_parquet_files import BETAS, DAYS, OWNERS, betas, left, put, stored
from writers import LockScope, Scope, open_writer, parquet

PRICES = "market_data_cache"


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store whose tables become folders from four rows on."""
    monkeypatch.setattr(parquet, "LARGE", 3)
    return f"parquet:///{tmp_path}/store"


def rows_by_reader(path: Path) -> dict[str, int]:
    """The rows of a table by its plain name, as each program counts them."""
    return {
        "pandas": len(pd.read_parquet(path)),
        "polars": pl.read_parquet(path).height,
        "polars lazily": pl.scan_parquet(path).select(pl.len()).collect().item(),
        "pyarrow": pq.read_table(path).num_rows,
        "duckdb": duckdb.execute("select count(*) from read_parquet(?)", [str(path)]).fetchone()[0],  # type: ignore[index]
    }


def test_every_program_reads_each_table_by_its_plain_name(url: str, tmp_path: Path) -> None:
    window = {"start": date(2025, 4, 7), "end": date(2025, 4, 11), "run_date": date(2026, 11, 23)}
    engine.backfill(f"parquet:///{GOLDEN / 'edge' / 'inputs'}", url, shard_size=2, **window)  # type: ignore[arg-type]
    with open_reader(url) as reader:
        expected = {name: reader.read(name).height for name in reader.tables()}
    paths = {name: tmp_path / "store" / f"{name}.parquet" for name in expected}
    assert sum(path.is_dir() for path in paths.values()) >= 5
    for name, path in paths.items():
        assert set(rows_by_reader(path).values()) == {expected[name]}, name
    entries = {path.name for path in (tmp_path / "store").iterdir()}
    assert entries == {path.name for path in paths.values()} | {"_engine"}


def spark(table: pa.Table, path: Path) -> None:
    path.mkdir()
    for number in range(2):
        name = f"part-0000{number}-5f0c1b8e-0000-4000-8000-000000000000-c000.snappy.parquet"
        pq.write_table(table.slice(number * 3, None if number else 3), path / name)
        (path / f".{name}.crc").write_bytes(b"crc\0")
    (path / "_SUCCESS").touch()
    (path / "._SUCCESS.crc").write_bytes(b"crc\0")


def arrow(table: pa.Table, path: Path) -> None:
    dataset.write_dataset(table, path, format="parquet", max_rows_per_file=3, max_rows_per_group=3)
    pq.write_metadata(table.schema, path / "_common_metadata")


def polars(table: pa.Table, path: Path) -> None:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    frame.write_parquet(pl.PartitionBy(path, max_rows_per_file=3), mkdir=True)


def duck(table: pa.Table, path: Path) -> None:
    with duckdb.connect() as connection:
        connection.register("prices", table)
        connection.execute(f"copy prices to '{path}' (format parquet, per_thread_output true)")


FOLDER_WRITERS = {"spark": spark, "pyarrow": arrow, "polars": polars, "duckdb": duck}


def with_folder(path: Path, write: Callable[[pa.Table, Path], None], table: str = PRICES) -> str:
    """A small store in which another program wrote one table as a folder."""
    url = folder(path, world(users=[a_user()]))
    rows = pq.read_table(path / f"{table}.parquet")
    (path / f"{table}.parquet").unlink()
    write(rows, path / f"{table}.parquet")
    return url


@pytest.mark.thorough
@pytest.mark.parametrize("write", FOLDER_WRITERS.values(), ids=FOLDER_WRITERS.keys())
def test_folders_of_other_programs_are_read(write: Callable[[pa.Table, Path], None], tmp_path: Path) -> None:
    url, plain = with_folder(tmp_path / "a", write), folder(tmp_path / "b", world(users=[a_user()]))
    assert unequal(content(url), content(plain)) == []
    for source, target in ((url, "one"), (plain, "two")):
        run(source, f"parquet:///{tmp_path}/{target}")
    one, two = (content(f"parquet:///{tmp_path}/{target}") for target in ("one", "two"))
    assert one["portfolio_snapshots"].height == len(SESSIONS)
    assert unequal(one, two) == []


@pytest.mark.thorough
@pytest.mark.parametrize("write", FOLDER_WRITERS.values(), ids=FOLDER_WRITERS.keys())
def test_a_run_rewrites_a_folder_of_another_program_as_its_own(
    write: Callable[[pa.Table, Path], None], tmp_path: Path
) -> None:
    url = with_folder(tmp_path / "a", write, "positions")
    plain = folder(tmp_path / "b", world(users=[a_user()]))
    run(url, url)
    run(plain, plain)
    assert unequal(content(url), content(plain)) == []
    assert [path.name for path in (tmp_path / "a" / "positions.parquet").iterdir()] == ["part-common.parquet"]
    assert set(rows_by_reader(tmp_path / "a" / "positions.parquet").values()) == {1}


@pytest.mark.parametrize(
    "entry",
    [
        *("year=2025/part-0.parquet", "symbol=AAA/part-0.parquet", "_delta_log/0.json"),
        *("_temporary/0/x", "_x.parquet", ".x.parquet", "notes.txt", "part-0.PARQUET"),
    ],
)
def test_a_folder_that_is_not_plainly_a_table_is_named(entry: str, tmp_path: Path) -> None:
    url = with_folder(tmp_path / "a", spark)
    path = tmp_path / "a" / f"{PRICES}.parquet" / entry
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    with pytest.raises(StoreUnreachableError, match=f"{PRICES}.*{entry.split('/')[0]}"):
        run(url, f"parquet:///{tmp_path}/out")


def test_all_folders_that_cannot_be_read_are_named_at_once(tmp_path: Path) -> None:
    url = folder(tmp_path / "a", world())
    for table in (PRICES, "positions"):
        (tmp_path / "a" / f"{table}.parquet").unlink()
        (tmp_path / "a" / f"{table}.parquet").mkdir()
    with pytest.raises(StoreUnreachableError, match=f"positions.*no part file.*{PRICES}.*no part file"):
        open_reader(url)


def age(store: Path) -> None:
    """Give a store the layout of version 0.1: parts and staged files beside the tables' own files."""
    for table in [path for path in store.glob("*.parquet") if path.is_dir()]:
        parts = table.rename(store / "parts")
        common = pl.read_parquet(next(parts.iterdir())).clear()
        for part in parts.iterdir():
            if part.name == "part-common.parquet":
                common = pl.read_parquet(part)
            else:
                ids = [str(UUID(name)) for name in part.stem.split("-")[1:]]
                part.rename(store / f"{table.stem}~{ids[0]}~{ids[1]}.parquet")
        common.write_parquet(table)
        shutil.rmtree(parts)
    shutil.rmtree(store / "_engine")


def test_a_store_of_version_0_1_is_read_and_converted_by_the_first_write(url: str, tmp_path: Path) -> None:
    put(url, OWNERS[:1], 1.0)
    put(url, OWNERS[1:3], 2.0)
    store = tmp_path / "store"
    age(store)
    old = store / f"{BETAS.name}~{OWNERS[1]}~{OWNERS[2]}.parquet"
    written = old.stat().st_mtime_ns
    assert (store / f"{BETAS.name}.parquet").is_file()
    expected = {OWNERS[0]: 1.0, OWNERS[1]: 2.0, OWNERS[2]: 2.0}
    assert stored(url) == expected
    assert old.exists()
    (store / "users.parquet.new").touch()  # staged by a process that died
    put(url, OWNERS[3:], 3.0)
    assert stored(url) == {**expected, OWNERS[3]: 3.0}
    assert [*store.glob("*~*"), *store.glob("*.new")] == []
    part = part_path(store, BETAS.name, *OWNERS[1:3])
    assert part.stat().st_mtime_ns == written  # moved, not written anew
    assert set(rows_by_reader(part.parent).values()) == {len(OWNERS) * 2}


def test_a_commit_of_version_0_1_that_was_cut_off_is_finished(url: str, tmp_path: Path) -> None:
    put(url, OWNERS[:1], 1.0)
    own = tmp_path / "store" / f"{BETAS.name}.parquet"
    old = own.read_bytes()
    put(url, OWNERS[:1], 2.0)
    shutil.rmtree(tmp_path / "store" / "_engine")
    own.rename(f"{own}.new")
    own.write_bytes(old)
    names = {"renamed": [own.name], "removed": []}
    (tmp_path / "store" / ".commit.json").write_text(json.dumps(names))
    assert stored(url) == {OWNERS[0]: 2.0}
    assert not (tmp_path / "store" / ".commit.json").exists()
    assert set(rows_by_reader(own).values()) == {2}


def cut_off(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Let the renames of a commit fail from one on, as where a target is open elsewhere."""
    replace, done = Path.replace, count()

    def failing(path: Path, target: Path) -> Path:
        if path.parent.name == "staged" and next(done) >= at:
            raise OSError(errno.EBUSY, "Device or resource busy", str(target))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", failing)


@pytest.mark.parametrize("at", [0, 1, 5])
def test_a_commit_after_its_journal_only_goes_forward(
    at: int, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(url, OWNERS[:1], 1.0)
    with monkeypatch.context() as patched:
        cut_off(patched, at)
        with pytest.raises(UnfinishedCommitError, match=r"the rows are written.*busy") as refusal:
            put_everywhere(url, 2.0)
        assert "nothing was written" not in str(refusal.value)
        assert stored(url) == {OWNERS[0]: 2.0}  # a reader that cannot finish it reads the staged files
        assert users(url) == 1
        with pytest.raises(WriteError, match="busy"):  # nor does a later commit take its place
            put(url, OWNERS[:1], 3.0)
    assert journal.journal_path(tmp_path / "store").exists()
    assert stored(url) == {OWNERS[0]: 2.0}
    assert left(tmp_path / "store" / "_engine") == ["turn"]
    assert pl.read_parquet(tmp_path / "store" / "users.parquet").height == 1
    assert pl.read_parquet(tmp_path / "store" / f"{BETAS.name}.parquet")["beta"].unique().to_list() == [2]


def put_everywhere(url: str, beta: float) -> None:
    """One transaction over several files."""
    with open_writer(url) as writer, writer.transaction(LockScope()):
        writer.replace({BETAS.name: betas(OWNERS[:1], beta)}, Scope(OWNERS[:1], *DAYS))
        writer.merge(TABLES["users"], frame_of("users", [a_user()]))
        for table in ("portfolios", "positions", "tags_v2", "position_tags"):
            writer.merge(TABLES[table], empty(TABLES[table]))


def users(url: str) -> int:
    with open_reader(url) as reader:
        return reader.read("users").height


@contextmanager
def immutable(path: Path) -> Iterator[None]:
    """Make a file that not even root may replace; skip the test where there is no such thing."""
    if subprocess.run(["chattr", "+i", path], check=False, capture_output=True).returncode:
        pytest.skip("files cannot be made immutable here")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", path], check=True)


@pytest.mark.parametrize("name", [f"{BETAS.name}.parquet", "users.parquet", "."])
def test_a_file_that_cannot_be_replaced_ends_the_commit_before_it_counts(
    name: str, url: str, tmp_path: Path
) -> None:
    put(url, OWNERS[:1], 1.0)
    before = whole(url)
    with immutable(tmp_path / "store" / name), pytest.raises(WriteError, match="nothing was written"):
        put_everywhere(url, 2.0)
    assert whole(url) == before
    put_everywhere(url, 2.0)
    assert stored(url) == {OWNERS[0]: 2.0}


OUTSIDE = ("../x", "/x", "x.parquet", "users.parquet/..")


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", '{"renamed": 1, "removed": []}', "[" * 9999),
        *(
            f'{{"renamed": [], "removed": ["{name}"]}}'
            for name in ("../x", "/x", "x.parquet", "users.parquet/..")
        ),
    ],
)
def test_a_journal_that_names_anything_but_files_of_tables_is_refused(
    text: str, url: str, tmp_path: Path
) -> None:
    put(url, OWNERS[:1], 1.0)
    journal.journal_path(tmp_path / "store").write_text(text)
    with pytest.raises(StoreUnreachableError, match=r"commit\.json"):
        open_reader(url)
    with pytest.raises(WriteError, match=r"commit\.json"):
        put(url, OWNERS[:1], 2.0)
