"""Which row of one store is which row of the other."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

ACTUAL = " (actual)"
"""What the actual store's columns are called beside the expected one's."""


@dataclass(frozen=True)
class Match:
    """The rows of two tables, matched on their key.

    pairs: the rows found once on both sides; the actual side's columns end in ` (actual)`.
    missing, extra: rows of the expected, of the actual side alone.
    duplicated: the rows of both sides whose key occurs more than once on either. Nothing says
        which of them belong together, so that their cells are not compared.
    """

    pairs: pl.DataFrame
    missing: pl.DataFrame
    extra: pl.DataFrame
    duplicated: pl.DataFrame


def match(expected: pl.DataFrame, actual: pl.DataFrame, key: tuple[str, ...]) -> Match:
    """Match rows on `key`; a null in a key equals a null."""
    repeated = pl.concat([_repeated(expected, key), _repeated(actual, key)]).unique()
    duplicated = expected.head(0)
    if repeated.height:
        duplicated = pl.concat([_within(side, repeated, key) for side in (expected, actual)])
        expected, actual = _outside(expected, repeated, key), _outside(actual, repeated, key)
    pairs = expected.join(actual, on=key, how="inner", nulls_equal=True, suffix=ACTUAL, maintain_order="left")
    missing = expected if pairs.height < expected.height else expected.head(0)
    extra = actual if pairs.height < actual.height else actual.head(0)
    return Match(pairs, _outside(missing, actual, key), _outside(extra, expected, key), duplicated)


def _repeated(frame: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    keys = frame.select(key)
    return keys.filter(keys.is_duplicated()) if keys.height else keys


def _within(frame: pl.DataFrame, keys: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    return frame.join(keys, on=key, how="semi", nulls_equal=True, maintain_order="left")


def _outside(frame: pl.DataFrame, keys: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    return frame.join(keys, on=key, how="anti", nulls_equal=True, maintain_order="left")
