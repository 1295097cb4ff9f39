"""CREATE statements, made from the schema.

Postgres gets the legacy database's keys, indexes, foreign keys and checks. DuckDB gets columns and
their nullability only: its indexes cost more than the data at every load, and refuse to delete a
key and insert it again in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from engine.core.compact import COMPACT, FACTOR_SLOTS, Layout
from engine.core.schema import TABLES, Column, Table, Type
from sql import Name, statement

Dialect = Literal["postgres", "duckdb"]
SQL_TYPES = {
    "uuid": "UUID",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
}


def create(tables: Iterable[str], dialect: Dialect, layout: Layout = "legacy") -> list[str]:
    """Return the statements that create tables, parents before children, with the types that they use.

    Args:
        tables: names; unknown ones are left out.
        dialect: of the store.
        layout: of the store; in a compact one some tables are views of packed tables.
    """
    wanted = [name for name in TABLES if name in set(tables)]
    packed = [name for name in wanted if layout == "compact" and name in COMPACT]
    statements: list[str] = []
    for name in wanted:
        if name in packed:
            statements += [*packed_tables([name], dialect), *create_view(name, dialect)]
        else:
            statements += _statements(TABLES[name], dialect)
    return list(dict.fromkeys(statements))


def packed_tables(names: Iterable[str], dialect: Dialect) -> list[str]:
    """Return the statements that create packed tables.

    Args:
        names: of the legacy tables.
        dialect: of the store.
    """
    statements: list[str] = []
    for packing in (COMPACT[name] for name in names):
        statements += _statements(FACTOR_SLOTS, dialect) if packing.by_factor else ()
        statements += _statements(packing.table, dialect)
    return list(dict.fromkeys(statements))


def create_view(name: str, dialect: Dialect) -> list[str]:
    """Return the statements that create the view of a packed table, which other programs cannot write.

    Args:
        name: of the legacy table.
        dialect: of the store; DuckDB refuses writes to a view by itself.
    """
    # The dialects differ in how they unpack a matrix only.
    folder = "compact" if COMPACT[name].by_factor else f"compact/{dialect}"
    view = [statement(f"{folder}/{name}")]
    if dialect == "postgres":
        view.append(statement("compact/postgres/refuse"))
        view.append(statement("compact/postgres/read_only", view=Name(name)))
    return view


def definition(column: Column, dialect: Dialect) -> str:
    """Return a column as a CREATE or ALTER statement has it: name, type, whether it takes nulls.

    Args:
        column: of the schema.
        dialect: of the store.
    """
    text = f"{column.name} {_sql_type(column, dialect)}"
    return text if column.nullable else f"{text} NOT NULL"


def _statements(table: Table, dialect: Dialect) -> Iterator[str]:
    yield from (_enum(column.type, dialect) for column in table.columns if column.type.kind == "enum")
    lines = [definition(column, dialect) for column in table.columns]
    if dialect == "postgres":
        lines += _constraints(table)
    body = ",\n    ".join(lines)
    yield f"CREATE TABLE {table.name} (\n    {body}\n)"
    if dialect == "postgres":
        for name, keys in sorted(table.indexes.items()):
            yield f"CREATE INDEX {name} ON {table.name} ({', '.join(keys)})"


def _sql_type(column: Column, dialect: Dialect) -> str:
    kind = column.type
    if kind.array:
        return f"{_sql_type(column._replace(type=kind._replace(array=False)), dialect)}[]"
    if dialect == "duckdb" and column.nan:
        return "DOUBLE PRECISION"
    match kind.kind:
        case "numeric":
            return f"NUMERIC({kind.precision}, {kind.scale})"
        case "text":
            return "TEXT" if kind.length is None else f"VARCHAR({kind.length})"
        case "json":
            return "JSONB" if kind.binary and dialect == "postgres" else "JSON"
        case "enum":
            return kind.enum_name
        case _:
            return SQL_TYPES[kind.kind]


def _enum(kind: Type, dialect: Dialect) -> str:
    values = ", ".join(f"'{value}'" for value in kind.values)
    if dialect == "duckdb":
        return f"CREATE TYPE IF NOT EXISTS {kind.enum_name} AS ENUM ({values})"
    made = f"CREATE TYPE {kind.enum_name} AS ENUM ({values})"
    return f"DO $$ BEGIN {made}; EXCEPTION WHEN duplicate_object THEN NULL; END $$"


def _constraints(table: Table) -> Iterator[str]:
    yield f"CONSTRAINT pk_{table.name} PRIMARY KEY ({table.primary_key or ', '.join(table.key)})"
    for name, keys in table.unique.items():
        yield f"CONSTRAINT {name} UNIQUE ({', '.join(keys)})"
    # The engine's own tables have rows of portfolios, too, that were left out of the store.
    for key in table.foreign_keys if table.role != "engine" else ():
        cascade = " ON DELETE CASCADE" if key.cascade else ""
        parent = f"{key.parent} ({key.parent_column})"
        yield f"CONSTRAINT {key.name} FOREIGN KEY({key.column}) REFERENCES {parent}{cascade}"
    for name, rule in table.checks.items():
        yield f"CONSTRAINT {name} CHECK ({rule})"
