"""Days that all holdings of a portfolio share, by hand."""

from __future__ import annotations

import numpy as np

from engine.analytics.correlations.common_days import (
    HoldingSets,
    SymbolCloses,
    concat_sets,
    no_sets,
    session_sets,
)

NAN = np.nan
CLOSES = SymbolCloses(
    np.array([[1, 1, NAN], [2, NAN, 2], [3, 3, 3], [4, 4, 4], [5, 5, 5]]), np.array([0, 1]), np.array([4, 5])
)
"""Three symbols on five days, seen by two sessions: the first four days and the last four."""


def sets(session: int = 0) -> HoldingSets:
    """Portfolio 0 has the symbols 0 and 1, portfolio 2 the symbols 0, 1 and 2, portfolio 3 the symbol 0."""
    column, owner = np.array([0, 1, 0, 1, 2, 0]), np.array([0, 0, 2, 2, 2, 3])
    return session_sets(CLOSES, session, column, owner, np.arange(6))


def test_closes_are_counted_in_each_look_back() -> None:
    assert CLOSES.counts().tolist() == [[4, 3, 3], [4, 3, 4]]


def test_a_set_has_the_days_on_which_all_its_symbols_have_a_close() -> None:
    found = sets()
    assert found.owner.tolist() == [0, 2, 3]
    assert found.size.tolist() == [2, 3, 1]
    assert found.n.tolist() == [2, 1, 3]
    assert found.days.tolist() == [0, 2, 3, *(2, 3), *(0, 1, 2, 3)]


def test_sets_that_share_all_days_and_most_symbols_go_together() -> None:
    # In the second session portfolios 0 and 2 share the days 2, 3, 4; {0, 1, 2} are 9 cells, apart 4 + 9.
    column = np.array([0, 1, 0, 1, 2, 0])
    assert [group.tolist() for group in sets(1).overlapping(column)] == [[0, 1]]
    assert list(sets(0).overlapping(column)) == []


def test_taken_sets_keep_their_own_days_and_holdings() -> None:
    taken = sets().take(np.array([2, 0]))
    assert taken.owner.tolist() == [3, 0]
    assert taken.days.tolist() == [0, 1, 2, 3, *(0, 2, 3)]
    assert taken.holding.tolist() == [5, *(0, 1)]


def test_without_holdings_there_are_no_sets() -> None:
    none = session_sets(CLOSES, 0, np.array([0]), np.array([0]), np.zeros(0, dtype=np.int64))
    assert none.size.size == no_sets().size.size == 0
    whole = concat_sets([none, sets(), sets(1)])
    assert whole.session.tolist() == [0, 0, 0, 1, 1, 1]
