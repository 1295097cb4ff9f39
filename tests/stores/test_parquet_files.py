"""A Parquet store: parts of large tables, and commits of several files that count all at once."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from engine.core.frames import empty
from engine.core.schema import TABLES
from loaders import open_reader
from loaders.parquet import journal
from loaders.parquet.files import files
from loaders.parquet.journal import commit, journal_path, roll_forward
from loaders.parquet.layout import part_path, remove_staged, staged_path
from writers import LockScope, Scope, open_writer, parquet

BETAS = TABLES["position_market_betas"]
DAYS = date(2025, 3, 3), date(2025, 3, 4)
OWNERS = [f"{n}0000000-0000-4000-8000-000000000000" for n in range(4)]


def betas(owners: list[str], beta: float) -> pl.DataFrame:
    """A row for each owner and day."""
    rows = [(owner, owner, day, beta) for owner in owners for day in DAYS]
    known = pl.DataFrame(rows, ["portfolio_id", "position_id", "calc_date", "beta"], orient="row")
    return pl.concat([empty(BETAS), known.cast({"beta": empty(BETAS)["beta"].dtype})], how="diagonal")


def put(url: str, owners: list[str], beta: float) -> None:
    with open_writer(url) as writer, writer.transaction():
        writer.create_missing()
        writer.replace({BETAS.name: betas(owners, beta)}, Scope(owners, *DAYS))


def stored(url: str) -> dict[str, float]:
    with open_reader(url) as reader:
        rows = reader.read(BETAS.name, ["portfolio_id", "beta"])
    assert rows.height == len(DAYS) * rows["portfolio_id"].n_unique()
    return {owner: float(beta) for owner, beta in rows.iter_rows()}


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder in which a table's own file holds three rows."""
    monkeypatch.setattr(parquet, "LARGE", 3)
    monkeypatch.setattr(parquet, "PREPARED", 3)
    return f"parquet:///{tmp_path}"


def test_a_large_table_has_parts_by_shard_and_reads_as_one(url: str, tmp_path: Path) -> None:
    put(url, OWNERS[:2], 1.0)
    put(url, OWNERS[2:], 2.0)
    parts = sorted((tmp_path / f"{BETAS.name}.parquet").iterdir())
    assert parts == [part_path(tmp_path, BETAS.name, a, b) for a, b in (OWNERS[:2], OWNERS[2:])]
    assert stored(url) == dict(zip(OWNERS, (1.0, 1.0, 2.0, 2.0), strict=True))


def test_a_shard_rewrites_no_other_shards_part(url: str, tmp_path: Path) -> None:
    put(url, OWNERS[:2], 1.0)
    put(url, OWNERS[2:], 2.0)
    other = part_path(tmp_path, BETAS.name, *OWNERS[:2])
    before = other.stat().st_mtime_ns
    put(url, OWNERS[2:], 3.0)
    assert other.stat().st_mtime_ns == before
    assert stored(url)[OWNERS[3]] == 3.0


def test_other_shards_of_the_same_portfolios_leave_no_row_twice(url: str, tmp_path: Path) -> None:
    put(url, OWNERS, 1.0)
    put(url, OWNERS[:3], 2.0)
    put(url, OWNERS[3:], 3.0)
    assert stored(url) == dict(zip(OWNERS, (2.0, 2.0, 2.0, 3.0), strict=True))
    assert not [path for path in files(tmp_path, BETAS.name) if pl.read_parquet(path).is_empty()]


def put_ahead(url: str, owners: list[str], beta: float) -> None:
    frames, scope = {BETAS.name: betas(owners, beta)}, Scope(owners, *DAYS)
    with open_writer(url) as writer:
        writer.prepare(frames, scope)
        with writer.transaction(LockScope(owners[0])):
            writer.create_missing()
            writer.replace(frames, scope)


def test_a_prepared_part_is_the_same_file(url: str, tmp_path: Path) -> None:
    put_ahead(url, OWNERS[:2], 1.0)
    part = part_path(tmp_path, BETAS.name, *OWNERS[:2])
    ahead = part.read_bytes()
    put_ahead(url, OWNERS[:2], 2.0)  # in place of the same rows
    assert part.read_bytes() != ahead
    put(url, OWNERS[:2], 1.0)
    assert part.read_bytes() == ahead
    assert drafts(tmp_path) == []


def drafts(folder: Path) -> list[Path]:
    return list((folder / "_engine" / "drafts").iterdir())


def test_a_prepared_part_joins_rows_that_stay(url: str) -> None:
    put(url, OWNERS[:3], 1.0)
    other = date(2025, 3, 5)
    with open_writer(url) as writer:
        late = betas(OWNERS[:3], 2.0).filter(pl.col("calc_date") == DAYS[1])
        late = pl.concat([late, late.with_columns(calc_date=pl.lit(other))])
        frames, scope = {BETAS.name: late}, Scope(OWNERS[:3], DAYS[1], other)
        writer.prepare(frames, scope)
        with writer.transaction(LockScope()):
            writer.replace(frames, scope)
    with open_reader(url) as reader:
        rows = reader.read(BETAS.name, ["calc_date", "beta"])
    assert sorted((day, float(beta)) for day, beta in rows.iter_rows()) == sorted(
        [(DAYS[0], 1.0)] * 3 + [(DAYS[1], 2.0)] * 3 + [(other, 2.0)] * 3
    )


def test_drafts_are_removed_with_their_transaction_or_by_tidy(url: str, tmp_path: Path) -> None:
    frames, scope = {BETAS.name: betas(OWNERS, 1.0)}, Scope(OWNERS, *DAYS)
    with open_writer(url) as writer:
        writer.prepare(frames, scope)
        assert len(drafts(tmp_path)) == 1
        with pytest.raises(ValueError, match="no"), writer.transaction(LockScope()):
            raise ValueError("no")
        assert drafts(tmp_path) == []
        (tmp_path / "_engine" / "drafts" / "dead.parquet").touch()
        writer.tidy()
    assert drafts(tmp_path) == []


def lay_out(folder: Path) -> list[Path]:
    """A table's file, and next contents of two tables staged; the paths of the two."""
    (folder / "users.parquet").write_text("old")
    paths = [folder / "users.parquet", folder / "portfolios.parquet" / "part-common.parquet"]
    (folder / "_engine" / "staged").mkdir(parents=True)
    for path in paths:
        staged_path(folder, path).write_text("new")
    return paths


def left(folder: Path) -> list[str]:
    """The files of a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_before_the_journal_has_its_name_the_old_files_count(tmp_path: Path) -> None:
    lay_out(tmp_path)
    assert [path.read_text() for path in files(tmp_path, "users").values()] == ["old"]
    assert files(tmp_path, "portfolios") == {}
    roll_forward(tmp_path)
    remove_staged(tmp_path)
    assert left(tmp_path) == ["users.parquet"]


@pytest.mark.parametrize("renamed", [0, 1, 2])
def test_from_then_on_the_new_files_count_however_far_the_renaming_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renamed: int
) -> None:
    paths = lay_out(tmp_path)
    gone = tmp_path / "portfolios.parquet"
    gone.write_text("old")
    with monkeypatch.context() as patched:
        patched.setattr(journal, "finish_commit", lambda folder: None)  # the process dies here
        commit(tmp_path, paths, [gone])
    for path in paths[:renamed]:
        gone.unlink(missing_ok=True)
        path.parent.mkdir(exist_ok=True)
        staged_path(tmp_path, path).replace(path)
        gone = tmp_path / "absent"
    for table in ("users", "portfolios"):
        assert [path.read_text() for path in files(tmp_path, table).values()] == ["new"]
    roll_forward(tmp_path)
    roll_forward(tmp_path)
    assert left(tmp_path) == ["portfolios.parquet/part-common.parquet", "users.parquet"]
    assert {path.read_text() for path in paths} == {"new"}


KILLED = """
import os, sys
from loaders.parquet import journal
journal.finish_commit = lambda folder: os._exit(9)
from tests.stores.test_parquet_files import OWNERS, put
put(sys.argv[1], OWNERS[:1], 2.0)
"""


def test_a_process_killed_between_two_renames_has_written_all(url: str, tmp_path: Path) -> None:
    put(url, OWNERS[:1], 1.0)
    done = subprocess.run([sys.executable, "-c", KILLED, url], check=False, capture_output=True, text=True)
    assert done.returncode == 9, done.stderr
    assert journal_path(tmp_path).exists()
    assert stored(url) == {OWNERS[0]: 2.0}
    assert not journal_path(tmp_path).exists()  # the reader has finished the commit
    put(url, OWNERS[1:2], 3.0)
    assert stored(url) == {OWNERS[0]: 2.0, OWNERS[1]: 3.0}
