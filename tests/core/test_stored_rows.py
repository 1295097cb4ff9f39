"""Stored rows: sorted by key, rounded, typed, numbered and stamped."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from engine.core.frames import polars_schema
from engine.core.row_ids import ID_WORDS, BadKeyError, row_ids
from engine.core.schema import TABLES
from engine.core.stored_rows import stored_columns, stored_rows

STAMP = datetime(2026, 11, 26, tzinfo=UTC)
SNAPSHOTS = TABLES["portfolio_snapshots"]
KEYS = pl.DataFrame(
    {
        "portfolio_id": ["b", "é", "a", "b"],
        "snapshot_date": [date(2025, 3, 4), date(2025, 3, 3), date(2025, 3, 5), date(2025, 3, 3)],
    }
)
BY_KEY = [
    ("a", date(2025, 3, 5)),
    ("b", date(2025, 3, 3)),
    ("b", date(2025, 3, 4)),
    ("é", date(2025, 3, 3)),
]


def test_rows_are_whole_and_sorted_by_key() -> None:
    made = stored_rows(SNAPSHOTS, KEYS.with_columns(other=1), STAMP)
    assert made.schema == polars_schema(SNAPSHOTS)
    assert made.select(SNAPSHOTS.key).rows() == BY_KEY
    assert made["id"].equals(row_ids(SNAPSHOTS.name, made["portfolio_id"], made["snapshot_date"]))
    assert made["created_at"].unique().to_list() == [STAMP]
    assert made["daily_pnl"].null_count() == 4


def test_no_rows_have_the_types_of_the_table() -> None:
    assert stored_rows(SNAPSHOTS, KEYS.clear(), STAMP).schema == polars_schema(SNAPSHOTS)


def test_what_is_given_is_kept() -> None:
    earlier = datetime(2025, 1, 1, tzinfo=UTC)
    given = KEYS.with_columns(id=pl.Series(["x", "y", "z", "w"]), created_at=pl.lit(earlier))
    made = stored_rows(SNAPSHOTS, given, STAMP, "words")
    assert made["id"].to_list() == ["z", "w", "x", "y"]
    assert made["created_at"].unique().to_list() == [earlier]


def test_ids_are_made_in_the_form_that_is_asked_for() -> None:
    assert stored_rows(SNAPSHOTS, KEYS, STAMP, "words").schema["id"] == ID_WORDS


def test_figures_are_rounded_half_away_from_zero() -> None:
    figures = pl.DataFrame(
        {
            "daily_return": [0.0000005, -1.0000015, math.nan, None],  # numeric(8,6), no NaN
            "beta_calculated_90d_r_squared": [0.00005, 1.0, math.nan, None],  # numeric(10,4), NaN
            "total_value": pl.Series([12345, -1, 0, None], dtype=pl.Int128),  # cents
            "num_positions": pl.Series([1, 2, 3, None], dtype=pl.Int64),
        }
    )
    made = stored_columns(SNAPSHOTS, figures, figures.columns)
    assert made.schema == polars_schema(SNAPSHOTS, figures.columns)
    assert made["daily_return"].to_list() == [Decimal("0.000001"), Decimal("-1.000002"), None, None]
    assert made["beta_calculated_90d_r_squared"].to_list()[:2] == [0.0001, 1.0]
    assert made["beta_calculated_90d_r_squared"].is_nan().to_list() == [False, False, True, None]
    assert made["total_value"].to_list() == [Decimal("123.45"), Decimal("-0.01"), Decimal("0.00"), None]


def test_a_key_with_nulls_is_refused() -> None:
    rows = KEYS.with_columns(portfolio_id=pl.Series(["a", None, "b", "c"]))
    with pytest.raises(BadKeyError, match="portfolio_snapshots, key column portfolio_id: 1 nulls"):
        stored_rows(SNAPSHOTS, rows, STAMP)
