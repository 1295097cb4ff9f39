"""Row ids in bulk: the same natural key gives the same id in every run and on every machine.

An id is a version-8 UUID: 122 bits of a hash of the table's name and the key columns in order. Each key
value becomes two 64-bit words, which two independent lanes fold, column by column, with the finaliser of
splitmix64 (Steele, Lea & Flood 2014).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.core.errors import EngineError

IdForm = Literal["text", "words"]
"""Form of ids in a frame: 36 characters, or as `ID_WORDS` for a store that reads these faster."""
UUID_BYTES = 16
ID_WORDS = pl.Struct({"high": pl.UInt64, "low": pl.UInt64})
"""The 128 bits of an id as two numbers."""

Lanes = NDArray[np.uint64]
"""Words of both lanes: [2, rows]."""
ODD = np.array([[0x9E3779B97F4A7C15], [0xD1B54A32D192ED03]], dtype=np.uint64)
"""Each lane's own odd multiplier. The first is 2^64 over the golden ratio."""
CLEARED = np.array([[0xFFFFFFFFFFFF0FFF], [0x3FFFFFFFFFFFFFFF]], dtype=np.uint64)
VERSION_8 = np.array([[0x8000], [0x8000000000000000]], dtype=np.uint64)
"""The bits of version and variant (RFC 9562, section 5.8), put where `CLEARED` leaves room."""
BLOCK = 1 << 14
"""Rows that are numbered at once: their words stay in the processor's cache (docs/benchmarks.md)."""
GROUPS = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
"""The hexadecimal digits between the dashes of a UUID."""


class BadKeyError(EngineError, ValueError):
    """A key column that cannot number rows."""

    def __init__(self, table: str, column: str, reason: str) -> None:
        self.table, self.column, self.reason = table, column, reason
        super().__init__(f"table {table}, key column {column}: {reason}")


def row_ids(table: str, *keys: pl.Series, form: IdForm = "text") -> pl.Series:
    """Return the id of each row, made from its natural key.

    Args:
        table: The table's name, which is part of the hash.
        keys: The key's columns in order, of one length: text, integer, boolean, date or timestamp.
        form: The form of the ids.

    Returns:
        A series named `id`. An id does not depend on the other rows, nor on their order.

    Raises:
        BadKeyError: There is no key column, or one has a null, another length or another type.
    """
    if not keys:
        raise BadKeyError(table, "(none)", "an id needs at least one")
    for key in keys:
        check_key(table, key, len(keys[0]))
    columns = [_mixed_words(key) for key in keys]
    seed = _digests([table])
    ids = np.empty((2, len(keys[0])), np.uint64)
    for start in range(0, len(keys[0]), BLOCK):
        rows = slice(start, start + BLOCK)
        hashed = seed
        for words in columns:
            hashed = _mix(hashed * ODD + words(rows))
        ids[:, rows] = hashed & CLEARED | VERSION_8
    return _texts(ids) if form == "text" else pl.DataFrame({"high": ids[0], "low": ids[1]}).to_struct("id")


def id_words(ids: pl.Series) -> pl.Series | None:
    """Return ids of other rows as `ID_WORDS`; None if one is null or no uuid, for the store to refuse.

    Args:
        ids: [N] an enumeration of texts, of which each is parsed once.
    """
    assert isinstance(ids.dtype, pl.Enum)
    if ids.null_count():
        return None
    try:
        raw = [bytes.fromhex(text.replace("-", "")) for text in ids.dtype.categories]
    except ValueError:
        return None
    if any(len(word) != UUID_BYTES for word in raw):
        return None
    words = np.frombuffer(b"".join(raw), dtype=">u8").reshape(-1, 2).astype(np.uint64)
    numbers = ids.to_physical().to_numpy()
    high, low = (words[:, lane].take(numbers) for lane in (0, 1))
    return pl.DataFrame({"high": high, "low": low}).to_struct(ids.name)


def check_key(table: str, key: pl.Series, height: int) -> None:
    """Raise BadKeyError unless a key column can number `height` rows.

    Args:
        table: Name, for the message.
        key: One column of the table's natural key.
        height: Rows of the frame.

    Raises:
        BadKeyError: Another length, a null, or a type that has no fixed bytes, such as a float.
    """
    if len(key) != height:
        raise BadKeyError(table, key.name, f"{len(key)} values instead of {height}")
    if key.null_count():
        raise BadKeyError(table, key.name, f"{key.null_count()} nulls")
    if not (_is_text(key) or key.dtype.is_integer() or key.dtype in (pl.Boolean, pl.Date, pl.Datetime)):
        raise BadKeyError(table, key.name, f"values of type {key.dtype}")


def _is_text(key: pl.Series) -> bool:
    return isinstance(key.dtype, (pl.String, pl.Enum, pl.Categorical))


def _mixed_words(key: pl.Series) -> Callable[[slice], Lanes]:
    """Return a function that gives rows their two words: a text's digest, or a number as it is."""
    if _is_text(key):
        # Each distinct text is hashed once: BLAKE2b takes a microsecond of Python for each.
        texts = key if isinstance(key.dtype, pl.Enum) else key.cast(pl.Enum(key.cast(pl.String).unique()))
        assert isinstance(texts.dtype, pl.Enum)
        mixed = _mix(_digests(texts.dtype.categories) + ODD)
        places = texts.to_physical().to_numpy()
        return lambda rows: mixed.take(places[rows], axis=1)
    number = key.to_physical()
    integers = number if number.dtype == pl.UInt64 else number.cast(pl.Int64)
    words = integers.to_numpy().view(np.uint64)
    return lambda rows: _mix(words[rows] + ODD)


def _digests(texts: Iterable[str]) -> Lanes:
    """128 bits of BLAKE2b of each text."""
    digests = b"".join(blake2b(text.encode(), digest_size=16).digest() for text in texts)
    return np.frombuffer(digests, dtype="<u8").reshape(-1, 2).T


def _mix(words: Lanes) -> Lanes:
    """Return splitmix64's finaliser of words: a bijection in which each bit moves half of the others."""
    mixed = (words ^ words >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def _texts(ids: Lanes) -> pl.Series:
    """Return ids as `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`."""
    digits = np.frombuffer(ids.T.astype(">u8").tobytes().hex().encode(), dtype=np.uint8).reshape(-1, 32)
    lines = np.full((len(digits), 36), ord("-"), dtype=np.uint8)
    for dashes, (start, stop) in enumerate(GROUPS):
        lines[:, start + dashes : stop + dashes] = digits[:, start:stop]
    # The fastest public way from bytes to strings; Python strings take three times as long.
    return pl.Series("id", lines).cast(pl.List(pl.UInt8)).cast(pl.Binary).cast(pl.String)
