"""Connections to Postgres: what libpq makes of a URL and the environment, and a session in UTC."""

from __future__ import annotations

import re

import psycopg
from psycopg import pq

from engine.core.errors import StoreUnreachableError
from engine.core.store_url import StoreURL
from sql import statement

AUTHORITY = re.compile(r"^[^:/?#]+://([^/?#]*)(.*)$", re.DOTALL)
PORT = re.compile(r":[\d,:]*$|\]$")
PATIENCE_SECONDS = "10"
"""For a server to answer, unless the URL or the environment says otherwise."""


def parameters(url: StoreURL) -> dict[str, str]:
    """Return libpq's parameters: those of the URL, completed from the environment.

    Raises:
        StoreUnreachableError: The URL cannot be read.
    """
    _refuse_unescaped(url)
    # libpq takes the scheme in lower case only.
    scheme, colon, place = url.text.partition(":")
    address = f"{scheme.lower()}{colon}{place}"
    try:
        options = [*pq.Conninfo.get_defaults(), *pq.Conninfo.parse(address.encode())]
    except psycopg.Error as error:
        raise StoreUnreachableError(url, str(error)) from error
    given = {option.keyword.decode(): option.val.decode() for option in options if option.val}
    return {"connect_timeout": PATIENCE_SECONDS, **given}


def _refuse_unescaped(url: StoreURL) -> None:
    """Raise an error if libpq would cut the password in two, and show one half in its message."""
    parts = AUTHORITY.match(url.text)
    authority, rest = parts.groups() if parts else ("", url.text)
    cut_short = ":" in authority and "@" not in authority and not PORT.search(authority)
    if authority.count("@") > 1 or (cut_short and "@" in rest):
        raise StoreUnreachableError(
            url, "in a password @ is written %40, / %2F, : %3A, ? %3F, # %23 and % itself %25"
        )


def database(url: StoreURL) -> tuple[str | None, ...]:
    """Return server, port and database, as libpq reads URL and environment."""
    given = parameters(url)
    server = given.get("host") or given.get("hostaddr") or "localhost"
    return server, given.get("port"), given.get("dbname") or given.get("user")


def connect(url: str | StoreURL) -> psycopg.Connection:
    """Return a session in UTC, each statement its own transaction until one is begun.

    Raises:
        StoreUnreachableError: There is no such server or database, or the login is refused.
    """
    try:
        connection = psycopg.connect(**parameters(StoreURL.parse(url)), autocommit=True)  # type: ignore[arg-type]
        connection.execute(statement("utc").encode())
    except (psycopg.Error, UnicodeError) as error:
        raise StoreUnreachableError(url, str(error)) from error
    return connection
