"""Match the rows of two stores on their natural key."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

ACTUAL = " (actual)"
"""Suffix of the actual store's columns in a frame of matched rows."""


@dataclass(frozen=True)
class Match:
    """The rows of two tables, matched on their key.

    Attributes:
        pairs: rows with one partner on the other side; columns of the actual side end in ` (actual)`.
        missing: rows that only the expected side has.
        extra: rows that only the actual side has.
        duplicated: rows of both sides whose key occurs more than once on either side. They are
            not compared, because nothing tells which of them belong together.
    """

    pairs: pl.DataFrame
    missing: pl.DataFrame
    extra: pl.DataFrame
    duplicated: pl.DataFrame


def match(expected: pl.DataFrame, actual: pl.DataFrame, key: tuple[str, ...]) -> Match:
    """Match rows on the columns `key`; a null in a key equals a null.

    Args:
        expected: rows of the authority, in canonical values.
        actual: rows of the checked store, in the same columns.
        key: columns of the natural key; rows whose key occurs twice on either side are not matched.

    Returns:
        Pairs, rows of one side alone, and rows with a repeated key.
    """
    repeated = pl.concat([_repeated(expected, key), _repeated(actual, key)]).unique()
    duplicated = expected.head(0)
    if repeated.height:
        duplicated = pl.concat([_with_key_in(side, repeated, key) for side in (expected, actual)])
        expected, actual = (_without_key_in(side, repeated, key) for side in (expected, actual))
    pairs = expected.join(actual, on=key, how="inner", nulls_equal=True, suffix=ACTUAL, maintain_order="left")
    # Keys are unique by now, so a side with as many rows as pairs has nothing unmatched: skip its join.
    missing = expected if pairs.height < expected.height else expected.head(0)
    extra = actual if pairs.height < actual.height else actual.head(0)
    return Match(
        pairs, _without_key_in(missing, actual, key), _without_key_in(extra, expected, key), duplicated
    )


def _repeated(frame: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    keys = frame.select(key)
    return keys.filter(keys.is_duplicated()) if keys.height else keys


def _with_key_in(frame: pl.DataFrame, keys: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    return frame.join(keys, on=key, how="semi", nulls_equal=True, maintain_order="left")


def _without_key_in(frame: pl.DataFrame, keys: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    return frame.join(keys, on=key, how="anti", nulls_equal=True, maintain_order="left")
