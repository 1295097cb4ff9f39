"""Drop keys and indexes before a load and create them after it, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import psycopg

Kind = Literal["", "foreign keys", "keys and indexes"]
FOREIGN, OTHERS = ("f",), ("p", "u", "f")
"""Kinds of constraint as the catalogue names them, in the order of their creation."""
CONSTRAINTS = """
select conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid)
from pg_constraint where conrelid::regclass::text = any(%s) and contype::text = any(%s)
order by array_position(%s, contype::text)
"""
INDEXES = """
select indexname, indexdef from pg_indexes
where tablename = any(%s) and indexname not in (select conname from pg_constraint)
"""


@contextmanager
def dropped(connection: psycopg.Connection, tables: Sequence[str], what: Kind) -> Iterator[None]:
    """Drop keys, or keys and indexes, of tables while a block loads them."""
    if not what:
        yield
        return
    again = _drop(connection, list(tables), list(FOREIGN if what == "foreign keys" else OTHERS))
    yield
    for table in tables:
        connection.execute(f"analyze {table}".encode())  # without statistics, keys are checked row by row
    for text in again:
        connection.execute(text.encode())


def _drop(connection: psycopg.Connection, tables: list[str], kinds: list[str]) -> list[str]:
    """Drop constraints and indexes; return the statements that create them again."""
    again = []
    rules = connection.execute(CONSTRAINTS, (tables, kinds, kinds)).fetchall()
    # A primary key can be dropped only after the foreign keys that refer to it.
    for table, name, kind, definition in sorted(rules, key=lambda rule: rule[2] != "f"):
        connection.execute(f'alter table {table} drop constraint "{name}"'.encode())
        again.append((kinds.index(kind), f'alter table {table} add constraint "{name}" {definition}'))
    if "p" in kinds:
        for name, definition in connection.execute(INDEXES, (tables,)).fetchall():
            connection.execute(f'drop index "{name}"'.encode())
            again.append((0, definition))
    return [text for _, text in sorted(again, key=lambda entry: entry[0])]
