"""Encodings of a frame for COPY: text, and binary by two libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import pgpq
import polars as pl
import psycopg
from psycopg.adapt import Transformer
from psycopg.sql import SQL, Composed, Identifier

from engine.core.schema import Column, Table

JSONB_VERSION = "\x01"
"""Version byte of a binary jsonb document."""
BINARY_SIGNATURE, BINARY_TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
MAKERS: Mapping[str, Callable[[Any], object]] = {
    "uuid": UUID,
    "numeric": lambda value: Decimal(str(value)),
}
"""Conversions that psycopg needs, by SQL type."""


@dataclass(frozen=True)
class Encoding:
    """A format of COPY, and a function that encodes a frame a batch of rows at a time."""

    name: str
    option: str
    batches: Callable[[Table, pl.DataFrame, int], Iterator[bytes]]

    def statement(self, target: str, frame: pl.DataFrame) -> Composed:
        """Return the COPY statement for a frame's columns."""
        columns = SQL(", ").join(map(Identifier, frame.columns))
        text = SQL("copy {} ({}) from stdin with (format {})")
        return text.format(Identifier(target), columns, Identifier(self.option))


def _csv(table: Table, frame: pl.DataFrame, rows: int) -> Iterator[bytes]:
    for batch in frame.iter_slices(rows):
        yield batch.write_csv(include_header=False, quote_style="non_numeric").encode()


def _tabs(table: Table, frame: pl.DataFrame, rows: int) -> Iterator[bytes]:
    """Encode as Postgres' text format; only right if no text has a tab, a newline or a backslash."""
    for batch in frame.iter_slices(rows):
        text = batch.write_csv(include_header=False, separator="\t", null_value="\\N", quote_style="never")
        yield text.encode()


def _pgpq(table: Table, frame: pl.DataFrame, rows: int) -> Iterator[bytes]:
    for batch in frame.iter_slices(rows):
        ready = batch.select(_for_pgpq(table[name]) for name in batch.columns)
        arrow = ready.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
        encoder = pgpq.ArrowToPostgresBinaryEncoder(arrow.schema)
        parts = [encoder.write_header()]
        parts += [encoder.write_batch(part) for part in arrow.to_batches()]
        yield b"".join([*parts, encoder.finish()])


def _for_pgpq(column: Column) -> pl.Expr:
    """Return a column as pgpq needs it: uuids as bytes, jsonb with its version byte.

    pgpq cannot encode a decimal NaN: for the timing it is replaced by 0.
    """
    value = pl.col(column.name)
    match column.type.kind:
        case "uuid":
            return value.str.replace_all("-", "", literal=True).str.decode("hex")
        case "json" if column.type.binary:
            return pl.concat_str(pl.lit(JSONB_VERSION), value).alias(column.name)
        case "numeric" if column.nan:
            return value.fill_nan(0).cast(pl.Decimal(column.type.precision, column.type.scale))
        case _:
            return value


def _psycopg(table: Table, frame: pl.DataFrame, rows: int) -> Iterator[bytes]:
    kinds = [str(table[name].type).partition("(")[0] for name in frame.columns]
    for batch in frame.iter_slices(rows):
        yield b"".join([BINARY_SIGNATURE, *_psycopg_rows(kinds, batch), BINARY_TRAILER])


def _psycopg_rows(kinds: list[str], batch: pl.DataFrame) -> Iterator[bytes]:
    """Encode rows as psycopg's Copy objects do."""
    from psycopg._copy_base import format_row_binary

    makers = [(place, MAKERS[kind]) for place, kind in enumerate(kinds) if kind in MAKERS]
    transformer = Transformer()
    oids = [psycopg.adapters.types[kind].oid for kind in kinds]
    transformer.set_dumper_types(oids, psycopg.pq.Format.BINARY)
    for row in batch.iter_rows():
        values, line = list(row), bytearray()
        for place, make in makers:
            values[place] = None if values[place] is None else make(values[place])
        format_row_binary(values, transformer, line)
        yield bytes(line)


CSV = Encoding("text, csv", "csv", _csv)
TABS = Encoding("text, tabs", "text", _tabs)
PGPQ = Encoding("binary, pgpq (NaN as 0)", "binary", _pgpq)
PSYCOPG = Encoding("binary, psycopg", "binary", _psycopg)
