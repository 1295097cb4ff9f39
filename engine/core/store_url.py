"""Store URLs, parsed once and shown without their secrets.

What a kind of store can do is not asked of its URL: see `loaders.open` and `writers.open`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from engine.core.secrets import masked_url, secrets

ALIASES = {"postgres": "postgresql"}
"""Schemes that mean another one, also before a driver's name, as in SQLAlchemy's `postgresql+asyncpg`."""


@dataclass(frozen=True, repr=False)
class StoreURL:
    """A store's URL. Its `str` and `repr` never show a secret.

    Attributes:
        kind: The kind of store, in lower case: a key of `loaders.open.KINDS`, if there is such a kind.
        text: The URL as it was given, with its secrets. Only drivers need it.
    """

    kind: str
    text: str

    @classmethod
    def parse(cls, url: str | StoreURL) -> StoreURL:
        """Return the URL in parts. Any text can be parsed; opening it finds what is wrong with it.

        Args:
            url: Of a store, as a user writes it, or parsed already.
        """
        if isinstance(url, StoreURL):
            return url
        scheme, colon, _ = url.partition(":")
        kind = scheme.lower() if colon else ""
        base, driver, _ = kind.strip().partition("+")
        known = ALIASES.get(base, base)
        return cls(known if not driver or known in ALIASES.values() else kind, url)

    def __str__(self) -> str:
        return masked_url(self.text)

    def __repr__(self) -> str:
        return f"StoreURL({str(self)!r})"

    @property
    def place(self) -> str:
        """The text after the scheme and two slashes."""
        return self.text.partition(":")[2].removeprefix("//")

    @cached_property
    def path(self) -> Path:
        """The path, of a kind that is a file or a folder.

        Four slashes lead to an absolute path, and so do three before one whose folder exists;
        anything else, and always `duckdb:///./file`, counts from the current folder.
        """
        if self.place.startswith("//"):
            return Path(self.place[1:])
        absolute, relative = Path(self.place), Path(self.place.lstrip("/"))
        named_folder = len(absolute.parts) > 2 and os.path.isdir(absolute.parent)
        return absolute if self.place.startswith("/") and named_folder else relative

    @property
    def real_path(self) -> Path:
        """The path without links, absolute: the same by whatever name a file or folder is reached.

        Drivers are given this one: none of its names can be read as an option or a scheme.
        """
        return Path(os.path.realpath(self.path))

    @property
    def secrets(self) -> Iterator[str]:
        """Passwords and tokens, both as the URL spells them and unescaped."""
        for secret in (*secrets(self.text), os.environ.get("PGPASSWORD", "")):
            yield from filter(None, (secret, unquote(secret)))


def safe_url(url: str | StoreURL) -> str:
    """Return a store's URL with its password and secret parameters masked."""
    return str(StoreURL.parse(url))
