"""Tables whose columns other programs made, in the schema's form: ids, fixed-width texts, absent columns.

A statement that names such a table gets a common table expression of its name before it. Stores that the
engine or the legacy application made need none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from engine.core.schema import TABLES, Column, Table
from engine.core.schema.evolution import Catalog, optional_column
from sql import Adapted, Name, statement

KNOWN_TABLE = re.compile(rf"\b(?:{'|'.join(TABLES)})\b")
NULL_TYPES = {
    "date": "date",
    "timestamp": "timestamptz",
    "integer": "integer",
    "bigint": "bigint",
    "boolean": "boolean",
    "numeric": "numeric(38, 10)",
}
Expression = Callable[[Column, str], str]
"""SQL that reads a column of a store's type in the schema's form; empty where that is the column itself."""


def adapted_tables(catalog: Catalog, expression: Expression) -> dict[str, str]:
    """Return what statements read in place of a store's tables.

    Args:
        catalog: The store's columns with their types.
        expression: How the kind of store reads a column.

    Returns:
        A named subquery for each table that needs one.
    """
    known = {name: catalog[name] for name in TABLES if name in catalog}
    columns = {name: adapted_columns(TABLES[name], stored, expression) for name, stored in known.items()}
    return {
        name: statement("read/adapted", table=Name(name), columns=Adapted(parts))
        for name, parts in columns.items()
        if any(parts.values())
    }


def adapted_columns(table: Table, stored: Mapping[str, str], expression: Expression) -> dict[str, str]:
    """Return what statements read for each column of a table: SQL, or an empty text for the column itself.

    Args:
        table: Of the schema.
        stored: The store's columns with their types.
        expression: How the kind of store reads a column.

    Returns:
        The store's columns, then as nulls the optional columns of inputs that it lacks.
    """
    present = {
        name: expression(table[name], kind) if name in table.by_name else "" for name, kind in stored.items()
    }
    return present | dict(_absent(table, stored))


def _absent(table: Table, stored: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the optional columns of inputs that a table lacks, as nulls."""
    for column in table.columns:
        if column.name not in stored and not column.later and optional_column(table, column):
            yield column.name, f"null::{NULL_TYPES.get(column.type.kind, 'text')}"


def with_adapted(text: str, tables: Callable[[], Mapping[str, str]]) -> str:
    """Return a statement with the subqueries of the tables that it names.

    Args:
        text: The statement.
        tables: Returns the subqueries by table; it is called only if the statement names a table.
    """
    names = dict.fromkeys(KNOWN_TABLE.findall(text))
    known = tables() if names else {}
    needed = [query for name in names if (query := known.get(name))]
    return f"with {', '.join(needed)} {text}" if needed else text
