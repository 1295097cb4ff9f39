"""Row ids in bulk: the same natural key gives the same id, in every run and on every machine.

An id is a version-8 UUID: 122 bits of a hash of (table, key columns in order). Each key value
becomes two 64-bit words; the words of a row are folded, column by column, into two independent
hashes ("lanes") with the finaliser of splitmix64 (Steele, Lea & Flood 2014). Python loops over
distinct texts only, never over rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from typing import IO, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.core.errors import EngineError
from engine.core.frames import plain

Words = NDArray[np.uint64]
UUID_BYTES = 16
WORDS = pl.Struct({"high": pl.UInt64, "low": pl.UInt64})
"""An id as two 64-bit numbers instead of 36 characters, for stores that accept them."""

LANES = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03))
"""An odd multiplier for each lane: 2^64 over the golden ratio, and another one."""

VERSION_MASK, VERSION = np.uint64(0xFFFFFFFFFFFF0FFF), np.uint64(0x8000)
VARIANT_MASK, VARIANT = np.uint64(0x3FFFFFFFFFFFFFFF), np.uint64(0x8000000000000000)

BLOCK = 1 << 14
"""Rows hashed or formatted at a time: their words stay in the processor's cache, which halves the time."""

UUID_LINE = np.dtype(
    [
        ("time_low", "u4", 2),
        ("dash_1", "u1"),
        ("time_mid", "u4"),
        ("dash_2", "u1"),
        ("version", "u4"),
        ("dash_3", "u1"),
        ("variant", "u4"),
        ("dash_4", "u1"),
        ("node", "u4", 3),
        ("end", "u1"),
    ]
)
"""A line of text: the 36 characters of a UUID in words of four, its dashes, and a line feed."""


class BadKeyError(EngineError, ValueError):
    """A key column that ids cannot be made from."""

    def __init__(self, table: str, column: str, reason: str) -> None:
        self.table, self.column, self.reason = table, column, reason
        super().__init__(f"table {table}, key column {column}: {reason}")


def row_ids(table: str, *keys: pl.Series) -> pl.Series:
    """Return the id of each row of a table; it does not depend on the order of rows.

    Args:
        table: name of the table.
        keys: columns of the natural key in order: texts, integers, booleans, dates or timestamps,
            all of one length, without nulls.

    Returns:
        Strings of 36 characters, named `id`.
    """
    return words_to_text(row_words(table, *keys))


def row_words(table: str, *keys: pl.Series) -> pl.Series:
    """Return the ids of `row_ids` as `WORDS`."""
    if not keys:
        raise BadKeyError(table, "(none)", "an id needs at least one")
    for key in keys:
        check_key(table, key, len(keys[0]))
    if keys[0].is_empty():
        return pl.Series("id", [], WORDS)
    columns = [_coded(key) for key in keys]
    seeds = tuple(_seeded(word, columns[0], lane) for lane, word in enumerate(_digests([table])[0]))
    high, low = np.empty((2, len(keys[0])), dtype=np.uint64)
    for block in _blocks(len(high)):
        high[block], low[block] = (_lane(lane, seed, columns, block) for lane, seed in enumerate(seeds))
        high[block] = high[block] & VERSION_MASK | VERSION
        low[block] = low[block] & VARIANT_MASK | VARIANT
    return pl.DataFrame({"high": high, "low": low}).to_struct("id")


def make_ids(table: str, keys: Sequence[pl.Series], in_words: bool) -> pl.Series:
    """Return the ids of rows, as `WORDS` or as texts."""
    return row_words(table, *keys) if in_words else row_ids(table, *keys)


def text_to_words(values: pl.Series) -> pl.Series:
    """Return uuids (Enum) as `WORDS`; as texts if one is null or no uuid, so that the store refuses it."""
    assert isinstance(values.dtype, pl.Enum)
    digits = pl.lit(values.dtype.categories).str.replace_all("-", "", literal=True)
    raw = pl.select(digits.str.decode("hex", strict=False)).to_series().to_list()
    if values.null_count() or any(word is None or len(word) != UUID_BYTES for word in raw):
        return plain(values)
    words = np.frombuffer(b"".join(raw), dtype=">u8").reshape(-1, 2).astype(np.uint64)
    codes = values.to_physical().to_numpy()
    high, low = (words[:, lane].take(codes) for lane in (0, 1))
    return pl.DataFrame({"high": high, "low": low}).to_struct(values.name)


def words_to_text(words: pl.Series) -> pl.Series:
    """Return `WORDS` as texts of 36 characters."""
    if words.is_empty():
        return pl.Series(words.name, [], pl.String)
    high, low = (words.struct.field(name).to_numpy() for name in ("high", "low"))
    lines = _blank_lines(min(len(high), BLOCK))
    texts: list[IO[bytes]] = [
        BytesIO(_formatted(lines[: block.stop - block.start], high[block], low[block]))
        for block in _blocks(len(high))
    ]
    # read_lines is the fastest public way from bytes to strings.
    return pl.read_lines(texts, name=words.name)[words.name].rechunk()


def _blocks(count: int) -> list[slice]:
    return [slice(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK)]


def check_key(table: str, key: pl.Series, height: int) -> None:
    """Raise `BadKeyError` unless ids of `height` rows can be made from the column."""
    if len(key) != height:
        raise BadKeyError(table, key.name, f"{len(key)} values instead of {height}")
    if key.null_count():
        raise BadKeyError(table, key.name, f"{key.null_count()} nulls")
    if not (_is_text(key) or key.dtype.is_integer() or _is_countable(key)):
        raise BadKeyError(table, key.name, f"values of type {key.dtype}")


def _is_text(key: pl.Series) -> bool:
    return isinstance(key.dtype, (pl.String, pl.Enum, pl.Categorical))


def _is_countable(key: pl.Series) -> bool:
    return isinstance(key.dtype, (pl.Boolean, pl.Date, pl.Datetime))


@dataclass(frozen=True)
class _Coded:
    """A key column as numbers.

    codes: [R] of each row. mixed: for each lane, the mixed word of each code; None if a code is
    itself the word of its row, in both lanes.
    """

    codes: NDArray[Any]
    mixed: tuple[Words, Words] | None

    def of(self, lane: int, block: slice) -> Words:
        """Return the mixed words of a block of rows."""
        codes = self.codes[block]
        return _mix(codes + LANES[lane]) if self.mixed is None else self.mixed[lane].take(codes)


def _coded(key: pl.Series) -> _Coded:
    """Return a key column as numbers: texts by their hash, dates in days, times in microseconds."""
    if _is_text(key):
        codes, texts = _distinct(key)
        return _Coded(codes, _tables(*_digests(texts).T))
    physical = key.to_physical()
    number = physical if physical.dtype == pl.UInt64 else physical.cast(pl.Int64)
    words = number.to_numpy().view(np.uint64)
    span = int(number.max()) - int(number.min()) + 1  # type: ignore[arg-type]
    # A table of mixed words pays if there are fewer possible values than rows, as with dates.
    if span > len(key):
        return _Coded(words, None)
    least = words[number.arg_min()]
    every = np.arange(span, dtype=np.uint64) + least
    return _Coded((words - least).view(np.int64), _tables(every, every))


def _distinct(key: pl.Series) -> tuple[NDArray[Any], pl.Series]:
    """Return the code [R] of each row's text, and the distinct texts by code."""
    if not isinstance(key.dtype, pl.Enum):
        key = key.cast(pl.String)
        key = key.cast(pl.Enum(key.unique()))
    assert isinstance(key.dtype, pl.Enum)
    return key.to_physical().to_numpy(), key.dtype.categories


def _tables(first: Words, second: Words) -> tuple[Words, Words]:
    return _mix(first + LANES[0]), _mix(second + LANES[1])


def _digests(texts: Iterable[str]) -> Words:
    """Return 128 bits of BLAKE2b for each text: [texts, 2] words."""
    digests = b"".join(blake2b(text.encode(), digest_size=16).digest() for text in texts)
    return np.frombuffer(digests, dtype="<u8").reshape(-1, 2)


def _seeded(word: np.uint64, column: _Coded, lane: int) -> Words | np.uint64:
    """Return a lane after the first column, by code, if the column has a table; else the word before it."""
    return word if column.mixed is None else _fold(np.full(1, word), column.mixed[lane], lane)


def _lane(lane: int, seed: Words | np.uint64, columns: Sequence[_Coded], block: slice) -> Words:
    """Return one 64-bit hash of each row of a block, seeded with the table's name."""
    first, *others = columns
    if isinstance(seed, np.ndarray):
        hashed = seed.take(first.codes[block])
    else:
        hashed = _fold(np.full(1, seed), first.of(lane, block), lane)
    for column in others:
        hashed = _fold(hashed, column.of(lane, block), lane)
    return hashed


def _fold(hashed: Words, mixed: Words, lane: int) -> Words:
    """Fold in one more column: mix(odd * hash + mix(word + odd)); the order of columns matters."""
    return _mix(hashed * LANES[lane] + mixed)


def _mix(words: Words) -> Words:
    """Apply splitmix64's finaliser: a bijection in which each input bit flips half of the output bits."""
    mixed = words >> np.uint64(30)
    mixed ^= words
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    shifted = mixed >> np.uint64(27)
    mixed ^= shifted
    mixed *= np.uint64(0x94D049BB133111EB)
    np.right_shift(mixed, np.uint64(31), out=shifted)
    mixed ^= shifted
    return mixed


def _blank_lines(count: int) -> NDArray[Any]:
    """Return lines of UUIDs without their digits."""
    lines = np.empty(count, dtype=UUID_LINE)
    for dash in ("dash_1", "dash_2", "dash_3", "dash_4"):
        lines[dash] = ord("-")
    lines["end"] = ord("\n")
    return lines


def _formatted(lines: NDArray[Any], high: Words, low: Words) -> bytes:
    """Return ids as lines `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`; `lines` is overwritten."""
    first, second = (word.astype("<u8", copy=False).view("<u2").reshape(-1, 4) for word in (high, low))
    lines["time_low"][:, 0], lines["time_low"][:, 1] = HEX_WORDS[first[:, 3]], HEX_WORDS[first[:, 2]]
    lines["time_mid"], lines["version"] = HEX_WORDS[first[:, 1]], HEX_WORDS[first[:, 0]]
    lines["variant"] = HEX_WORDS[second[:, 3]]
    for place in range(3):
        lines["node"][:, place] = HEX_WORDS[second[:, 2 - place]]
    return lines.tobytes()


def _hex_words() -> NDArray[np.uint32]:
    """Return the four hexadecimal characters of each 16-bit number, as one word in memory order."""
    pairs = np.frombuffer(bytes(range(1 << 8)).hex().encode(), dtype="<u2").astype("<u4")
    words: NDArray[np.uint32] = (pairs[:, None] | pairs << 16).ravel().view(np.uint32)
    return words


HEX_WORDS = _hex_words()
