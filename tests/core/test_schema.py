"""The schema: its own consistency, its DDL in real databases, and its generated page."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from engine.cli.schema_text import markdown, text
from engine.core.frames import polars_schema
from engine.core.schema import TABLES
from sql.ddl import create

ROOT = Path(__file__).parents[2]
GOLDEN_TABLES = sorted((ROOT / "tests/golden").glob("*/*puts/*.parquet"))


@pytest.mark.parametrize("path", GOLDEN_TABLES, ids=lambda p: "/".join(p.parts[-3:]))
def test_a_legacy_table_has_the_schema_s_columns_and_types(path: Path) -> None:
    table = TABLES[path.stem]
    found = pl.read_parquet(path)
    legacy = [column.name for column in table.columns if column.legacy]
    assert found.columns == legacy
    for name, expected in polars_schema(table, legacy).items():
        doubled = found.schema[name] == pl.Float64 and table[name].nan
        exact = found.schema[name] == pl.Decimal(table[name].type.precision, table[name].type.scale)
        narrow = found.schema[name] == pl.Int32 and expected == pl.Int64
        assert found.schema[name] == expected or doubled or exact or narrow, name
        assert table[name].nullable or found[name].null_count() == 0, name


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_keys_name_columns_of_the_table_and_its_parents(table: object) -> None:
    from engine.core.schema import Table

    assert isinstance(table, Table)
    named = [*table.key, table.primary_key, *(c for keys in table.unique.values() for c in keys)]
    named += [c for keys in table.indexes.values() for c in keys]
    named += [key.column for key in table.foreign_keys]
    named += [name for name in (table.date, table.owner) if name]
    assert set(named) <= set(table.names)
    for key in table.foreign_keys:
        assert key.parent_column in TABLES[key.parent].by_name
        assert list(TABLES).index(key.parent) < list(TABLES).index(table.name)


def test_duckdb_takes_its_ddl() -> None:
    connection = duckdb.connect(":memory:")
    for statement in create(TABLES, "duckdb"):
        connection.execute(statement)
    made = connection.sql("select table_name, column_name from information_schema.columns").fetchall()
    connection.close()
    assert sorted(made) == sorted((t.name, c.name) for t in TABLES.values() for c in t.columns)


def test_no_name_needs_quotes() -> None:
    """CREATE statements spell names as they are."""
    reserved = "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
    connection = duckdb.connect(":memory:")
    words = {word for (word,) in connection.execute(reserved).fetchall()}
    connection.close()
    names = {name for table in TABLES.values() for name in (table.name, *table.names)}
    assert not names & words
    assert all(name == name.lower() and name.isidentifier() for name in names)


def test_the_page_of_documentation_is_up_to_date() -> None:
    assert (ROOT / "docs/schema.md").read_text() == markdown(TABLES)


def test_a_table_is_told_with_units_and_nulls() -> None:
    told = text(["equity_changes"])
    assert "amount" in told
    assert "numeric(16,2)" in told
    assert "USD, positive both ways" in told
    assert "null: not deleted" in told
