"""Aligned sessions and chained returns, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.analytics.factors.alignment import (
    aligned_sessions,
    chained_returns,
    common_rows,
    window_slices,
)

FIRST, STOP = np.array([0]), np.array([4])


def rows_of(present: list[list[int]], holds: list[list[int]]) -> list[list[int]]:
    """The aligned sessions of each group in a look-back of four sessions; `present` has a row a symbol."""
    found = aligned_sessions(np.array(present, dtype=bool).T, np.array(holds, dtype=bool), FIRST, STOP)
    return [np.flatnonzero(found.rows[number]).tolist() for number in found.of_group[0]]


def test_complete_symbols_share_all_sessions() -> None:
    assert rows_of([[1, 1, 1, 1], [1, 1, 1, 1]], [[1, 0], [1, 1]]) == [[0, 1, 2, 3]] * 2


def test_a_gap_restricts_the_groups_that_hold_its_symbol() -> None:
    present = [[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 1, 0]]
    groups = [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    assert rows_of(present, groups) == [[0, 1, 2, 3], [0, 2, 3], [0, 2]]


def test_a_symbol_without_any_price_restricts_no_group() -> None:
    assert rows_of([[1, 1, 0, 1], [0, 0, 0, 0]], [[1, 1], [0, 1]]) == [[0, 1, 3], [0, 1, 2, 3]]


def test_a_gap_that_has_left_the_look_back_restricts_no_longer() -> None:
    present, holds = np.ones((10, 1), dtype=bool), np.ones((1, 1), dtype=bool)
    present[3] = False
    found = aligned_sessions(present, holds, np.array([0, 4]), np.array([4, 10]))
    before, after = (found.rows[number] for number in found.of_group[:, 0])
    assert np.flatnonzero(~before).tolist() == [3]
    assert after[4:].all()


def test_returns_are_chained_over_the_sessions_of_the_set() -> None:
    close = np.array([[100.0], [110.0], [121.0], [60.5]])
    found = chained_returns(close, np.array([True, False, True, True]))
    assert found.previous.tolist() == [-1, -1, 0, 2]
    assert found.returns[[2, 3], 0] == pytest.approx([0.21, -0.5])
    assert np.isnan(found.returns[:2]).all()


def test_common_rows_start_at_the_earlier_of_both_rows() -> None:
    close = np.ones((5, 1))
    x = chained_returns(close, np.array([True, True, False, True, True]))  # returns 1 (0), 3 (1), 4 (3)
    y = chained_returns(close, np.array([True, False, True, True, True]))  # returns 2 (0), 3 (2), 4 (3)
    rows, previous = common_rows(x, y)
    assert (rows.tolist(), previous.tolist()) == ([3, 4], [1, 3])
    # The return at 3 starts at 1: a look-back from 2 on has the one at 4 alone, and an empty one none.
    start, end = window_slices(rows, previous, np.array([1, 2, 4]), np.array([5, 5, 4]))
    assert list(zip(start.tolist(), end.tolist(), strict=True)) == [(0, 2), (1, 2), (1, 1)]
