"""Row ids: the same key gives the same id, no two keys share one, and 250,000 take no time.

`slow_id` is the definition in plain integers, one row at a time.
"""

from __future__ import annotations

import time
from datetime import date
from hashlib import blake2b
from uuid import UUID

import numpy as np
import polars as pl
import pytest

from engine.core.row_ids import ID_WORDS, BadKeyError, row_ids

WORD = 2**64 - 1
MANY = 5_000_000
TIMED = 250_000


def slow_words(value: object) -> tuple[int, int]:
    if isinstance(value, str):
        digest = blake2b(value.encode(), digest_size=16).digest()
        return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
    number = (value - date(1970, 1, 1)).days if isinstance(value, date) else int(str(value))
    return number & WORD, number & WORD


def slow_mix(word: int) -> int:
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & WORD
    word = (word ^ word >> 27) * 0x94D049BB133111EB & WORD
    return word ^ word >> 31


def slow_id(table: str, *key: object) -> str:
    lanes = list(slow_words(table))
    for value in key:
        for lane, word in enumerate(slow_words(value)):
            odd = (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)[lane]
            lanes[lane] = slow_mix(lanes[lane] * odd + slow_mix(word + odd & WORD) & WORD)
    high = lanes[0] & ~0xF000 | 0x8000
    low = lanes[1] & (1 << 62) - 1 | 1 << 63
    return str(UUID(int=high << 64 | low))


PINNED = "787b9e49-fffb-82bf-8279-7c0d31e117e2"
SYMBOLS = pl.Series("symbol", ["SPY", "TLT", "SPY", "é"])
DAYS = pl.Series("date", [date(2025, 1, 2), date(2025, 1, 2), date(1969, 12, 31), date(2025, 1, 2)])
LOTS = pl.Series("lot", [0, -1, 2**62, 7])


def test_ids_are_those_of_the_definition() -> None:
    made = row_ids("table", SYMBOLS, DAYS, LOTS).to_list()
    rows = zip(SYMBOLS, DAYS, LOTS, strict=True)
    assert made == [slow_id("table", *row) for row in rows]


def test_words_are_the_numbers_of_the_texts() -> None:
    made = row_ids("table", SYMBOLS, DAYS, LOTS, form="words")
    texts = row_ids("table", SYMBOLS, DAYS, LOTS)
    assert [word["high"] << 64 | word["low"] for word in made] == [UUID(text).int for text in texts]
    assert (made.dtype, made.name) == (ID_WORDS, "id")


def test_an_id_never_changes() -> None:
    """Stored rows bear these: a change here orphans them."""
    made = row_ids("market_data_cache", SYMBOLS, DAYS)[0]
    assert made == slow_id("market_data_cache", "SPY", date(2025, 1, 2))
    assert made == PINNED


def test_an_id_is_a_version_8_uuid() -> None:
    for text in row_ids("table", SYMBOLS, LOTS):
        assert UUID(text).version == 8
        assert str(UUID(text)) == text


def test_tables_and_order_of_columns_tell_ids_apart() -> None:
    first, second = pl.Series([1, 2, 3]), pl.Series([2, 3, 1])
    same = [row_ids("a", first, second), row_ids("b", first, second), row_ids("a", second, first)]
    assert pl.concat(same).n_unique() == 9


def test_order_of_rows_and_neighbours_do_not_matter() -> None:
    keys = pl.DataFrame({"name": [f"k{i % 700}" for i in range(20_000)], "n": range(20_000)})
    keys = keys.with_columns(id=row_ids("t", keys["name"], keys["n"]))
    mixed = keys.sample(fraction=0.5, shuffle=True, seed=1)
    assert row_ids("t", mixed["name"], mixed["n"]).to_list() == mixed["id"].to_list()


@pytest.mark.parametrize("dtype", [pl.Int8, pl.Int32, pl.UInt64])
def test_the_width_of_an_integer_does_not_matter(dtype: type[pl.DataType]) -> None:
    wide = pl.Series([1, 2, 100])
    assert row_ids("t", wide.cast(dtype)).to_list() == row_ids("t", wide).to_list()


def test_the_form_of_a_text_does_not_matter() -> None:
    as_text, as_category = row_ids("t", SYMBOLS), row_ids("t", SYMBOLS.cast(pl.Categorical))
    assert as_text.to_list() == as_category.to_list()


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ((pl.Series("s", ["a", None]),), "column s: 1 nulls"),
        ((pl.Series("s", ["a"]), pl.Series("n", [1, 2])), "column n: 2 values instead of 1"),
        ((pl.Series("x", [0.5]),), "column x: values of type Float64"),
        ((), "at least one"),
    ],
)
def test_a_column_that_cannot_be_a_key_is_refused(keys: tuple[pl.Series, ...], reason: str) -> None:
    with pytest.raises(BadKeyError, match=reason):
        row_ids("t", *keys)


def test_no_rows_have_no_ids() -> None:
    none = pl.Series("s", [], pl.String)
    assert row_ids("t", none).equals(pl.Series("id", [], pl.String))
    assert row_ids("t", none, form="words").equals(pl.Series("id", [], ID_WORDS))


@pytest.mark.thorough
def test_five_million_keys_collide_in_neither_lane() -> None:
    """Either half of the id alone tells them apart, without the bits that the version takes."""
    number = np.arange(MANY, dtype=np.uint64)
    key = pl.Series(number // np.uint64(500)), pl.Series(number % np.uint64(500))
    made = row_ids("t", *key, form="words")
    for name in ("high", "low"):
        lane = np.sort(made.struct.field(name).to_numpy())
        assert (lane[1:] != lane[:-1]).all()


def test_speed(capsys: pytest.CaptureFixture[str]) -> None:
    number = np.arange(TIMED)
    owner = row_ids("positions", pl.Series(range(2_000))).gather(number % 2_000)
    started = time.perf_counter()
    made = row_ids("t", owner, pl.Series(number // 2_000))
    took = time.perf_counter() - started
    with capsys.disabled():
        print(f"\n{TIMED:,} ids in {took * 1e3:.0f} ms")
    assert made.n_unique() == TIMED
