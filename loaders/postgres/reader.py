"""Reader of a Postgres database: rows arrive as Arrow over one connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import cached_property
from typing import Any

import adbc_driver_manager as adbc
import adbc_driver_postgresql
import polars as pl
from psycopg.conninfo import make_conninfo

from engine.core.errors import LostReadError, ReadError
from engine.core.schema import Column, Table
from engine.core.store_url import StoreURL
from loaders.adapted import with_adapted
from loaders.arrow_stream import ArrowStream
from loaders.postgres.address import parameters
from loaders.postgres.connect import hidden_rows, opening_error
from loaders.reader import Reader
from sql import Name, Selected, Value, statement

EPOCH = date(1970, 1, 1).toordinal()
DATE_RANGE = date(1, 1, 1).toordinal() - EPOCH, date(9999, 12, 31).toordinal() - EPOCH
"""Days since 1970 that Polars can show. Postgres' `infinity` becomes one of the ends, which the row rules
refuse."""
DECIMALS = 10
"""Decimals that a number is read with where its column in the schema has no more: a store's may have more."""


class PostgresReader(Reader):
    """A Postgres database, opened to read."""

    def __init__(self, url: StoreURL) -> None:
        super().__init__(url)
        address = make_conninfo(**parameters(url))
        try:
            self._database = adbc.AdbcDatabase(driver=adbc_driver_postgresql._driver_path(), uri=address)
            self._connection = adbc.AdbcConnection(self._database)
            self._begin()
        except (adbc.Error, UnicodeError) as error:
            raise opening_error(url, error) from error

    def _begin(self) -> None:
        """Begin the transaction of all reads: a pooler gives it one server connection, and one state."""
        self._execute(statement("session/read"))
        self._execute(statement("session/settings"))

    def _execute(self, text: str) -> None:
        with adbc.AdbcStatement(self._connection) as request:
            request.set_sql_query(text)
            request.execute_update()

    def close(self) -> None:
        self._connection.close()
        self._database.close()

    def query(self, text: str) -> pl.DataFrame:
        return self.answer(with_adapted(text, lambda: self.adapted))

    def answer(self, question: str) -> pl.DataFrame:
        try:
            with adbc.AdbcStatement(self._connection) as request:
                request.set_sql_query(question)
                stream: Any = request.execute_query()[0]
                rows = pl.Series(ArrowStream(stream)).struct.unnest()
        except (adbc.Error, pl.exceptions.PolarsError) as error:
            self._begin_again()
            kind = LostReadError if _lost(error) else ReadError
            raise hidden_rows(self.url, error) or kind(self.url, str(error)) from error
        return rows.with_columns(pl.col(pl.Date).to_physical().clip(*DATE_RANGE).cast(pl.Date))

    def _begin_again(self) -> None:
        """Leave a transaction in which a statement failed: it would answer no other one."""
        with suppress(adbc.Error):
            self._execute("rollback")
            self._begin()

    def adapt(self, column: Column, stored: str) -> str:
        if column.type.kind == "uuid":
            kinds = {"uuid": "", "bytea": "id_of_bytes_in_postgres"}
            name = kinds.get(stored, "id_of_text_in_postgres")
            return statement(name, column=Name(column.name)) if name else ""
        # Without a cast citext compares without regard to case, and a text of fixed width keeps its blanks.
        plain = column.type.kind != "text" or stored.startswith(("character varying", "text"))
        return "" if plain else f"{Name(column.name)}::text"

    @cached_property
    def may_create(self) -> bool:
        return bool(self.query(statement("may_create")).item())

    def require(self, table: Table, columns: Sequence[str]) -> None:
        """Check types, too, before a statement casts them: Postgres' own message names no column.

        Args:
            table: of the schema.
            columns: names that will be read.
        """
        super().require(table, columns)
        self.check_types(table, columns)

    def selected(self, name: str, columns: tuple[Column, ...], **values: Value) -> pl.DataFrame:
        """Read numbers as text: it is exact, and shows a NaN of the store.

        Args:
            name: of the statement in `sql`.
            columns: to read, in order.
            values: what fills the statement.

        Returns:
            Rows in the schema's types.
        """
        text = statement(name, columns=Selected(columns, exact_text=True), **values)
        return _numbers(self.rows(name, text, values), columns)

    def rows(self, name: str, text: str, values: Mapping[str, Value]) -> pl.DataFrame:
        """Return the rows of a statement, numbers as text.

        Args:
            name: Of the statement in `sql`.
            text: The statement, filled in.
            values: What filled it.
        """
        del name, values
        return self.query(text)


def _lost(error: Exception) -> bool:
    """Return whether the server went away, SQLSTATE 08 and 57P, or gave way to another transaction, 40."""
    state = getattr(error, "sqlstate", None) or ""
    return state.startswith(("08", "57P", "40")) or "server closed the connection" in str(error)


def _numbers(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Convert numbers from text to decimals; to floats if one is not finite, for the row rules to refuse."""
    scales = {c.name: max(DECIMALS, c.type.scale) for c in columns if c.type.kind == "numeric" and not c.nan}
    texts = [frame[name] for name in scales]
    exact = {text.name: text.cast(pl.Decimal(38, scales[text.name]), strict=False) for text in texts}
    return frame.with_columns(
        exact[text.name] if exact[text.name].null_count() == text.null_count() else text.cast(pl.Float64)
        for text in texts
    )
