"""Connections to Postgres, and the errors of its two drivers as the engine's own."""

from __future__ import annotations

import re
from functools import cache

import psycopg

from engine.core.errors import HiddenRowsError, ServerAwayError, StoreUnreachableError
from engine.core.store_url import StoreURL
from loaders.postgres.address import parameters
from sql import statement

AWAY = re.compile(
    r"connection refused|is the server running|server closed the connection|the database system is "
    r"|terminating connection|server shutdown|too many (clients|connections)|connection slots"
    r"|pgbouncer cannot connect|server_login_retry",
    re.IGNORECASE,
)
"""Messages of a server, or of a pooler before it, that may answer in a moment. None of them has an SQLSTATE
that both drivers show."""
NO_TRANSACTIONS = "statement pooling"
HIDDEN = re.compile(r'row-level security policy for table "([^"]+)"')


def connect(url: str | StoreURL) -> psycopg.Connection:
    """Return a connection on which each statement is its own transaction until one is begun.

    It keeps no state on the server but in transactions, so that a pooler may stand between.

    Raises:
        StoreUnreachableError: There is no such server or database, or the login is refused.
    """
    settings = parameters(StoreURL.parse(url)) | {"client_encoding": "utf8"}
    try:
        return psycopg.connect(**settings, autocommit=True, prepare_threshold=None)  # type: ignore[arg-type]
    except (psycopg.Error, UnicodeError) as error:
        failure: StoreUnreachableError = opening_error(url, error)
        raise failure from error


def opening_error(url: str | StoreURL, error: Exception) -> StoreUnreachableError:
    """Return the error for a connection that was refused; a `ServerAwayError` if a retry may succeed.

    Args:
        url: of the store.
        error: of the driver.
    """
    reason = str(error)
    if NO_TRANSACTIONS in reason:
        return StoreUnreachableError(
            url, "its PgBouncer pools by statement; the engine needs pool_mode transaction or session"
        )
    return (ServerAwayError if AWAY.search(reason) else StoreUnreachableError)(url, reason)


def hidden_rows(url: StoreURL, error: Exception) -> HiddenRowsError | None:
    """Return the error for a statement that row-level security would have shortened, None for others.

    Args:
        url: of the store.
        error: of the driver.
    """
    table = HIDDEN.search(str(error))
    return HiddenRowsError(url, table[1]) if table else None


def same_database(one: StoreURL, other: StoreURL) -> bool:
    """Return whether two URLs lead to one database, whatever names its server goes by; asks both.

    Args:
        one: of a Postgres database.
        other: of another or the same one.
    """
    try:
        return _identity(one) == _identity(other)
    except StoreUnreachableError:
        return False  # whoever opens it meets the error


@cache
def _identity(url: StoreURL) -> tuple[object, ...] | None:
    try:
        with connect(url) as connection:
            return connection.execute(statement("session/identity").encode()).fetchone()
    except psycopg.Error as error:
        failure = opening_error(url, error)
        raise failure from error
