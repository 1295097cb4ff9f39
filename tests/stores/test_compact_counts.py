"""Rows of packed matrices are counted without unpacking them."""

from __future__ import annotations

import duckdb
import pytest

from engine.core.compact import COMPACT
from sql import Name, statement
from sql.ddl import create
from tests.builders import uid

PAIRS = "pairwise_correlations"
MATRICES = (("one", "2025-01-02", "AB"), ("two", "2025-01-02", "ABC"), ("three", "2025-01-03", "AB"))
"""Name, day and symbols of each matrix: of n symbols there are n x n pairs."""
BY_DAY = [("2025-01-02", 4 + 9), ("2025-01-03", 4)]


@pytest.fixture
def packed() -> duckdb.DuckDBPyConnection:
    """A database with packed matrices behind their view."""
    database = duckdb.connect()
    database.execute("set timezone = 'UTC'")
    database.execute("create table correlation_calculations (id uuid, calculation_date timestamptz)")
    for text in create([PAIRS], "duckdb", "compact"):
        database.execute(text)
    for name, day, symbols in MATRICES:
        cells = [1_000_000] * len(symbols) ** 2
        database.execute("insert into correlation_calculations values (?, ?)", [uid(name), day])
        database.execute(
            "insert into engine_correlation_matrices values (?, ?, ?, ?, ?)",
            [uid(name), list(symbols), cells, [60], cells],
        )
    return database


def test_by_day(packed: duckdb.DuckDBPyConnection) -> None:
    texts = statement(COMPACT[PAIRS].by_day), statement("read/rows_by_matrix_day", table=Name(PAIRS))
    for text in texts:
        assert [(f"{day}", rows) for day, rows in packed.execute(text).fetchall()] == BY_DAY


def test_all_together(packed: duckdb.DuckDBPyConnection) -> None:
    assert packed.execute(statement(COMPACT[PAIRS].extent)).fetchall()[0][0] == 4 + 9 + 4
    assert packed.execute(f"select count(*) from {PAIRS}").fetchall() == [(4 + 9 + 4,)]
