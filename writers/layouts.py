"""Change a store from one layout into the other, in the transaction of a writer."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.compact import COMPACT, PACKED, Layout, layout_of
from engine.core.errors import WriteError
from engine.core.schema import TABLES
from loaders.reader import Reader
from loaders.slices import read_slice
from sql import Name, Names, Query, statement
from sql.ddl import create, create_view, packed_tables
from writers.layout_errors import AttachedObjectsError, ForeignColumnsError, NoViewsError
from writers.packed_rows import insert_packed
from writers.sql_store import SqlStore
from writers.writer import Writer

OLD = "engine_old_"
"""Beginning of a table's or view's name while the one that takes its place is filled and checked."""
BLOCK = 50
"""Portfolios whose rows are packed at a time."""


def change_layout(writer: Writer, layout: Layout) -> dict[str, int]:
    """Change a store's layout; nothing is done if it has that layout already.

    The rows of both layouts are compared before the old ones are dropped.

    Args:
        writer: In an exclusive transaction, whose end makes the change count.
        layout: The new one.

    Returns:
        Rows by legacy table; empty if nothing was done.

    Raises:
        NoViewsError: The store is a folder of files.
        ForeignColumnsError: A table has columns that the schema lacks.
        AttachedObjectsError: A table has policies, triggers, rules or privileges on columns.
        PackError: Rows cannot be packed.
        WriteError: The new rows are not the old ones.
    """
    if layout_of(writer.catalog()) == layout:
        return {}
    if not isinstance(writer, SqlStore):
        raise NoViewsError(writer.url)
    names = [name for name in COMPACT if name in writer.catalog()]
    for name in (*names, *(table for table in PACKED if table in writer.catalog())):
        if objects := writer.attached(name):
            raise AttachedObjectsError(writer.url, name, objects)
    granted = {name: writer.grants(name) for name in names}
    if layout == "compact":
        _to_compact(writer, names)
    else:
        _to_legacy(writer, names)
    for name, privileges in granted.items():
        packed = [COMPACT[name].table.name] if layout == "compact" else []
        for target in (name, *packed):
            writer.grant(target, privileges)
    return {name: _count(writer, name) for name in names}


def _to_compact(writer: SqlStore, names: Sequence[str]) -> None:
    for name in names:
        if foreign := [column for column in writer.catalog()[name] if column not in TABLES[name].by_name]:
            raise ForeignColumnsError(writer.url, name, foreign)
        writer.keep_writers_out(name)
    for text in packed_tables(COMPACT, writer.dialect):
        writer.execute(text, "")
    with writer.reader() as reader:
        for name in names:
            _pack(writer, reader, name)
    for name in COMPACT:
        if name in names:
            _execute(writer, "rename", name, kind=Query("table"), other=Name(OLD + name))
        for text in create_view(name, writer.dialect):
            writer.execute(text, name)
        if name in names:
            _check(writer, name)
            _execute(writer, "drop", OLD + name, kind=Query("table"))


def _pack(writer: SqlStore, reader: Reader, name: str) -> None:
    portfolios = reader.portfolios["id"].sort().to_list()
    for start in range(0, len(portfolios), BLOCK):
        rows = read_slice(reader, TABLES[name], portfolios[start : start + BLOCK])
        insert_packed(writer, COMPACT[name], rows)


def _to_legacy(writer: SqlStore, names: Sequence[str]) -> None:
    for name in names:
        _execute(writer, "rename", name, kind=Query("view"), other=Name(OLD + name))
        for text in create([name], writer.dialect):
            writer.execute(text, name)
        columns = Names(tuple(TABLES[name].names))
        _execute(writer, "fill", name, columns=columns, source=Name(OLD + name))
        _check(writer, name)
        _execute(writer, "drop", OLD + name, kind=Query("view"))
    for table in reversed(PACKED):
        if table in writer.catalog():
            _execute(writer, "drop", table, kind=Query("table"))
    if writer.dialect == "postgres":
        writer.execute(statement("compact/postgres/forget"), "")


def _check(writer: SqlStore, name: str) -> None:
    """Raise an error unless the new and the old table have the same rows, but for ids and time stamps."""
    columns = Names(tuple(column.name for column in TABLES[name].columns if column.compared))
    text = statement("compact/differences", columns=columns, one=Name(name), other=Name(OLD + name))
    ((differences,),) = writer.fetch(text)
    if differences:
        raise WriteError(
            writer.url,
            name,
            f"{differences} rows would not be the same in the other layout, so that nothing was changed; "
            "docs/how-to/layout.md says which rows these are",
        )


def _count(writer: SqlStore, name: str) -> int:
    ((rows,),) = writer.fetch(statement("compact/count", table=Name(name)))
    return int(rows)


def _execute(writer: SqlStore, name: str, table: str, **values: Name | Names | Query) -> None:
    writer.execute(statement(f"compact/{name}", table=Name(table), **values), table)
