"""Stored rows: in their key's order, whatever order they come in."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from engine.core.frames import UTC_MICROSECONDS
from engine.core.row_ids import BadKeyError
from engine.core.schema import TABLES
from engine.core.stored_form import store_rows

STAMP = datetime(2026, 11, 26, tzinfo=UTC)
TABLE = TABLES["correlation_calculations"]
LONGEST = 2**31 - 1
MICROSECONDS = 2**55
"""1,141 years: with every whole number of 32 bits beside it more than one word of 64 bits holds."""


def heads(rows: int, seed: int, days: int, microseconds: int) -> pl.DataFrame:
    chance = np.random.default_rng(seed)
    names = [f"é{n}" if n % 7 else f"E{n}" for n in chance.integers(0, 90, rows)]
    return pl.DataFrame(
        {
            "portfolio_id": pl.Series(names, dtype=pl.String),
            "duration_days": pl.Series(chance.integers(-days - 1, days, rows), dtype=pl.Int32),
            "calculation_date": pl.Series(
                chance.integers(-microseconds, microseconds, rows), dtype=pl.Int64
            ).cast(UTC_MICROSECONDS),
        }
    ).unique(maintain_order=True)


@pytest.mark.parametrize("rows", [0, 1, 2, 5_000])
@pytest.mark.parametrize(("days", "microseconds"), [(3, 40), (LONGEST, 40), (LONGEST, MICROSECONDS)])
def test_rows_are_stored_in_the_order_of_their_key(rows: int, days: int, microseconds: int) -> None:
    found = heads(rows, rows + days, days, microseconds)
    expected = found.sort(TABLE.key)
    assert store_rows(TABLE, found, STAMP).select(found.columns).equals(expected)
    assert store_rows(TABLE, expected, STAMP).select(found.columns).equals(expected)


def test_a_key_that_is_not_there_is_refused() -> None:
    rows = heads(3, 1, 3, 40).with_columns(portfolio_id=pl.Series(["a", None, "b"]))
    with pytest.raises(BadKeyError, match="correlation_calculations, key column portfolio_id: 1 nulls"):
        store_rows(TABLE, rows, STAMP)
