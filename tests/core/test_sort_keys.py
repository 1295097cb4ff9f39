"""Rows sorted by packed keys are in the order that Polars sorts them in."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.core.row_ids import id_words
from engine.core.sort_keys import plain_texts, sorted_by_key

KEYS: dict[str, list[Any]] = {
    "text": ["b", "a", "B", "ä", ""],
    "day": [date(2025, 3, day) for day in (5, 3, 31, 4, 1)],
    "number": [0, -(2**31), 2**31 - 1, 7, -7],
    "flag": [True, False],
    "time": [datetime(1900, 1, 1), datetime(2100, 12, 31, 23, 59, 59, 999_999), datetime(2025, 3, 3)],
}


def draw(height: int, seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    columns = {
        name: [values[i] for i in random.integers(0, len(values), height)] for name, values in KEYS.items()
    }
    return pl.DataFrame({**columns, "row": range(height)}, schema_overrides={"row": pl.Int64})


@pytest.mark.parametrize(
    "key", [("text",), ("day", "text"), ("time", "number", "text"), tuple(KEYS)], ids=str
)
@pytest.mark.parametrize("height", [0, 1, 400])
def test_the_order_is_that_of_polars(key: tuple[str, ...], height: int) -> None:
    rows = draw(height, len(key))
    expected = rows.sort(key, maintain_order=True)
    sorted_rows = sorted_by_key(rows, key)
    assert sorted_rows.with_columns(plain_texts(sorted_rows[name]) for name in KEYS).equals(expected)


def test_sorted_rows_stay_as_they_are() -> None:
    rows = draw(400, 1).sort("day", "text", maintain_order=True)
    assert sorted_by_key(rows, ("day", "text"))["row"].equals(rows["row"])


def test_ids_of_other_rows_become_two_words() -> None:
    texts = ["00000000-0000-0001-0000-000000000002", "ffffffff-ffff-ffff-0000-000000000000"]
    ids = pl.Series("id", [texts[1], texts[0], texts[1]], dtype=pl.Enum(texts))
    words = id_words(ids)
    assert words is not None
    assert words.to_list() == [
        {"high": 2**64 - 1, "low": 0},
        {"high": 1, "low": 2},
        {"high": 2**64 - 1, "low": 0},
    ]


@pytest.mark.parametrize("other", ["no uuid", None])
def test_what_is_no_uuid_stays_a_text(other: str | None) -> None:
    text = "00000000-0000-0001-0000-000000000002"
    ids = pl.Series("id", [text, other], dtype=pl.Enum([text, "no uuid"]))
    assert id_words(ids) is None
