"""Postgres to read from: rows arrive as Arrow, over one connection for as long as the reader is open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from engine.core.errors import LostReadError, ReadError, StoreUnreachableError
from engine.core.schema import Column, Table
from engine.core.store_url import login
from loaders.duckdb.reader import ArrowStream
from loaders.reader import Reader
from sql import Selected, Value, statement

if TYPE_CHECKING:
    import psycopg

EPOCH = date(1970, 1, 1).toordinal()
PATIENCE_SECONDS = "10"
"""For a server to answer, unless the URL or the environment says otherwise."""
ENDS_OF_TIME = date(1, 1, 1).toordinal() - EPOCH, date(9999, 12, 31).toordinal() - EPOCH
"""What becomes of a date without end: a day that Polars can show, and no rule lets pass."""
WIDEST = pl.Decimal(38, 10)
"""Any numeric column's values."""


def parameters(url: str) -> dict[str, str]:
    """What libpq needs to reach the store: the URL, completed from the environment."""
    return {"connect_timeout": PATIENCE_SECONDS, **login(url)}


def connect(url: str) -> psycopg.Connection:
    """A session in UTC, each statement its own transaction until one is begun.

    Raises:
        StoreUnreachableError: no such server or database, or the login is refused.
    """
    import psycopg

    try:
        connection = psycopg.connect(**parameters(url), autocommit=True)  # type: ignore[arg-type]
        connection.execute(statement("utc").encode())
    except (psycopg.Error, UnicodeError) as error:
        raise StoreUnreachableError(url, str(error)) from error
    return connection


class PostgresReader(Reader):
    """A Postgres database."""

    def __init__(self, url: str) -> None:
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
