"""Correlation matrices of portfolios against numpy and scipy."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from engine.analytics.correlations.common_days import SymbolCloses
from engine.analytics.correlations.matrices import Matrices, matrices, stack
from engine.numerics.arrays import Floats

TOLERANCE = 1e-12


def closes(days: int = 40, symbols: int = 3) -> Floats:
    moves = np.random.default_rng(3).normal(0, 0.02, (days, symbols))
    moves[:, 1] += moves[:, 0]
    return 50 * np.exp(np.cumsum(moves, axis=0))


def of_portfolios(close: Floats, *portfolios: tuple[int, ...]) -> Matrices:
    """Matrices of one session that sees all days; each portfolio holds the named columns."""
    column = np.array([symbol for held in portfolios for symbol in held])
    owner = np.repeat(np.arange(len(portfolios)), [len(held) for held in portfolios])
    whole = SymbolCloses(close, np.array([0]), np.array([len(close)]))
    return matrices(whole, column, owner, np.ones((column.size, 1), dtype=np.bool_))


def test_cells_are_pearson_correlations_of_log_returns() -> None:
    close = closes()
    found = of_portfolios(close, (0, 1, 2))
    assert (found.size.tolist(), found.n.tolist()) == ([3], [39])
    returns = np.diff(np.log(close), axis=0)
    assert found.rho.reshape(3, 3) == pytest.approx(np.corrcoef(returns.T), abs=TOLERANCE)
    pearson = stats.pearsonr(returns[:, 0], returns[:, 1])
    at = np.flatnonzero((found.first == 0) & (found.second == 1)).item()
    assert found.rho[at] == pytest.approx(pearson.statistic, abs=TOLERANCE)
    assert found.significance[at] == pytest.approx(1 - pearson.pvalue, abs=TOLERANCE)


def test_a_gap_of_one_holding_removes_its_day_from_its_portfolio_alone() -> None:
    close = closes()
    close[10, 2] = np.nan
    found = of_portfolios(close, (0, 1), (0, 1, 2))
    by_owner = dict(zip(found.owner.tolist(), found.n.tolist(), strict=True))
    assert by_owner == {0: 39, 1: 38}
    second = np.flatnonzero(found.owner == 1).item()
    kept = np.delete(close, 10, axis=0)
    expected = np.corrcoef(np.diff(np.log(kept), axis=0).T)
    assert found.rho[found.matrix == second].reshape(3, 3) == pytest.approx(expected, abs=TOLERANCE)


def test_portfolios_that_share_symbols_have_the_same_cells() -> None:
    found = of_portfolios(closes(), (0, 1, 2), (0, 1), (0, 1, 2))
    expected = np.corrcoef(np.diff(np.log(closes()), axis=0).T)
    assert sorted(found.owner.tolist()) == [0, 1, 2]
    for number, owner in enumerate(found.owner.tolist()):
        size = 2 if owner == 1 else 3
        cells = found.rho[found.matrix == number].reshape(size, size)
        assert cells == pytest.approx(expected[:size, :size], abs=TOLERANCE)


@pytest.mark.parametrize(("days", "size"), [(21, 2), (20, 0)])
def test_under_20_returns_the_matrix_is_empty_and_states_them(days: int, size: int) -> None:
    found = of_portfolios(closes(days), (0, 1))
    assert (found.size.tolist(), found.n.tolist(), found.rho.size) == ([size], [days - 1], size * size)


def test_from_20_to_29_returns_the_cells_have_a_significance_and_no_correlation() -> None:
    pearson = stats.pearsonr(*np.diff(np.log(closes(25)[:, :2]), axis=0).T)
    found = of_portfolios(closes(25), (0, 1))
    assert np.isnan(found.rho).all()
    assert found.significance[1] == pytest.approx(1 - pearson.pvalue, abs=TOLERANCE)


def test_a_holding_with_a_single_close_does_not_count() -> None:
    close = closes()
    close[1:, 2] = np.nan
    assert of_portfolios(close, (0, 1, 2)).size.tolist() == [2]
    assert stack([]).size.size == 0


def on_common_days(close: Floats, *portfolios: tuple[int, ...]) -> Matrices:
    """The same with days of their own for each pair."""
    column = np.array([symbol for held in portfolios for symbol in held])
    owner = np.repeat(np.arange(len(portfolios)), [len(held) for held in portfolios])
    whole = SymbolCloses(close, np.array([0]), np.array([len(close)]))
    return matrices(whole, column, owner, np.ones((column.size, 1), dtype=np.bool_), "common")


def test_pairs_have_their_own_days_where_holdings_differ() -> None:
    close = closes(60, 4)
    close[:25, 2], close[40, 3] = np.nan, np.nan  # a young listing and a gap
    found = on_common_days(close, (0, 1, 2, 3), (0, 1))
    level = pd.DataFrame(np.log(close))
    for first, second, rho, n in zip(found.first, found.second, found.rho, found.points, strict=True):
        a, b = (int(number) % 4 for number in (first, second))
        pair = level[[a, b]].dropna().diff().dropna().to_numpy() if a != b else level[[a]].dropna().diff()[1:]
        assert n == len(pair)
        expected = np.corrcoef(pair[:, 0], pair[:, 1])[0, 1] if a != b else 1.0
        assert rho == pytest.approx(expected, abs=TOLERANCE)
    assert found.n.max() == 59


def test_a_pair_with_under_30_returns_has_no_correlation_and_the_others_keep_theirs() -> None:
    close = closes(60, 3)
    close[:32, 2] = np.nan
    found = on_common_days(close, (0, 1, 2))
    rho = found.rho.reshape(3, 3)
    assert np.isnan(rho[2]).all()
    whole = np.corrcoef(np.diff(np.log(close[:, :2]), axis=0).T)
    assert rho[0, 1] == pytest.approx(whole[0, 1], abs=TOLERANCE)


def test_no_matrix_of_pairs_has_a_negative_eigenvalue() -> None:
    rng = np.random.default_rng(8)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (64, 1)) + rng.normal(0, 0.001, (64, 8)), axis=0))
    close[:31, :4], close[33:, 4:] = np.nan, np.nan
    close[20:44, 3:5] = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (24, 2)), axis=0))
    for day in range(64):
        close[day, rng.integers(0, 8)] = np.nan
    found = on_common_days(close, tuple(range(8)))
    rho = np.nan_to_num(found.rho.reshape(8, 8))
    known = np.diagonal(rho) > 0
    assert np.linalg.eigvalsh(np.round(rho, 6)[np.ix_(known, known)])[0] >= 0


def test_holdings_that_share_all_days_have_the_matrices_of_any_rule() -> None:
    one, other = of_portfolios(closes(), (0, 1, 2)), on_common_days(closes(), (0, 1, 2))
    assert np.array_equal(one.rho, other.rho)
    assert np.array_equal(one.points, other.points)


def test_a_few_sessions_at_a_time_have_the_matrices_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    close = closes(70, 5)
    close[:20, 3], close[44, 1] = np.nan, np.nan
    column, owner = np.array([0, 1, 3, 2, 3, 4]), np.array([0, 0, 0, 1, 1, 1])
    sessions = SymbolCloses(close, np.arange(8), np.arange(8) + 62)
    held = np.ones((column.size, 8), dtype=np.bool_)
    whole = matrices(sessions, column, owner, held, "common")
    monkeypatch.setattr("engine.analytics.correlations.matrices.BATCH_CELLS", 1)
    parts = matrices(sessions, column, owner, held, "common")
    assert whole.size.size == 16
    for field in fields(Matrices):
        np.testing.assert_array_equal(getattr(whole, field.name), getattr(parts, field.name))
