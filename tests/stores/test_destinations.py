"""Default destinations of results: never among somebody's input files."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import UsageError
from tests.small_stores import SESSIONS, database, folder, run, snapshots, world
from tests.stores.support import command

WINDOW = ("--start", f"{SESSIONS[0]}", "--end", f"{SESSIONS[-1]}", "--quiet")


def test_a_folder_of_inputs_is_not_written_unless_it_is_named(tmp_path: Path) -> None:
    source = folder(tmp_path / "in", world())
    before = sorted(path.name for path in (tmp_path / "in").iterdir())
    with pytest.raises(UsageError, match="Name a store with --to"):
        run(source)
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == before
    assert [path.name for path in tmp_path.iterdir()] == ["in"]  # not even a lock beside it
    assert run(source, dry_run=True).rows["portfolio_snapshots"] == len(SESSIONS)
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == before
    run(source, source)
    assert snapshots(source).height == len(SESSIONS)


@pytest.mark.thorough
def test_a_folder_that_the_engine_has_written_is_written_in_place(tmp_path: Path) -> None:
    source = folder(tmp_path / "in", world())
    run(source, source, end=SESSIONS[3])
    run(source, start=SESSIONS[4])
    assert snapshots(source).height == len(SESSIONS)


@pytest.mark.thorough
def test_a_demo_folder_is_written_in_place(tmp_path: Path) -> None:
    small = ("--portfolios", "1", "--positions", "3", "--symbols", "24")
    assert command(tmp_path, "demo", "parquet:///demo", *small).code == 0
    ended = command(tmp_path, "backfill", "--from", "parquet:///demo", "--end", "2024-03-01", "--quiet")
    assert ended.code == 0, ended.everything


def test_a_database_is_written_in_place(tmp_path: Path) -> None:
    url = database(tmp_path / "x.duckdb", world())
    run(url)
    assert snapshots(url).height == len(SESSIONS)


def test_the_command_says_what_to_do(tmp_path: Path) -> None:
    source = folder(tmp_path / "in", world())
    ended = command(tmp_path, "backfill", "--from", source, *WINDOW)
    assert ended.code == 2
    assert "--to" in ended.err
    assert ended.err.count("\n") == 1


def test_a_folder_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    ended = command(tmp_path, "backfill", "--from", f"parquet:///{tmp_path}/none", *WINDOW)
    assert "there is no folder" in ended.err
