"""The schema as SQLAlchemy's MetaData, and what Alembic leaves alone.

SQLAlchemy is no requirement of the engine: whoever migrates a database with Alembic has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from engine.core.compact import COMPACT, PACKED
from engine.core.errors import UsageError
from engine.core.schema import TABLES, Column, Table

if TYPE_CHECKING:
    from sqlalchemy import MetaData
    from sqlalchemy.schema import SchemaItem
    from sqlalchemy.types import TypeEngine

LOST = ("batch_run_tracking",)
"""Tables of the legacy schema that the application's own models do not have."""


def schema_metadata(application: MetaData | None = None) -> MetaData:
    """Return the tables that the engine knows as SQLAlchemy's MetaData, as `schema --create` makes them.

    Args:
        application: MetaData of an application's models. Its tables are returned as they are there, those of
            the engine that it lacks are added, so that the result is Alembic's `target_metadata`.

    Returns:
        A new MetaData. The engine's tables have the keys, indexes and types that they have in Postgres.

    Raises:
        UsageError: SQLAlchemy is not installed.
    """
    try:
        from sqlalchemy import MetaData
    except ImportError as error:
        raise UsageError("schema_metadata needs SQLAlchemy", "pip install sqlalchemy") from error
    metadata = MetaData()
    for known in application.tables.values() if application else ():
        known.to_metadata(metadata)
    for table in TABLES.values():
        if table.name not in metadata.tables:
            _add(metadata, table)
    return metadata


def not_of_the_application(table: Table) -> bool:
    """Return whether the application's models lack a table."""
    return not table.legacy or table.name in LOST


def alembic_include_object(
    item: SchemaItem, name: str | None, kind: str, reflected: bool, compare_to: SchemaItem | None
) -> bool:
    """Return whether Alembic's autogenerate looks at a part of a database; `include_object` of its context.

    Tables and columns of the engine that the project's own MetaData lacks are left alone. Autogenerate would
    propose to drop them, and their rows with them.

    Args:
        item: The table, column, index or constraint.
        name: Its name.
        kind: "table", "column", ...
        reflected: Whether it is in the database.
        compare_to: The same part of the project's MetaData, if it has one.
    """
    if not reflected or compare_to is not None:
        return True
    if kind == "table":
        table = TABLES.get(name or "") or PACKED.get(name or "")
        return table is None or not not_of_the_application(table)
    owner = TABLES.get(getattr(getattr(item, "table", None), "name", ""))
    column = owner.by_name.get(name or "") if owner and kind == "column" else None
    return column is None or column.legacy


def alembic_include_object_compact(
    item: SchemaItem, name: str | None, kind: str, reflected: bool, compare_to: SchemaItem | None
) -> bool:
    """Return the same as `alembic_include_object` for a database in the compact layout.

    The tables that are views there are left alone, too: autogenerate takes a view for a missing table.

    Args:
        item: The table, column, index or constraint.
        name: Its name.
        kind: "table", "column", ...
        reflected: Whether it is in the database.
        compare_to: The same part of the project's MetaData, if it has one.
    """
    a_view = kind == "table" and name in COMPACT
    return not a_view and alembic_include_object(item, name, kind, reflected, compare_to)


def _add(metadata: MetaData, table: Table) -> None:
    import sqlalchemy as sa

    sa.Table(table.name, metadata, *_columns(table), *_constraints(table))


def _columns(table: Table) -> Iterator[SchemaItem]:
    import sqlalchemy as sa

    for column in table.columns:
        yield sa.Column(column.name, _type(column), nullable=column.nullable, autoincrement=False)


def _type(column: Column) -> TypeEngine[Any]:
    import sqlalchemy as sa
    from sqlalchemy.dialects import postgresql

    kind = column.type
    types: dict[str, TypeEngine[Any]] = {
        "uuid": sa.Uuid(),
        "date": sa.Date(),
        "timestamp": sa.DateTime(timezone=True),
        "integer": sa.Integer(),
        "bigint": sa.BigInteger(),
        "boolean": sa.Boolean(),
        "numeric": sa.Numeric(kind.precision or None, kind.scale if kind.precision else None),
        "text": sa.Text() if kind.length is None else sa.String(kind.length),
        "json": postgresql.JSONB() if kind.binary else sa.JSON(),
        "enum": sa.Enum(*kind.values, name=kind.enum_name or "none"),
    }
    return types[kind.kind]


def _constraints(table: Table) -> Iterator[SchemaItem]:
    import sqlalchemy as sa

    yield sa.PrimaryKeyConstraint(table.primary_key, name=f"pk_{table.name}")
    for name, keys in table.unique.items():
        yield sa.UniqueConstraint(*keys, name=name)
    for name, keys in table.indexes.items():
        yield sa.Index(name, *keys)
    # As in `sql.ddl`: the engine's own tables refer to rows that may have been left out of the store.
    for key in table.foreign_keys if table.role != "engine" else ():
        parent = f"{key.parent}.{key.parent_column}"
        cascade = "CASCADE" if key.cascade else None
        yield sa.ForeignKeyConstraint([key.column], [parent], name=key.name, ondelete=cascade)
    for name, rule in table.checks.items():
        yield sa.CheckConstraint(rule, name=name)
