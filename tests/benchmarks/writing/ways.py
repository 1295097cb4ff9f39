"""The ways to write that are compared."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl
import psycopg
from psycopg.sql import SQL, Composed, Identifier

from engine.benchmarks.limits import OUTPUTS
from engine.benchmarks.workloads import FIRST, LAST
from engine.core.schema import TABLES, Table
from sql import Name, statement
from tests.benchmarks.writing.encodings import CSV, PGPQ, PSYCOPG, TABS, Encoding
from tests.benchmarks.writing.rebuilt import Kind, dropped
from writers.sql_writer import DELETE_BY

Frames = Mapping[str, pl.DataFrame]
WHOLE = 1 << 40
"""Rows per batch that no table reaches: one stream for each table."""
STAGE = "incoming"


@dataclass(frozen=True)
class Way:
    """One way to write.

    Attributes:
        batch: rows per COPY.
        path: directly into the table, or through a temporary one.
        put: into an empty table (first), after deleting the old rows, or merged by natural key.
        order: of rows within a table.
        split: how several connections share the work; empty: one connection.
        settings: of the transaction.
        rebuilt: what is dropped before and created again after.
    """

    encoding: Encoding
    batch: int
    path: Literal["direct", "staged"] = "direct"
    put: Literal["first", "delete", "merge", "upsert"] = "first"
    order: Literal["key", "id", "shuffled", "ascending ids"] = "key"
    split: Literal["", "portfolios", "tables"] = ""
    connections: int = 2
    settings: tuple[str, ...] = ()
    rebuilt: Kind = ""

    @property
    def name(self) -> str:
        parts = [self.put, self.encoding.name, shown(self.batch), self.path]
        parts += [] if self.order == "key" else [f"{self.order} order"]
        parts += [f"{self.connections} connections by {self.split}"] if self.split else []
        parts += [*self.settings, *([f"{self.rebuilt} created again"] if self.rebuilt else [])]
        return ", ".join(parts)


def shown(batch: int) -> str:
    return "one stream" if batch == WHOLE else f"{batch:,}"


def first_loads() -> Iterator[Way]:
    for encoding in (CSV, TABS, PGPQ):
        for batch in (5_000, 50_000, WHOLE):
            yield Way(encoding, batch)
    yield Way(PSYCOPG, WHOLE)
    for encoding in (CSV, PGPQ):
        yield Way(encoding, WHOLE, path="staged")
        yield Way(encoding, 5_000, split="portfolios")
        yield Way(encoding, WHOLE, split="portfolios")
    for order in ("id", "shuffled", "ascending ids"):
        yield Way(CSV, 5_000, order=order)
    yield Way(CSV, 5_000, split="tables")
    for connections in (3, 4):
        yield Way(CSV, 5_000, split="portfolios", connections=connections)
    yield Way(CSV, 5_000, order="ascending ids", split="portfolios")
    yield Way(CSV, 5_000, rebuilt="foreign keys")
    yield Way(CSV, 5_000, rebuilt="keys and indexes")
    yield Way(CSV, 5_000, settings=("synchronous_commit = off",))
    yield Way(CSV, 5_000, settings=("session_replication_role = replica",))


def replacements() -> Iterator[Way]:
    for encoding in (CSV, PGPQ):
        yield Way(encoding, 5_000, put="delete")
        yield Way(encoding, WHOLE, put="delete")
        yield Way(encoding, WHOLE, path="staged", put="merge")
        yield Way(encoding, 5_000, put="delete", split="portfolios")
    yield Way(CSV, WHOLE, path="staged", put="upsert")
    yield Way(CSV, WHOLE, path="staged", put="merge", split="portfolios")
    yield Way(CSV, 5_000, put="delete", rebuilt="foreign keys")


def write(url: str, way: Way, frames: Frames, portfolios: Sequence[str]) -> float:
    """Write the rows of one connection in one transaction; return its server's processor seconds."""
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.transaction():
            for setting in way.settings:
                connection.execute(f"set local {setting}".encode())
            with dropped(connection, OUTPUTS, way.rebuilt):
                _put(connection, way, frames, portfolios)
        return processor(connection.info.backend_pid)


def processor(pid: int) -> float:
    """Return the processor seconds of a process so far."""
    return processor_in(Path(f"/proc/{pid}/stat").read_text())


def processor_in(stat: str) -> float:
    """Return the processor seconds in the text of a process' stat file."""
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _put(connection: psycopg.Connection, way: Way, frames: Frames, portfolios: Sequence[str]) -> None:
    if way.put == "delete":
        for name in reversed(frames):
            connection.execute(_delete(TABLES[name], portfolios))
    for name, frame in frames.items():
        if way.path == "direct":
            _stream(connection, way, TABLES[name], name, frame)
        else:
            _through_a_stage(connection, way, TABLES[name], frame)


def _stream(connection: psycopg.Connection, way: Way, table: Table, target: str, frame: pl.DataFrame) -> None:
    text = way.encoding.statement(target, frame)
    with connection.cursor() as cursor:
        for data in way.encoding.batches(table, frame, way.batch):
            with cursor.copy(text) as copy:
                copy.write(data)


def _through_a_stage(connection: psycopg.Connection, way: Way, table: Table, frame: pl.DataFrame) -> None:
    made = SQL("create temporary table {} on commit drop as select {} from {} where false")
    columns = SQL(", ").join(map(Identifier, frame.columns))
    connection.execute(made.format(Identifier(STAGE), columns, Identifier(table.name)))
    _stream(connection, way, table, STAGE, frame)
    connection.execute(_move(way, table, frame.columns))
    connection.execute(SQL("drop table {}").format(Identifier(STAGE)))


def _delete(table: Table, portfolios: Sequence[str]) -> bytes:
    name, day = Name(table.name), Name(table.date or "")
    values = {"portfolios": portfolios, "start": FIRST, "end": LAST}
    return statement(DELETE_BY[table.owner], table=name, date=day, **values).encode()


def _move(way: Way, table: Table, columns: Sequence[str]) -> Composed:
    """Return the statement that moves rows from the temporary table into their own."""
    changed = [column for column in columns if column not in (*table.key, "id")]
    parts = {
        "table": Identifier(table.name),
        "stage": Identifier(STAGE),
        "columns": SQL(", ").join(map(Identifier, columns)),
        "values": SQL(", ").join(SQL("fresh.{}").format(Identifier(c)) for c in columns),
        "same": SQL(" and ").join(SQL("kept.{0} = fresh.{0}").format(Identifier(c)) for c in table.key),
        "new": SQL(", ").join(SQL("{0} = fresh.{0}").format(Identifier(c)) for c in changed),
        "excluded": SQL(", ").join(SQL("{0} = excluded.{0}").format(Identifier(c)) for c in changed),
    }
    return SQL(MOVES[way.put]).format(**parts)


MOVES = {
    "first": "insert into {table} ({columns}) select {columns} from {stage}",
    "upsert": "insert into {table} ({columns}) select {columns} from {stage} "
    "on conflict (id) do update set {excluded}",
    "merge": "merge into {table} as kept using {stage} as fresh on {same} "
    "when matched then update set {new} when not matched then insert ({columns}) values ({values})",
}
