"""The files of CREATE statements, sql/tables/*.sql: from the schema, through SQLAlchemy's MetaData.

`python -m tools.table_files` writes them; a test holds them to it. The engine sends the files, since
SQLAlchemy takes longer to import than a small backfill takes to compute.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from engine.core.schema import TABLES, Column, Table, Type
from sql import DIALECTS, Dialect

FOLDER = Path(__file__).parents[1] / "sql/tables"

COMPILER = postgresql.dialect()  # type: ignore[no-untyped-call]
"""DuckDB reads Postgres' own DDL but for the few types that `_duckdb` replaces."""


def written(dialect: Dialect) -> str:
    """A file: of each table its name as a comment, the types that it uses, and itself.

    Postgres gets the legacy database's keys, indexes, foreign keys and checks. DuckDB gets
    columns and their nullability only: its indexes cost more than the data at every load, and
    refuse to delete a key and insert it again in one transaction.
    """
    return "".join(f"-- {name}\n\n{_section(name, dialect)}" for name in TABLES)


def _section(name: str, dialect: Dialect) -> str:
    table = _metadata(dialect).tables[name]
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    made = [_text(CreateTable(table)), *(_text(CreateIndex(index)) for index in indexes)]
    return "".join(f"{text};\n\n" for text in (*_types(TABLES[name], dialect), *made))


def _text(element: Any) -> str:
    lines = str(element.compile(dialect=COMPILER)).strip().splitlines()
    return "\n".join(line.rstrip().replace("\t", "    ") for line in lines)


def _types(table: Table, dialect: Dialect) -> Iterator[str]:
    kinds = {column.type.enum_name: column.type for column in table.columns if column.type.enum_name}
    for name, kind in kinds.items():
        words = ", ".join(f"'{word}'" for word in kind.values)
        made = f"CREATE TYPE {name} AS ENUM ({words})"
        if dialect == "duckdb":
            yield made.replace("CREATE TYPE", "CREATE TYPE IF NOT EXISTS")
        else:
            yield f"DO $$ BEGIN {made}; EXCEPTION WHEN duplicate_object THEN NULL; END $$"


@cache
def _metadata(dialect: Dialect) -> sa.MetaData:
    metadata = sa.MetaData()
    for table in TABLES.values():
        columns = [
            sa.Column(
                column.name,
                _duckdb(column) if dialect == "duckdb" else _postgres(column.type),
                nullable=column.nullable,
            )
            for column in table.columns
        ]
        rules = list(_constraints(table)) if dialect == "postgres" else []
        made = sa.Table(table.name, metadata, *columns, *rules)
        if dialect == "postgres":
            for name, keys in table.indexes.items():
                sa.Index(name, *(made.c[key] for key in keys))
    return metadata


def _constraints(table: Table) -> Iterator[sa.Constraint]:
    yield sa.PrimaryKeyConstraint(table.primary_key, name=f"pk_{table.name}")
    for name, keys in table.unique.items():
        yield sa.UniqueConstraint(*keys, name=name)
    # The engine's own tables tell of portfolios too that were left out of the store.
    for key in table.foreign_keys if table.role != "engine" else ():
        yield sa.ForeignKeyConstraint(
            [key.column],
            [f"{key.parent}.{key.parent_column}"],
            name=key.name,
            ondelete="CASCADE" if key.cascade else None,
        )
    for name, rule in table.checks.items():
        yield sa.CheckConstraint(sa.text(rule), name=name)


def _postgres(kind: Type) -> sa.types.TypeEngine[Any]:
    match kind.kind:
        case "numeric":
            return sa.Numeric(kind.precision, kind.scale)
        case "text":
            return sa.Text() if kind.length is None else sa.String(kind.length)
        case "json":
            return postgresql.JSONB() if kind.binary else postgresql.JSON()
        case "enum":
            return postgresql.ENUM(*kind.values, name=kind.enum_name, create_type=False)
        case "timestamp":
            return sa.DateTime(timezone=True)
        case "uuid":
            return sa.Uuid()
        case "date":
            return sa.Date()
        case "integer":
            return sa.Integer()
        case "bigint":
            return sa.BigInteger()
        case "boolean":
            return sa.Boolean()


def _duckdb(column: Column) -> sa.types.TypeEngine[Any]:
    if column.nan:
        return sa.Double()
    if column.type.kind == "json":
        return postgresql.JSON()
    return _postgres(column.type)


if __name__ == "__main__":
    for dialect in DIALECTS:
        (FOLDER / f"{dialect}.sql").write_text(written(dialect))
