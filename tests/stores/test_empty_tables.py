"""A table without rows is neither asked nor cleared; one that has any, wherever they are, always is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from engine.core.frames import polars_schema
from engine.core.schema import TABLES
from loaders import open_reader
from loaders.arrow_stream import ArrowStream
from tests.builders import flow, status, uid
from tests.memory_store import frame_of
from tests.small_stores import database, run, world
from writers import Scope, open_writer
from writers.duckdb import DuckDBWriter

STATUS = "analytics_status"
DAY = date(2025, 3, 3)


def test_a_table_without_rows_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = database(tmp_path / "store.duckdb", world())
    with open_reader(url) as reader:
        assert "equity_changes" in reader.empty_tables
        assert "portfolios" not in reader.empty_tables
        known = reader.columns
        monkeypatch.setattr(reader, "query", None)
        assert known["equity_changes"]
        found = reader.read("equity_changes", ["id", "amount"])
    types = polars_schema(TABLES["equity_changes"])
    assert found.height == 0
    assert dict(found.schema) == {name: types[name] for name in ("id", "amount")}


def test_rows_that_only_the_log_has_are_found(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    url = database(path, world())
    with duckdb.connect(path) as store:
        store.execute("pragma disable_checkpoint_on_shutdown")
        store.register("deposit", ArrowStream(frame_of("equity_changes", [flow(DAY, "5.00")])))
        store.execute("insert into equity_changes by name from deposit")
    assert path.with_name("store.duckdb.wal").exists()
    with open_reader(url) as reader:
        assert "equity_changes" not in reader.empty_tables
        assert reader.read("equity_changes", ["portfolio_id"]).rows() == [(uid("P"),)]


def test_rows_of_the_same_transaction_are_replaced(tmp_path: Path) -> None:
    url = database(tmp_path / "store.duckdb", world())
    rows = frame_of(STATUS, [status(job, DAY) for job in ("pnl", "sector")])
    with open_writer(url) as writer, writer.transaction():
        writer.create_missing()
        for frame in (rows, rows.head(1)):
            writer.replace({STATUS: frame}, Scope([uid("P")], DAY, DAY))
    with open_reader(url) as reader:
        assert reader.read(STATUS).equals(rows.head(1))


def test_a_new_store_is_filled_by_inserts_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is deleted from tables that the transaction made, and no row of theirs looked for."""
    ran: list[str] = []
    execute = DuckDBWriter.execute

    def recorded(writer: DuckDBWriter, text: str, table: str) -> None:
        ran.append(text.split("\n", 1)[-1].split()[0])
        execute(writer, text, table)

    monkeypatch.setattr(DuckDBWriter, "execute", recorded)
    source = database(tmp_path / "source.duckdb", world())
    ran.clear()
    run(source, f"duckdb:///{tmp_path}/target.duckdb")
    assert "insert" in ran
    assert not {"delete", "merge"} & set(ran)
