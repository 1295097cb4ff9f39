"""Row ids in bulk: the same natural key gives the same id, run after run, on every machine.

An id is a version-8 UUID, 122 bits of a hash of (table, key columns in order). Each
key value becomes two 64-bit words; the words of a row are folded, column by column, into two
independent lanes with the finaliser of splitmix64 (Steele, Lea & Flood 2014). Nothing here loops
over rows: Python sees each distinct text once.
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
"""An id as two numbers instead of 36 characters, for stores that take it so."""

LANES = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03))
"""Odd multipliers that tell the two lanes apart: 2^64 over the golden ratio, and a second one."""

VERSION_MASK, VERSION = np.uint64(0xFFFFFFFFFFFF0FFF), np.uint64(0x8000)
VARIANT_MASK, VARIANT = np.uint64(0x3FFFFFFFFFFFFFFF), np.uint64(0x8000000000000000)

BLOCK = 1 << 14
"""Rows numbered, or written, at once: their words stay in the processor's cache, which halves the time."""

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
"""One line of text: a UUID's 36 characters in words of four, its dashes, and a line feed."""


class BadKeyError(EngineError, ValueError):
    """A key column that cannot number rows."""

    def __init__(self, table: str, column: str, reason: str) -> None:
        self.table, self.column, self.reason = table, column, reason
        super().__init__(f"table {table}, key column {column}: {reason}")


def row_ids(table: str, *keys: pl.Series) -> pl.Series:
    """The id of each row of `table`, from its natural key's columns in order.

    keys: texts, integers, booleans, dates or timestamps, all of one length, without nulls.
    Returns strings of 36 characters named `id`; the order of rows does not matter to an id.
    """
    return spelled(row_words(table, *keys))


def row_words(table: str, *keys: pl.Series) -> pl.Series:
    """The same ids as `WORDS`."""
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


def numbered(table: str, keys: Sequence[pl.Series], in_words: bool) -> pl.Series:
    """The ids of rows, as words or as texts."""
    return row_words(table, *keys) if in_words else row_ids(table, *keys)


def packed(values: pl.Series) -> pl.Series:
    """Coded uuids as `WORDS`, without nulls; as they are where one is no uuid, for the store to refuse."""
    assert isinstance(values.dtype, pl.Enum)
    digits = pl.lit(values.dtype.categories).str.replace_all("-", "", literal=True)
    raw = pl.select(digits.str.decode("hex", strict=False)).to_series().to_list()
    if values.null_count() or any(word is None or len(word) != UUID_BYTES for word in raw):
        return plain(values)
    words = np.frombuffer(b"".join(raw), dtype=">u8").reshape(-1, 2).astype(np.uint64)
    codes = values.to_physical().to_numpy()
    high, low = (words[:, lane].take(codes) for lane in (0, 1))
    return pl.DataFrame({"high": high, "low": low}).to_struct(values.name)


def spelled(words: pl.Series) -> pl.Series:
    """`WORDS` as texts."""
    if words.is_empty():
        return pl.Series(words.name, [], pl.String)
    high, low = (words.struct.field(name).to_numpy() for name in ("high", "low"))
    lines = _blank_lines(min(len(high), BLOCK))
    texts: list[IO[bytes]] = [
        BytesIO(_written(lines[: block.stop - block.start], high[block], low[block]))
        for block in _blocks(len(high))
    ]
    # The reader of lines is the fastest public way from bytes to strings.
    return pl.read_lines(texts, name=words.name)[words.name].rechunk()


def _blocks(count: int) -> list[slice]:
    return [slice(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK)]


def check_key(table: str, key: pl.Series, height: int) -> None:
    """Raise a typed error unless the column can number as many rows."""
    if len(key) != height:
        raise BadKeyError(table, key.name, f"{len(key)} values beside {height}")
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
    """A key column as numbers: row r's words, already mixed, are mixed[lane][codes[r]].

    Without `mixed`, codes[r] is itself the word of row r in both lanes.
    """

    codes: NDArray[Any]
    mixed: tuple[Words, Words] | None

    def of(self, lane: int, block: slice) -> Words:
        """The mixed words of a block of rows."""
        codes = self.codes[block]
        return _mix(codes + LANES[lane]) if self.mixed is None else self.mixed[lane].take(codes)


def _coded(key: pl.Series) -> _Coded:
    """Each distinct text is hashed once; a number, a date's days, a time's microseconds is itself."""
    if _is_text(key):
        codes, texts = _distinct(key)
        return _Coded(codes, _tables(*_digests(texts).T))
    physical = key.to_physical()
    number = physical if physical.dtype == pl.UInt64 else physical.cast(pl.Int64)
    words = number.to_numpy().view(np.uint64)
    span = int(number.max()) - int(number.min()) + 1  # type: ignore[arg-type]
    if span > len(key):
        return _Coded(words, None)
    least = words[number.arg_min()]
    known = np.arange(span, dtype=np.uint64) + least
    return _Coded((words - least).view(np.int64), _tables(known, known))


def _distinct(key: pl.Series) -> tuple[NDArray[Any], pl.Series]:
    """The rows' texts as numbers, and the texts that the numbers stand for."""
    if not isinstance(key.dtype, pl.Enum):
        key = key.cast(pl.String)
        key = key.cast(pl.Enum(key.unique()))
    assert isinstance(key.dtype, pl.Enum)
    return key.to_physical().to_numpy(), key.dtype.categories


def _tables(first: Words, second: Words) -> tuple[Words, Words]:
    return _mix(first + LANES[0]), _mix(second + LANES[1])


def _digests(texts: Iterable[str]) -> Words:
    """128 bits of BLAKE2b for each text, as rows of two words."""
    digests = b"".join(blake2b(text.encode(), digest_size=16).digest() for text in texts)
    return np.frombuffer(digests, dtype="<u8").reshape(-1, 2)


def _seeded(word: np.uint64, column: _Coded, lane: int) -> Words | np.uint64:
    """A lane after its first column, by code where the column has a table, else before it."""
    return word if column.mixed is None else _fold(np.full(1, word), column.mixed[lane], lane)


def _lane(lane: int, seed: Words | np.uint64, columns: Sequence[_Coded], block: slice) -> Words:
    """One hash of each row of a block, of 64 bits, seeded with the table's name."""
    first, *others = columns
    if isinstance(seed, np.ndarray):
        hashed = seed.take(first.codes[block])
    else:
        hashed = _fold(np.full(1, seed), first.of(lane, block), lane)
    for column in others:
        hashed = _fold(hashed, column.of(lane, block), lane)
    return hashed


def _fold(hashed: Words, mixed: Words, lane: int) -> Words:
    """One more column: mix(odd * hash + mix(word + odd)), so that the columns' order counts."""
    return _mix(hashed * LANES[lane] + mixed)


def _mix(words: Words) -> Words:
    """splitmix64's finaliser, a bijection of 64 bits in which each bit moves half of them."""
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
    """Lines in which only the digits are missing."""
    lines = np.empty(count, dtype=UUID_LINE)
    for dash in ("dash_1", "dash_2", "dash_3", "dash_4"):
        lines[dash] = ord("-")
    lines["end"] = ord("\n")
    return lines


def _written(lines: NDArray[Any], high: Words, low: Words) -> bytes:
    """The 128 bits as `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`, a line each; `lines` is written over."""
    first, second = (word.astype("<u8", copy=False).view("<u2").reshape(-1, 4) for word in (high, low))
    lines["time_low"][:, 0], lines["time_low"][:, 1] = HEX_WORDS[first[:, 3]], HEX_WORDS[first[:, 2]]
    lines["time_mid"], lines["version"] = HEX_WORDS[first[:, 1]], HEX_WORDS[first[:, 0]]
    lines["variant"] = HEX_WORDS[second[:, 3]]
    for place in range(3):
        lines["node"][:, place] = HEX_WORDS[second[:, 2 - place]]
    return lines.tobytes()


def _hex_words() -> NDArray[np.uint32]:
    """The four hexadecimal characters of each 16-bit number, as one word in memory order."""
    pairs = np.frombuffer(bytes(range(1 << 8)).hex().encode(), dtype="<u2").astype("<u4")
    words: NDArray[np.uint32] = (pairs[:, None] | pairs << 16).ravel().view(np.uint32)
    return words


HEX_WORDS = _hex_words()
