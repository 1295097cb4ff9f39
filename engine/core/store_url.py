"""Store URLs: what kind of store one names, where it lies, and whether two name the same."""

from __future__ import annotations

import re
from pathlib import Path

from engine.core.errors import StoreUnreachableError, UnknownStoreError

POSTGRES = ("postgresql", "postgres")
AUTHORITY = re.compile(r"^[^:/?#]+://([^/?#]*)(.*)$", re.DOTALL)
PORT = re.compile(r":[\d,:]*$|\]$")


def scheme(url: str) -> str:
    """The kind of store that a URL names, in small letters."""
    return url.partition(":")[0].lower() if ":" in url else ""


def store_path(url: str) -> Path:
    """The path in a file store's URL.

    Four slashes lead to an absolute path, and so do three before one whose folder exists;
    anything else, and always `duckdb:///./file`, counts from the current folder.
    """
    path = url.partition(":")[2].removeprefix("//")
    if not path.strip("/"):
        raise UnknownStoreError(url)
    if path.startswith("//"):
        return Path(path[1:])
    absolute, relative = Path(path), Path(path.lstrip("/"))
    named_folder = len(absolute.parts) > 2 and absolute.parent.is_dir()
    return absolute if path.startswith("/") and named_folder else relative


def resolved(url: str) -> str:
    """The URL as it is understood from any folder."""
    return url if scheme(url) in POSTGRES else f"{scheme(url)}:///{store_path(url).resolve()}"


def is_new(url: str) -> bool:
    """Whether a store is still to be made: a file or folder that is not there. A database always is."""
    return scheme(url) not in POSTGRES and not store_path(url).exists()


def same_store(one: str, other: str) -> bool:
    """Whether two URLs name the same store, as far as can be told without opening it."""
    kinds = {"postgresql" if scheme(url) in POSTGRES else scheme(url) for url in (one, other)}
    if kinds == {"postgresql"}:
        return _database(one) == _database(other)
    return len(kinds) == 1 and store_path(one).resolve() == store_path(other).resolve()


def _database(url: str) -> tuple[str | None, ...]:
    """Server and database, as libpq reads URL and environment."""
    known = login(url)
    server = known.get("host") or known.get("hostaddr") or "localhost"
    return server, known.get("port"), known.get("dbname") or known.get("user")


def login(url: str) -> dict[str, str]:
    """The parameters of a Postgres URL, completed from the environment as libpq does.

    Raises:
        StoreUnreachableError: the URL cannot be read.
    """
    import psycopg
    from psycopg import pq

    _refuse_unescaped(url)
    address = scheme(url) + url[len(scheme(url)) :]
    try:
        options = [*pq.Conninfo.get_defaults(), *pq.Conninfo.parse(address.encode())]
    except psycopg.Error as error:
        raise StoreUnreachableError(url, str(error)) from error
    return {option.keyword.decode(): option.val.decode() for option in options if option.val}


def _refuse_unescaped(url: str) -> None:
    """libpq would cut such a password in two, and say one half in its message."""
    found = AUTHORITY.match(url)
    authority, rest = found.groups() if found else ("", url)
    cut_short = ":" in authority and "@" not in authority and not PORT.search(authority)
    if authority.count("@") > 1 or (cut_short and "@" in rest):
        raise StoreUnreachableError(
            url, "in a password @ is written %40, / %2F, : %3A, ? %3F, # %23 and % itself %25"
        )
