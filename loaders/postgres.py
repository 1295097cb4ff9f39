"""Postgres to read from: psycopg logs in, as libpq would, and connectorx fetches the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import polars as pl

from engine.errors import ReadError, StoreUnreachableError
from engine.schema import Column, Table
from engine.store_url import login
from loaders.reader import Reader
from sql import Selected, Value, statement

if TYPE_CHECKING:
    import psycopg

PATIENCE_SECONDS = "10"
"""For a server to answer, unless the URL or the environment says otherwise."""
SSL_MODES = {"allow": "prefer", "verify-ca": "require", "verify-full": "require"}
"""What connectorx knows only under another name; psycopg has by then verified the server."""
PASSED_ON = ("options", "application_name", "sslmode", "sslrootcert")
WIDEST = pl.Decimal(38, 10)
"""Any numeric column's values, as connectorx gives them."""


def connect(url: str) -> psycopg.Connection:
    """A session in UTC, each statement its own transaction until one is begun.

    Raises:
        StoreUnreachableError: no such server or database, or the login is refused.
    """
    import psycopg

    known = {"connect_timeout": PATIENCE_SECONDS, **login(url)}
    try:
        connection = psycopg.connect(**known, autocommit=True)  # type: ignore[arg-type]
        connection.execute(statement("utc").encode())
    except (psycopg.Error, UnicodeError) as error:
        raise StoreUnreachableError(url, str(error)) from error
    return connection


def connectorx_url(info: psycopg.ConnectionInfo) -> str:
    """The server that a session reached, in the one form that connectorx reads."""
    name, password, host = (quote(text, safe="") for text in (info.user, info.password, info.host))
    known = info.get_parameters()
    known["sslmode"] = SSL_MODES.get(known.get("sslmode", ""), known.get("sslmode", ""))
    passed = {key: known[key] for key in PASSED_ON if known.get(key)}
    address = f"{name}:{password}@{host}:{info.port}/{quote(info.dbname, safe='')}"
    return f"postgresql://{address}?{urlencode(passed, quote_via=quote)}"


class PostgresReader(Reader):
    """A Postgres database; each statement is read over a connection of its own.

    connectorx retries a refused login for half a minute and then drops the reason: psycopg
    tries it first.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        with connect(url) as connection:
            self._address = connectorx_url(connection.info)

    def query(self, text: str) -> pl.DataFrame:
        import connectorx

        try:
            found = connectorx.read_sql(self._address, text, return_type="polars")
        except RuntimeError as error:
            raise ReadError(self.url, str(error)) from error
        assert isinstance(found, pl.DataFrame)
        return found

    def require(self, table: Table, columns: Sequence[str]) -> None:
        """Types are checked before connectorx meets one that it does not know: it would abort."""
        super().require(table, columns)
        self.check_types(table, columns)

    def selected(self, name: str, columns: tuple[Column, ...], **values: Value) -> pl.DataFrame:
        """connectorx gives up at a NaN, or digits beyond its reach: then numbers come as text."""
        try:
            return super().selected(name, columns, **values)
        except ReadError:
            text = statement(name, columns=Selected(columns, exact_text=True), **values)
            return _numbers(self.query(text), columns)


def _numbers(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Decimals out of text; floats where not all of a column are finite, for the rules to find."""
    texts = [frame[c.name] for c in columns if c.type.kind == "numeric" and not c.nan]
    exact = {text.name: text.cast(WIDEST, strict=False) for text in texts}
    return frame.with_columns(
        exact[text.name] if exact[text.name].null_count() == text.null_count() else text.cast(pl.Float64)
        for text in texts
    )
