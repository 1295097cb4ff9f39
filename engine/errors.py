"""Every error a user can meet. Each carries its data and builds its own message.

One base class, so that `except EngineError` catches them all; each is also the builtin that a
caller would expect. No message ever holds a password: stores are named by `safe_url`.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from urllib.parse import urlsplit, urlunsplit


def safe_url(url: str) -> str:
    """The URL of a store with its password and secret parameters taken out."""
    parts = urlsplit(url)
    if "@" not in parts.netloc and "password" not in parts.query.lower():
        return url
    login, _, host = parts.netloc.rpartition("@")
    user = login.partition(":")[0]
    netloc = f"{user}:***@{host}" if ":" in login else parts.netloc
    query = "&".join(
        f"{pair.partition('=')[0]}=***" if "password" in pair.lower() else pair
        for pair in parts.query.split("&")
        if pair
    )
    return urlunsplit((parts.scheme, netloc, parts.path, query, parts.fragment))


def nearest(name: str, known: Iterable[str]) -> str:
    """` (nearest: ...)` when something known looks like `name`, else nothing."""
    found = get_close_matches(name, list(known), n=1)
    return f" (nearest: {found[0]})" if found else ""


class EngineError(Exception):
    """Something the user can act on."""

    hint = ""

    def __init__(self, message: str, hint: str = "") -> None:
        self.hint = hint or self.hint
        super().__init__(f"{message}. {self.hint}" if self.hint else message)


class UsageError(EngineError, ValueError):
    """A command or a call that cannot be carried out as given."""


class UnknownStoreError(UsageError):
    """A URL of no known store."""

    def __init__(self, url: str) -> None:
        self.url = safe_url(url)
        super().__init__(
            f"'{self.url}' names no store",
            "Use duckdb:///file.duckdb, postgresql://user@host/database or parquet:///folder",
        )


class StoreUnreachableError(EngineError, ConnectionError):
    """A store that is not there, refuses the login, or is held by another process."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = safe_url(url), reason
        super().__init__(f"store {self.url} cannot be opened: {reason}")


class MissingTableError(EngineError, LookupError):
    """A store without a table that the command needs."""

    def __init__(self, url: str, table: str) -> None:
        self.url, self.table = safe_url(url), table
        super().__init__(
            f"store {self.url} has no table {table}",
            "`python -m engine schema --create URL` makes the tables that are missing",
        )


class MissingColumnError(EngineError, LookupError):
    """A table without a column that the schema has."""

    def __init__(self, url: str, table: str, column: str, present: Iterable[str]) -> None:
        self.url, self.table, self.column = safe_url(url), table, column
        super().__init__(f"store {self.url}, table {table} has no column {column}{nearest(column, present)}")


class ColumnTypeError(EngineError, TypeError):
    """A column whose values are of another kind than the schema's."""

    def __init__(self, url: str, table: str, column: str, found: str, expected: str) -> None:
        self.url, self.table, self.column = safe_url(url), table, column
        super().__init__(
            f"store {self.url}, table {table}, column {column}: found {found}, expected {expected}"
        )


class ResultError(EngineError, OverflowError):
    """A computed figure that its column cannot hold."""

    def __init__(self, table: str, column: str, key: str, value: str, rule: str) -> None:
        self.table, self.column, self.key, self.value, self.rule = table, column, key, value, rule
        super().__init__(f"table {table}, column {column}, row {key}: {value} {rule}")


class CalendarError(EngineError, ValueError):
    """A date outside the sessions that the engine knows."""

    def __init__(self, day: str, first: str, last: str) -> None:
        super().__init__(f"date {day} lies outside the known sessions, {first} to {last}")


class WriteError(EngineError, OSError):
    """A store that refused rows; nothing of the transaction is visible."""

    def __init__(self, url: str, table: str, reason: str) -> None:
        self.url, self.table, self.reason = safe_url(url), table, reason
        super().__init__(f"store {self.url}, table {table}: {reason}; nothing was written")
