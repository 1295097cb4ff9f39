"""Keys and indexes away before a load and back after it, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import psycopg

Kind = Literal["", "foreign keys", "keys and indexes"]
FOREIGN, OTHERS = ("f",), ("p", "u", "f")
"""Kinds of constraint as the catalogue names them, in the order in which they are made again."""
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
def taken_away(connection: psycopg.Connection, tables: Sequence[str], what: Kind) -> Iterator[None]:
    """Let a block load the tables without some of their rules."""
    if not what:
        yield
        return
    again = _drop(connection, list(tables), list(FOREIGN if what == "foreign keys" else OTHERS))
    yield
    for table in tables:
        connection.execute(f"analyze {table}".encode())  # without, keys are checked row by row
    for text in again:
        connection.execute(text.encode())


def _drop(connection: psycopg.Connection, tables: list[str], kinds: list[str]) -> list[str]:
    """Statements that make again what was dropped."""
    again = []
    rules = connection.execute(CONSTRAINTS, (tables, kinds, kinds)).fetchall()
    # A primary key that others refer to goes only after they have.
    for table, name, kind, definition in sorted(rules, key=lambda rule: rule[2] != "f"):
        connection.execute(f'alter table {table} drop constraint "{name}"'.encode())
        again.append((kinds.index(kind), f'alter table {table} add constraint "{name}" {definition}'))
    if "p" in kinds:
        for name, definition in connection.execute(INDEXES, (tables,)).fetchall():
            connection.execute(f'drop index "{name}"'.encode())
            again.append((0, definition))
    return [text for _, text in sorted(again, key=lambda one: one[0])]
