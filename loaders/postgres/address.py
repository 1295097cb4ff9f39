"""Addresses of Postgres databases: what libpq makes of a URL and of the environment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

import psycopg
from psycopg import pq

from engine.core.errors import StoreUnreachableError
from engine.core.store_url import StoreURL

ADDRESS = re.compile(r"^[^:]*:(//)?([^/?#]*)([^?]*)\??(.*)$", re.DOTALL)
"""Slashes, authority, path and query of a URL."""
BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})|%00|\s")
UNESCAPED = "in a password @ is written %40, / %2F, : %3A, ? %3F, # %23 and % itself %25"
DEFAULTS = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
"""Seconds to wait for a server, and to find out that it is gone, unless URL or environment say otherwise."""
TLS = {"true": "require", "false": "disable", "1": "require", "0": "disable"}
"""Values of asyncpg's and JDBC's parameter `ssl`, where libpq's `sslmode` spells them in another way."""
OF_OTHER_DRIVERS = (
    "async_fallback",
    "command_timeout",
    "connection_limit",
    "pgbouncer",
    "pool_timeout",
    "prepared_statement_cache_size",
    "prepared_statement_name_func",
    "statement_cache_size",
)
"""Parameters that SQLAlchemy, asyncpg and Prisma know, and that mean nothing here."""


def parameters(url: StoreURL) -> dict[str, str]:
    """Return libpq's parameters: those of the URL, completed from the environment.

    Raises:
        StoreUnreachableError: The URL cannot be read.
    """
    address = _of_libpq(url)
    try:
        options = [*pq.Conninfo.get_defaults(), *pq.Conninfo.parse(address.encode())]
    except (psycopg.Error, UnicodeError) as error:
        # libpq quotes what it cannot read, which may be a piece of a password.
        reason = UNESCAPED if any(url.secrets) and "%" in str(error) else str(error)
        raise StoreUnreachableError(url, reason) from error
    given = {option.keyword.decode(): option.val.decode() for option in options if option.val}
    return DEFAULTS | given


def database(url: StoreURL) -> tuple[str | None, ...]:
    """Return server, port and database, as libpq reads URL and environment."""
    given = parameters(url)
    server = given.get("host") or given.get("hostaddr") or "localhost"
    return server, given.get("port"), given.get("dbname") or given.get("user")


def _of_libpq(url: StoreURL) -> str:
    """Return a URL as libpq spells it: its scheme, and its names of parameters.

    Raises:
        StoreUnreachableError: libpq would cut the password in two, and show one half in its message.
    """
    parts = ADDRESS.match(url.text.strip())
    slashes, authority, path, query = parts.groups() if parts else ("", "", "", "")
    login = authority.rpartition("@")[0]
    misplaced = "@" in login or "@" in path or "@" in query or "#" in path or "#" in query
    if misplaced or BAD_ESCAPE.search(login):
        raise StoreUnreachableError(url, UNESCAPED)
    pairs = "&".join(_pairs(query))
    return f"postgresql:{slashes or ''}{authority}{path}{'?' if pairs else ''}{pairs}"


def _pairs(query: str) -> Iterator[str]:
    """Yield the parameters of a URL's query as libpq spells them."""
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        if name == "ssl":
            yield f"sslmode={TLS.get(value.lower(), value)}"
        elif name == "schema":
            # Prisma's parameter; a schema is quoted, so that its name may hold anything.
            escaped = unquote(value).replace('"', '""').replace("\\", "\\\\").replace(" ", "\\ ")
            yield "options=" + quote(f'-csearch_path="{escaped}"', safe="")
        elif name not in OF_OTHER_DRIVERS:
            yield pair
