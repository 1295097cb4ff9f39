"""Results of jobs: reasons in order of precedence, status rows, dollars of exposures."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.analytics.job_result import (
    dollars,
    exposure_rows,
    first_reasons,
    job_status,
    portfolio_rows,
    status_rows,
)
from engine.analytics.panels import PortfolioSums
from engine.core.job_catalog import (
    EQUITY_NOT_POSITIVE,
    MARKET_BETA,
    MARKET_NO_ACTIVE_POSITIONS,
    MARKET_NO_BETAS,
    NO_DEFINITION,
)
from tests.analytics.small import lot, open_lots, portfolios, window_dates
from tests.builders import uid

money = st.floats(-1e12, 1e12).map(lambda value: round(value, 2))
ratio = st.floats(-50, 50) | st.integers(-50_000, 50_000).map(lambda value: value / 1000)
VALUES = [-30.0, 10.0, 5.0, 7.0]
CASES = {
    EQUITY_NOT_POSITIVE: np.array([[False, True]]),
    MARKET_NO_ACTIVE_POSITIONS: np.array([[False], [True]]),
    MARKET_NO_BETAS: False,
}


def test_the_first_reason_that_holds_is_stored() -> None:
    assert first_reasons(MARKET_BETA, CASES, (2, 2)).tolist() == [[0, 1], [2, 1]]


def test_the_cases_must_be_those_of_the_job() -> None:
    with pytest.raises(ValueError, match="job market_beta"):
        first_reasons(MARKET_BETA, {EQUITY_NOT_POSITIVE: True}, (1,))


def test_status_rows_have_a_row_for_each_portfolio_and_session() -> None:
    grid, zero, full = np.array([[0, 3], [1, 0]]), np.zeros((2, 2), dtype=np.int64), np.ones((2, 2))
    rows = status_rows(MARKET_BETA, portfolios([[1, 1], [1, 1]]), window_dates(2), grid, grid, zero, full)
    assert rows["portfolio_id"].to_list() == [uid("P0")] * 2 + [uid("P1")] * 2
    assert rows["calculation_date"].to_list() == window_dates(2).to_list() * 2
    assert rows["status"].to_list() == ["ok", "failed", "failed", "ok"]
    assert rows["reason"].to_list() == [None, "no_betas", "equity_not_positive", None]
    assert rows["positions_used"].to_list() == [0, 3, 1, 0]
    assert rows["coverage"].to_list() == [1.0, 0.0, 0.0, 1.0]


def test_too_low_a_coverage_makes_a_figure_partial_after_other_doubts() -> None:
    zero = np.zeros((1, 5), dtype=np.int64)
    coverage = np.array([[0.8, 0.79, np.nan, 0.5, 1.0]])
    doubts = {NO_DEFINITION: np.array([[False, False, False, True, False]])}
    some = portfolios([[1] * 5])
    rows = status_rows(MARKET_BETA, some, window_dates(5), zero, zero, zero, coverage, doubts)
    assert rows["status"].to_list() == ["ok", "partial", "ok", "partial", "ok"]
    assert rows["reason"].to_list() == [None, "low_coverage", None, "no_definition", None]
    assert rows["coverage"].to_list() == [0.8, 0.79, None, 0.5, 1.0]


def test_a_job_without_figures_has_used_no_position() -> None:
    owner, equity = np.array([0, 0, 1, 2]), [[10.0], [0.0], [10.0], [10.0]]
    counted = np.array([[True, False, True, False]])
    lots = open_lots(
        *(lot(f"A{n}", [value], o) for n, (o, value) in enumerate(zip(owner, VALUES, strict=True)))
    )
    found = job_status(
        MARKET_BETA,
        PortfolioSums(owner, 4),
        portfolios(equity),
        lots,
        counted,
        no_positions=MARKET_NO_ACTIVE_POSITIONS,
        no_betas=MARKET_NO_BETAS,
    )
    assert found.reasons.tolist() == [[0, 1, 3, 2]]
    assert found.used.tolist() == [[1, 0, 0, 0]]
    assert found.left_out.tolist() == [[1, 1, 1, 0]]
    assert found.done.tolist() == [[True, False, False, False]]
    # P0: a short lot of 30 USD counts, one of 10 does not. The others hold one lot each.
    assert found.coverage[0, :3].tolist() == [0.75, 1.0, 0.0]
    assert np.isnan(found.coverage[0, 3])


def test_coverage_counts_lots_without_a_class_and_no_private_asset() -> None:
    looked_at = open_lots(lot("A", [30.0]), lot("B", [100.0], investment_class="PRIVATE"))
    found = job_status(
        MARKET_BETA,
        PortfolioSums(looked_at.owner, 1),
        portfolios([[10.0]]),
        looked_at,
        np.array([[True, False]]),
        no_positions=MARKET_NO_ACTIVE_POSITIONS,
        no_betas=MARKET_NO_BETAS,
        classless=open_lots(lot("C", [-60.0], investment_class=None), lot("D", [10.0], investment_class="x")),
    )
    assert (found.used.item(), found.left_out.item(), found.coverage.item()) == (1, 3, 0.3)


def test_exposures_are_written_of_chosen_cells_and_factors_with_an_id() -> None:
    betas = np.array([[[2.0, 3.0], [4.0, 5.0]]])
    written = np.array([[[True, False], [True, True]]])
    some = portfolios([[10.0], [0.335]])
    rows = exposure_rows(some, window_dates(1), ["f", None], betas, written)
    assert rows.select("portfolio_id", "exposure_value", "exposure_dollar").rows() == [(uid("P0"), 2.0, 20.0)]
    assert exposure_rows(some, window_dates(1), ["f", "g"], betas, written).height == 3
    chosen = portfolio_rows(some, window_dates(1), np.array([[False, True]]), "day")
    assert chosen.rows() == [(uid("P1"), window_dates(1).item())]


@given(ratio, money)
@example(2.675, 1.0)
@example(1.005, 1.0)
@example(-0.5, 0.01)
@example(5.0, 0.001)
@example(0.1, 0.15)
@example(1.1, 1e13)
def test_a_product_is_rounded_as_its_decimal_texts_are(a: float, b: float) -> None:
    exact = Decimal(repr(a)) * Decimal(repr(b))
    expected = exact.quantize(Decimal("0.01"), context=Context(prec=60, rounding=ROUND_HALF_UP))
    assert dollars(np.array([a]), np.array([b]))[0] == float(expected)


def test_a_product_keeps_what_is_not_finite_and_has_no_negative_zero() -> None:
    found = dollars(np.array([np.nan, np.inf, -0.001, 1e200]), np.array([1.0, 2.0, 1.0, 1e200]))
    assert np.isnan(found[0])
    assert found[1] == found[3] == np.inf
    assert found[2] == 0.0
    assert not np.signbit(found[2])
