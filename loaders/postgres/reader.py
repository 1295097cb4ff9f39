"""Reader of a Postgres database: rows arrive as Arrow over one connection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cached_property
from typing import Any

import adbc_driver_manager as adbc
import adbc_driver_postgresql
import polars as pl
from psycopg.conninfo import make_conninfo

from engine.core.errors import LostReadError, ReadError, StoreUnreachableError
from engine.core.schema import Column, Table
from engine.core.store_url import StoreURL
from loaders.arrow_stream import ArrowStream
from loaders.postgres.connect import parameters
from loaders.reader import Reader
from sql import Selected, Value, statement

EPOCH = date(1970, 1, 1).toordinal()
DATE_RANGE = date(1, 1, 1).toordinal() - EPOCH, date(9999, 12, 31).toordinal() - EPOCH
"""Days since 1970 that Polars can show. Postgres' `infinity` becomes one of the ends, which the row rules
refuse."""
WIDEST = pl.Decimal(38, 10)
"""A type that holds the values of any numeric column of the schema."""


class PostgresReader(Reader):
    """A Postgres database, opened to read."""

    def __init__(self, url: StoreURL) -> None:
        super().__init__(url)
        address = make_conninfo(**parameters(url))
        try:
            self._database = adbc.AdbcDatabase(driver=adbc_driver_postgresql._driver_path(), uri=address)
            self._connection = adbc.AdbcConnection(self._database)
            with adbc.AdbcStatement(self._connection) as session:
                session.set_sql_query(statement("utc"))
                session.execute_update()
        except (adbc.Error, UnicodeError) as error:
            raise StoreUnreachableError(url, str(error)) from error

    def close(self) -> None:
        self._connection.close()
        self._database.close()

    def query(self, text: str) -> pl.DataFrame:
        try:
            with adbc.AdbcStatement(self._connection) as request:
                request.set_sql_query(text)
                stream: Any = request.execute_query()[0]
                rows = pl.Series(ArrowStream(stream)).struct.unnest()
        except (adbc.Error, pl.exceptions.PolarsError) as error:
            kind = LostReadError if _lost(error) else ReadError
            raise kind(self.url, str(error)) from error
        return rows.with_columns(pl.col(pl.Date).to_physical().clip(*DATE_RANGE).cast(pl.Date))

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
        return _numbers(self.query(text), columns)


def _lost(error: Exception) -> bool:
    """Return whether the server went away: SQLSTATE classes 08 and 57P, or no SQLSTATE at all."""
    state = getattr(error, "sqlstate", None) or ""
    return state.startswith(("08", "57P")) or "server closed the connection" in str(error)


def _numbers(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Convert numbers from text to decimals; to floats if one is not finite, for the row rules to refuse."""
    texts = [frame[c.name] for c in columns if c.type.kind == "numeric" and not c.nan]
    exact = {text.name: text.cast(WIDEST, strict=False) for text in texts}
    return frame.with_columns(
        exact[text.name] if exact[text.name].null_count() == text.null_count() else text.cast(pl.Float64)
        for text in texts
    )
