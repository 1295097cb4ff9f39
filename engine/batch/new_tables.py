"""Make the tables that a store lacks, with the rows that come with them.

Whatever makes a table of the engine, a run, a copy, `schema --create` or `--upgrade`, in a store of any kind:
the table begins with the same rows.
"""

from __future__ import annotations

from collections.abc import Collection

from engine.core.schema import TABLES
from loaders.shipped import shipped_rows
from writers.writer import Writer


def create_tables(writer: Writer, wanted: Collection[str] = TABLES, given: Collection[str] = ()) -> list[str]:
    """Create tables, those of the engine with their shipped rows.

    Tables of inputs are left empty: they may be another application's.

    Args:
        writer: In a transaction.
        wanted: Names of the tables.
        given: Tables to leave empty, because the caller has the rows.

    Returns:
        The names of the tables that the store lacked.
    """
    made = writer.create_missing(wanted)
    add_shipped_rows(writer, [name for name in made if name not in given and TABLES[name].role == "engine"])
    return made


def add_shipped_rows(writer: Writer, tables: Collection[str]) -> None:
    """Insert the shipped rows of new tables.

    Args:
        writer: In a transaction.
        tables: Names; those that ship no rows are passed over.
    """
    for name, rows in shipped_rows(tables).items():
        writer.insert(TABLES[name], rows)
