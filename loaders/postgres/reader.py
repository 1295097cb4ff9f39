"""Postgres to read from: rows arrive as Arrow, over one connection for as long as the reader is open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cached_property
from typing import Any

import polars as pl

from engine.core.errors import LostReadError, ReadError, StoreUnreachableError
from engine.core.schema import Column, Table
from engine.core.store_url import StoreURL
from loaders.arrow_stream import ArrowStream
from loaders.postgres.connect import parameters
from loaders.reader import Reader
from sql import Selected, Value, statement

EPOCH = date(1970, 1, 1).toordinal()
ENDS_OF_TIME = date(1, 1, 1).toordinal() - EPOCH, date(9999, 12, 31).toordinal() - EPOCH
"""What becomes of a date without end: a day that Polars can show, and no rule lets pass."""
WIDEST = pl.Decimal(38, 10)
"""Any numeric column's values."""


class PostgresReader(Reader):
    """A Postgres database."""

    def __init__(self, url: StoreURL) -> None:
        import adbc_driver_manager as adbc
        import adbc_driver_postgresql
        from psycopg.conninfo import make_conninfo

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
        import adbc_driver_manager as adbc

        try:
            with adbc.AdbcStatement(self._connection) as asked:
                asked.set_sql_query(text)
                stream: Any = asked.execute_query()[0]
                found = pl.Series(ArrowStream(stream)).struct.unnest()
        except (adbc.Error, pl.exceptions.PolarsError) as error:
            kind = LostReadError if _lost(error) else ReadError
            raise kind(self.url, str(error)) from error
        return found.with_columns(pl.col(pl.Date).to_physical().clip(*ENDS_OF_TIME).cast(pl.Date))

    @cached_property
    def may_create(self) -> bool:
        return bool(self.query(statement("may_create")).item())

    def require(self, table: Table, columns: Sequence[str]) -> None:
        """Types are checked before a statement casts them: what it says of another is no help."""
        super().require(table, columns)
        self.check_types(table, columns)

    def selected(self, name: str, columns: tuple[Column, ...], **values: Value) -> pl.DataFrame:
        """Numbers come as text: exact, and NaN where the store has one."""
        text = statement(name, columns=Selected(columns, exact_text=True), **values)
        return _numbers(self.query(text), columns)


def _lost(error: Exception) -> bool:
    """Whether the server went away: by the classes 08 and 57P, or where it could not even say so."""
    state = getattr(error, "sqlstate", None) or ""
    return state.startswith(("08", "57P")) or "server closed the connection" in str(error)


def _numbers(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Decimals out of text; floats where not all of a column are finite, for the rules to find."""
    texts = [frame[c.name] for c in columns if c.type.kind == "numeric" and not c.nan]
    exact = {text.name: text.cast(WIDEST, strict=False) for text in texts}
    return frame.with_columns(
        exact[text.name] if exact[text.name].null_count() == text.null_count() else text.cast(pl.Float64)
        for text in texts
    )
