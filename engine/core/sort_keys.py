"""Rows sorted by their natural key, its columns packed into whole numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from engine.numerics.arrays import Ints

WORD = 1 << 62
"""One more than the largest packed number: the sign bit stays free, and a product cannot overflow."""


def sorted_by_key(rows: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Return rows sorted by key columns without nulls; key texts become enumerations of their values.

    Polars compares texts row by row. One sort of whole numbers takes a quarter of that, and row ids are made
    of each distinct text once: tests/benchmarks/optimisations.py has the figures.

    Args:
        rows: N rows.
        key: Names of text, integer, Boolean, date or time columns. An enumeration sorts by its categories.

    Returns:
        [N] the rows in the order of the key.
    """
    rows = rows.with_columns(enumerated(rows[name]) for name in key if rows.schema[name] == pl.String)
    if rows.is_empty():
        return rows
    words = _packed([rows[name] for name in key])
    if len(words) == 1 and (words[0][1:] >= words[0][:-1]).all():
        return rows
    return rows[np.lexsort(words[::-1])]


def enumerated(texts: pl.Series) -> pl.Series:
    """Return texts as an enumeration of their values, sorted."""
    return texts.cast(pl.Enum(texts.unique().sort()))


def plain_texts(values: pl.Series) -> pl.Series:
    """Return an enumeration as texts, in a fifth of the time of a cast; other values as they are.

    Args:
        values: Of any type.
    """
    if not isinstance(values.dtype, pl.Enum):
        return values
    return values.dtype.categories.gather(values.to_physical()).alias(values.name)


def _packed(keys: Sequence[pl.Series]) -> list[Ints]:
    """Return whole numbers that sort as the keys do: [N] each, as many keys in one as 62 bits hold."""
    words: list[Ints] = []
    room = 1
    for key in keys:
        number = key.to_physical().cast(pl.Int64).to_numpy()
        number = number - number.min()
        span = int(number.max()) + 1
        if words and room * span < WORD:
            words[-1] = words[-1] * span + number
            room *= span
        else:
            words.append(number)
            room = span
    return words
