"""The registries of store kinds: what each kind can do, and that a new one needs two entries only."""

from __future__ import annotations

from pathlib import Path

import pytest

import engine
from engine.core.errors import UnknownStoreError, UsageError
from engine.core.store_url import StoreURL
from loaders import open as readers
from loaders.duckdb.reader import DuckDBReader
from loaders.open import ReaderKind, is_new, reader_kind
from tests.small_stores import SESSIONS, content, database, folder, run, unequal, world
from writers import open as writers
from writers.duckdb import DuckDBWriter
from writers.file_lock import LockedError
from writers.lock import lock_holder, store_lock
from writers.open import WriterKind, writer_kind

CAPABILITIES = {
    #             parallel_writes, shared, ids, needs_users, default_target
    "duckdb:///x": (1, False, "words", False, True),
    "parquet:///x": (1, True, "text", False, False),
    "POSTGRES://h/d": (2, True, "text", True, True),
    "postgresql://h/d": (2, True, "text", True, True),
}


class OtherReader(DuckDBReader):
    """A kind of store that the engine does not know."""


class OtherWriter(DuckDBWriter):
    """The same, to write to."""


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a store, not there yet, of a kind that is an entry in each registry and nothing else."""
    monkeypatch.setitem(readers.KINDS, "other", ReaderKind("other:///file", OtherReader))
    monkeypatch.setitem(writers.KINDS, "other", WriterKind("an other file", OtherWriter, shared=False))
    return f"other:///{tmp_path}/results"


@pytest.mark.parametrize(("url", "expected"), CAPABILITIES.items())
def test_what_writers_of_a_kind_can_do(url: str, expected: tuple[object, ...]) -> None:
    kind = writer_kind(StoreURL.parse(url))
    assert kind[-len(expected) :] == expected


def test_every_kind_that_is_written_is_read_and_its_example_is_one_of_it() -> None:
    assert set(writers.KINDS) == set(readers.KINDS)
    for name, kind in readers.KINDS.items():
        assert reader_kind(StoreURL.parse(kind.example)) is kind
        assert StoreURL.parse(kind.example).kind == name


def test_a_new_kind_takes_a_whole_run(other: str, tmp_path: Path) -> None:
    source, known = folder(tmp_path / "inputs", world()), f"duckdb:///{tmp_path}/known"
    assert is_new(StoreURL.parse(other))
    assert run(source, other).rows == run(source, known).rows
    assert not is_new(StoreURL.parse(other))
    assert unequal(content(other), content(known)) == []
    assert engine.compare(known, other).equal
    assert engine.open(other).tables == engine.open(known).tables


def test_a_new_kind_is_a_source_and_is_written_in_place(other: str, tmp_path: Path) -> None:
    database(tmp_path / "inputs.duckdb", world())
    (tmp_path / "inputs.duckdb").rename(tmp_path / "results")
    assert run(other).rows["portfolio_snapshots"] == len(SESSIONS)
    assert engine.open(other).read("portfolio_snapshots").height == len(SESSIONS)


def test_a_new_kind_has_a_lock_and_no_workers(other: str) -> None:
    with store_lock(other, wait=False):
        assert "process" in (lock_holder(other) or "")
        with pytest.raises(LockedError, match="results"):
            store_lock(other, wait=False).__enter__()
    assert lock_holder(other) is None
    with pytest.raises(UsageError, match=r"an other file, which one process writes"):
        engine.backfill(other, executor="ray")


def test_a_kind_without_a_writer_is_read_only(other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(writers.KINDS, "other")
    with pytest.raises(UnknownStoreError, match="a DuckDB file, a Postgres database or a Parquet folder"):
        writer_kind(StoreURL.parse(other))
