"""Durations of bond funds, by hand."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from engine.analytics.stress.durations import newest_durations, yield_sensitivities

ROWS = pl.DataFrame(
    {
        "symbol": ["BND", "TLT", "TLT"],
        "asof_date": [date(2025, 1, 31), date(2024, 12, 31), date(2025, 2, 28)],
        "duration": [6.0, 16.0, 17.0],
    }
)
DAYS = pl.Series("date", [date(2024, 12, 30), date(2024, 12, 31), date(2025, 2, 27), date(2025, 2, 28)])


def test_the_newest_duration_up_to_the_day_counts_and_none_of_later() -> None:
    found = newest_durations(ROWS, pl.Series(["TLT", "AAA", "BND", "TLT"]), DAYS)
    np.testing.assert_array_equal(found[0], [np.nan, 16.0, 16.0, 17.0])
    np.testing.assert_array_equal(found[1], [np.nan] * 4)
    np.testing.assert_array_equal(found[2], [np.nan, np.nan, 6.0, 6.0])
    np.testing.assert_array_equal(found[3], found[0])


def test_a_fund_s_own_duration_comes_before_its_beta_to_tlt() -> None:
    beta = np.array([[0.28], [0.5], [-0.1], [np.nan]])
    symbols, public = pl.Series(["BND", "BND", "AAA", "BBB"]), pl.Series([True, False, True, True])
    found = yield_sensitivities(beta, ROWS, symbols, public, DAYS[2:3])
    # The second is no lot of the fund, only of its name: 0.5 x 16 years.
    assert found[:3, 0].tolist() == pytest.approx([-6.0, -8.0, 1.6])
    assert np.isnan(found[3, 0])


def test_without_any_duration_nothing_is_known() -> None:
    found = yield_sensitivities(np.ones((1, 4)), ROWS.clear(), pl.Series(["TLT"]), pl.Series([True]), DAYS)
    assert np.isnan(found).all()
