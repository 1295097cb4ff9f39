"""Calendar windows of panels, against a filter of the days themselves."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.analytics.panels import window_bounds


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    st.lists(st.integers(0, 300), unique=True).map(sorted),
    st.lists(st.integers(-50, 350), min_size=1),
    st.integers(0, 120),
)
def test_window_has_the_rows_between_both_ends(days: list[int], targets: list[int], lookback: int) -> None:
    first, stop = window_bounds(np.array(days, dtype=np.int64), np.array(targets), lookback)
    for start, end, target in zip(first, stop, targets, strict=True):
        rows = pl.Series(days, dtype=pl.Int64)
        inside = rows.filter(rows.is_between(target - lookback, target, closed="both"))
        assert days[start:end] == inside.to_list()
