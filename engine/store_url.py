"""Store URLs as identities: whether two of them name one store."""

from __future__ import annotations

from urllib.parse import urlsplit

from loaders.reader import store_path


def same_store(one: str, other: str) -> bool:
    """Whether two URLs name the same store, as far as can be told without opening it."""
    first, second = urlsplit(one), urlsplit(other)
    if first.scheme.startswith("postgres") and second.scheme.startswith("postgres"):
        return (first.hostname, first.port or 5432, first.path, first.query) == (
            second.hostname,
            second.port or 5432,
            second.path,
            second.query,
        )
    if first.scheme != second.scheme or first.scheme.startswith("postgres"):
        return False
    return store_path(one).resolve() == store_path(other).resolve()
