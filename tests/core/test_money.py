"""Exact money against Python's decimals."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from engine.core.money import GRAINS_A_CENT, decimal, half_away, half_even, running_balance, scaled, usd

GRAINS = st.integers(-(10**22), 10**22)
HALF_CENTS = st.integers(-1000, 1000).map(lambda n: n * GRAINS_A_CENT // 2)


def column(values: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"x": pl.Series(values, dtype=pl.Int128)})


def rounded(values: list[int], how: str) -> list[int]:
    return [int((Decimal(v) / GRAINS_A_CENT).quantize(Decimal(1), how)) for v in values]


@given(st.lists(GRAINS | HALF_CENTS, min_size=1))
def test_half_away_is_decimal_s_half_up(values: list[int]) -> None:
    found = column(values).select(half_away(pl.col("x"), GRAINS_A_CENT))["x"].to_list()
    assert found == rounded(values, ROUND_HALF_UP)


@given(st.lists(GRAINS | HALF_CENTS, min_size=1))
def test_half_even_is_decimal_s_half_even(values: list[int]) -> None:
    found = column(values).select(half_even(pl.col("x"), GRAINS_A_CENT))["x"].to_list()
    assert found == rounded(values, ROUND_HALF_EVEN)


@given(st.integers(-(10**6), 10**6), st.lists(HALF_CENTS | GRAINS, min_size=1, max_size=30))
def test_a_rolled_balance_is_rounded_session_by_session(opening: int, changes: list[int]) -> None:
    frame = pl.DataFrame(
        {
            "group": [0] * len(changes),
            "opening": pl.Series([opening] * len(changes), dtype=pl.Int128),
            "change": pl.Series(changes, dtype=pl.Int128),
        }
    )
    expected, balance = [], Decimal(opening)
    for change in changes:
        exact = balance + Decimal(change) / GRAINS_A_CENT
        balance = exact.quantize(Decimal(1), ROUND_HALF_UP)
        expected.append(int(balance))
    assert running_balance(frame, "opening", "change", "group").to_list() == expected


def test_ties_around_zero_go_away_from_it() -> None:
    half = GRAINS_A_CENT // 2
    changes = [-half, half, half, -half, -half]
    frame = pl.DataFrame(
        {
            "group": [0] * 5,
            "opening": pl.Series([0] * 5, dtype=pl.Int128),
            "change": pl.Series(changes, dtype=pl.Int128),
        }
    )
    # -0.5 -> -1; -1 + 0.5 = -0.5 -> -1; -0.5 -> -1; -1.5 -> -2; -2.5 -> -3
    assert running_balance(frame, "opening", "change", "group").to_list() == [-1, -1, -1, -2, -3]


def test_groups_roll_apart() -> None:
    frame = pl.DataFrame(
        {
            "group": [0, 0, 1, 1],
            "opening": pl.Series([100, 100, 0, 0], dtype=pl.Int128),
            "change": pl.Series([GRAINS_A_CENT, 1, 2 * GRAINS_A_CENT, 0], dtype=pl.Int128),
        }
    )
    assert running_balance(frame, "opening", "change", "group").to_list() == [101, 101, 2, 2]


@given(st.lists(st.integers(-(10**15), 10**15), min_size=1))
def test_a_decimal_is_its_scaled_integer(values: list[int]) -> None:
    frame = column(values).select(d=decimal(pl.col("x"), 16, 4))
    assert frame["d"].to_list() == [Decimal(v).scaleb(-4) for v in values]
    assert frame.select(scaled("d"))["d"].to_list() == values


@given(st.lists(st.integers(-(10**15), 10**15), min_size=1))
def test_usd_is_the_nearest_double(values: list[int]) -> None:
    found = column(values).select(usd(pl.col("x"), 4))["x"].to_numpy()
    assert np.array_equal(found, [v / 10**4 for v in values])
