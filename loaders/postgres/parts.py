"""Reader of a Postgres database that reads closes, most of a run's input, over several connections at once.

The setting `postgres_reader = "connectorx"` chooses it. Each connection of connectorx reads some of the days,
and all of them see the state that the transaction of the other reads sees. Every other statement is read over
that one connection: connectorx takes 14 times as long for a small one. Which way is faster depends on the
machine: see `tests/benchmarks/reading.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from urllib.parse import quote, urlencode

import polars as pl

from engine.core.errors import EngineError, LostReadError, ReadError, StoreUnreachableError
from engine.core.store_url import StoreURL
from loaders.adapted import with_adapted
from loaders.postgres.address import parameters
from loaders.postgres.connect import AWAY, connect, hidden_rows
from loaders.postgres.reader import PostgresReader
from sql import Query, Value, statement

IN_PARTS = ("read/closes",)
"""Statements whose rows are read by ranges of days, from `start` to `end`."""
MOST_CONNECTIONS = 8
PASSED_ON = ("options", "connect_timeout", "channel_binding", "sslcert", "sslkey", "sslrootcert")
"""libpq's parameters that connectorx knows by the same names, besides those of the login."""
TLS = {"allow": "prefer", "verify-ca": "require"}
"""`sslmode` of libpq as connectorx spells it: with a root certificate its `require` checks the server's."""
USE_ADBC = 'Set postgres_reader = "adbc"'


class MissingConnectorxError(EngineError, ImportError):
    """connectorx is chosen and not installed."""

    def __init__(self) -> None:
        super().__init__(
            "postgres_reader is connectorx, which is not installed",
            "Add it: bin/setup connectorx, or python -m pip install 'columnar-portfolio-engine[connectorx]'",
        )


class PartsReader(PostgresReader):
    """A Postgres database, opened to read, closes over several connections."""

    def __init__(self, url: StoreURL, connections: int | None = None) -> None:
        """Open the store.

        Args:
            url: The store.
            connections: To read closes with; default one a processor, and at most `MOST_CONNECTIONS`.

        Raises:
            MissingConnectorxError: connectorx is not installed.
        """
        try:
            import connectorx
        except ImportError as error:
            raise MissingConnectorxError from error
        self._read: Callable[..., pl.DataFrame] = connectorx.read_sql
        self._connections = connections or min(os.cpu_count() or 1, MOST_CONNECTIONS)
        super().__init__(url)

    def rows(self, name: str, text: str, values: Mapping[str, Value]) -> pl.DataFrame:
        if name not in IN_PARTS:
            return super().rows(name, text, values)
        return self.in_days(text, values["start"], values["end"])  # type: ignore[arg-type]

    def in_days(self, text: str, start: date, end: date) -> pl.DataFrame:
        """Return the rows of a statement, each connection's days after those of the one before it.

        Args:
            text: A statement whose rows have a `date`.
            start: First day of its rows; those without a day are read, too.
            end: Last day.

        Raises:
            ReadError: It failed; a `LostReadError` if a retry may succeed.
        """
        rows = Query(with_adapted(text, lambda: self.adapted))
        parts = [
            statement("read/days", rows=rows, start=first, before=before, undated=first == start)
            for first, before in ranges(start, end, self._connections)
        ]
        try:
            return self._read(self.address, parts, return_type="polars", pre_execution_query=self._before())
        except RuntimeError as error:
            reason = f"connectorx: {error}. {USE_ADBC} to read without it"
            kind = LostReadError if AWAY.search(reason) else ReadError
            raise hidden_rows(self.url, error) or kind(self.url, reason) from error

    def _before(self) -> list[str]:
        """Return the statements with which each connection begins: it sees what this transaction sees."""
        state = self.query(statement("session/export_state")).item()
        adopted = statement("session/adopt_state", state=state)
        return [statement("session/read"), adopted, statement("session/settings")]

    @cached_property
    def address(self) -> str:
        """The database's URL for connectorx, with what libpq finds in the environment and in files."""
        given = parameters(self.url)
        with connect(self.url) as session:
            info = session.info
            login = f"{quote(info.user, safe='')}:{quote(info.password, safe='')}"
            host = f"[{info.host}]" if ":" in info.host else quote(info.host, safe="")
            place = f"{host}:{info.port}/{quote(info.dbname, safe='')}"
        return f"postgresql://{login}@{place}?{urlencode(self._options(given), quote_via=quote)}"

    def _options(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the parameters of a connection by connectorx's names.

        Args:
            given: libpq's.

        Raises:
            StoreUnreachableError: The server's certificate would be checked less than the user asks for.
        """
        mode = given.get("sslmode", "prefer")
        checked = mode != "verify-full" and (mode != "verify-ca" or "sslrootcert" in given)
        if not checked or given.get("sslrootcert") == "system":
            raise StoreUnreachableError(
                self.url, f"connectorx cannot check a certificate as sslmode={mode} asks. {USE_ADBC}"
            )
        passed = {name: given[name] for name in PASSED_ON if name in given}
        return {"sslmode": TLS.get(mode, mode), **passed}


def ranges(start: date, end: date, parts: int) -> Iterator[tuple[date, date]]:
    """Yield the first day of each of several ranges of about as many days, and the day after its last.

    Args:
        start: First day of the first range.
        end: Last day of the last range.
        parts: Number of ranges; there are fewer where there are fewer days.
    """
    days = (end - start).days + 1
    parts = max(1, min(parts, days))
    yield from pairwise(start + timedelta(days=days * part // parts) for part in range(parts + 1))
