"""Rows of the correlation tables: cells by numpy, summaries by hand."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from engine.analytics.correlations.correlation_rows import correlations
from engine.analytics.positions.valuation import mark_to_market
from engine.core.rules import EffectivePositions, StaleFigures, UndefinedFigures
from engine.numerics.arrays import Floats
from tests.analytics.small import LAST, crossed, portfolios, price_panel, window_dates
from tests.builders import position

MOVES = np.random.default_rng(3).normal(0, 0.02, (3, 40))
MOVES[1] -= MOVES[0]
CLOSES = {name: [50.0, *(50 * np.exp(np.cumsum(moves)))] for name, moves in zip("ABC", MOVES, strict=True)}
RHO = np.corrcoef(MOVES)


def lot(symbol: str, usd: int = 20_000, name: str = "") -> dict[str, Any]:
    """A position that was bought for so many dollars and has no price since."""
    return position(symbol, "10", "P0", name, entry_price=Decimal(usd) / 10)


def stored(closes: dict[str, list[float]]) -> pl.DataFrame:
    """Closes on consecutive days up to the session, as they are stored."""
    rows = [
        (symbol, LAST - timedelta(len(prices) - 1 - number), price)
        for symbol, prices in closes.items()
        for number, price in enumerate(prices)
    ]
    return pl.DataFrame(rows, {"symbol": pl.String(), "date": pl.Date(), "close": pl.Float64()}, orient="row")


def run(
    *lots: dict[str, Any],
    seen: dict[str, list[float]] = CLOSES,
    closes: dict[str, list[float]] | None = None,
    stale: StaleFigures = "used",
    undefined: UndefinedFigures = "nan",
    effective: EffectivePositions = "lots",
) -> Any:
    days = mark_to_market(crossed(list(lots), [], [LAST]))
    return correlations(
        days,
        portfolios([[100_000.0]]),
        price_panel(seen),
        stored(closes or {}),
        window_dates(1),
        stale,
        undefined=undefined,
        effective=effective,
    )


def cells(found: Any) -> dict[tuple[str, str], float]:
    rows = found.tables["pairwise_correlations"].select("symbol_1", "symbol_2", "correlation_value")
    return {(one, two): rho for one, two, rho in rows.iter_rows()}


def matrix(symbols: str, rho: Floats) -> dict[tuple[str, str], float]:
    return {(a, b): rho[i, j] for i, a in enumerate(symbols) for j, b in enumerate(symbols)}


def test_every_pair_has_a_row_both_ways_and_every_symbol_with_itself() -> None:
    found = run(lot("A"), lot("B"), lot("C"))
    assert cells(found) == pytest.approx(matrix("ABC", RHO), abs=1e-12)
    assert set(found.tables["pairwise_correlations"]["data_points"]) == {40}


def test_a_symbol_without_a_close_in_the_session_ends_the_matrix_early_or_is_in_none() -> None:
    gone = CLOSES | {"C": [*CLOSES["C"][:-1], np.nan]}
    lots = lot("A"), lot("B"), lot("C")
    assert set(run(*lots, seen=gone).tables["pairwise_correlations"]["data_points"]) == {39}
    refused = run(*lots, seen=gone, stale="refused")
    assert cells(refused) == pytest.approx(matrix("AB", RHO), abs=1e-12)
    assert refused.status.select("positions_used", "positions_left_out").rows() == [(2, 1)]
    assert run(lot("C"), seen={"C": gone["C"]}, stale="refused").tables["pairwise_correlations"].is_empty()


def test_the_overall_correlation_is_the_mean_size_above_the_diagonal() -> None:
    row = run(lot("A"), lot("B"), lot("C")).tables["correlation_calculations"].row(0, named=True)
    above = (abs(RHO[0, 1]) + abs(RHO[0, 2]) + abs(RHO[1, 2])) / 3
    assert row["overall_correlation"] == pytest.approx(above, abs=1e-12)
    assert row["effective_positions"] == pytest.approx(9 / RHO.sum(), rel=1e-12)
    assert (row["positions_included"], row["positions_excluded"]) == (3, 0)


def test_effective_positions_count_positions_and_not_symbols() -> None:
    found = run(lot("A"), lot("A", name="second"), lot("B"), lot("C", usd=9_999))
    row = found.tables["correlation_calculations"].row(0, named=True)
    # Three positions of two symbols pass: 3^2 over the sum of the four cells.
    assert row["effective_positions"] == pytest.approx(9 / RHO[:2, :2].sum(), rel=1e-12)
    assert (row["positions_included"], row["positions_excluded"]) == (2, 2)
    assert found.status.select("positions_used", "positions_left_out").rows() == [(3, 1)]


def test_under_30_returns_all_cells_are_nan_and_every_position_is_effective() -> None:
    found = run(lot("A"), lot("B"), seen={symbol: prices[-26:] for symbol, prices in CLOSES.items()})
    assert np.isnan(list(cells(found).values())).all()
    assert found.tables["correlation_calculations"]["effective_positions"].to_list() == [2.0]


FLAT = CLOSES | {"F": [1.0] * 41}
"""With a money fund that is worth 1.00 on each day."""


def test_a_symbol_that_did_not_move_has_no_correlation_and_spoils_no_mean() -> None:
    lots = lot("A"), lot("A", usd=40_000, name="second"), lot("B", usd=30_000), lot("C"), lot("F")
    spoilt = run(*lots, seen=FLAT).tables["correlation_calculations"].row(0, named=True)
    assert np.isnan(spoilt["overall_correlation"])
    found = run(*lots, seen=FLAT, undefined="absent", effective="weights")
    still = {pair: rho for pair, rho in cells(found).items() if "F" in pair}
    assert len(still) == 7
    assert np.isnan(list(still.values())).all()
    assert {p: r for p, r in cells(found).items() if p not in still} == pytest.approx(matrix("ABC", RHO))
    row = found.tables["correlation_calculations"].row(0, named=True)
    returns = pd.DataFrame(FLAT).apply(np.log).diff().dropna()
    rho = returns.corr(min_periods=30).loc[list("ABC"), list("ABC")]
    pairs = rho.to_numpy()[np.triu_indices(3, 1)]
    assert row["overall_correlation"] == pytest.approx(np.abs(pairs).mean(), abs=1e-12)
    weights = np.array([60_000, 30_000, 20_000]) / 110_000
    assert row["effective_positions"] == pytest.approx(1 / (weights @ rho.to_numpy() @ weights), rel=1e-12)
    assert (row["positions_included"], row["positions_excluded"]) == (3, 2)
    assert found.status.select("status", "positions_used", "positions_left_out").rows() == [("ok", 4, 1)]
    assert found.status["coverage"].to_list() == pytest.approx([110 / 130])


def test_effective_positions_by_weight_count_a_short_as_a_long() -> None:
    found = run(lot("A"), lot("B", usd=-60_000), effective="weights")
    # Weights of 1/4 and 3/4.
    expected = 1 / (1 / 16 + 9 / 16 + 2 * 3 / 16 * RHO[0, 1])
    row = found.tables["correlation_calculations"].row(0, named=True)
    assert row["effective_positions"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("lots", "days", "reason"),
    [
        ((lot("A"), lot("B")), 26, "few_returns"),
        ((lot("A"), lot("B")), 30, "few_returns"),
        ((lot("F"),), 41, "no_correlation"),
        ((lot("A"), lot("I")), 41, "no_correlation"),
    ],
)
def test_an_undefined_matrix_is_absent_with_a_reason(
    lots: tuple[dict[str, Any], ...], days: int, reason: str
) -> None:
    inverse = {"I": [1 / price for price in CLOSES["A"]]}
    seen = {symbol: prices[-days:] for symbol, prices in (FLAT | inverse).items()}
    found = run(*lots, seen=seen, undefined="absent", effective="weights")
    row = found.tables["correlation_calculations"].row(0, named=True)
    assert np.isnan([row["overall_correlation"], row["effective_positions"], *cells(found).values()]).all()
    assert np.isnan(found.tables["pairwise_correlations"]["statistical_significance"].to_numpy()).all()
    assert found.status.select("status", "reason", "positions_used").rows() == [("skipped", reason, 0)]


@pytest.mark.parametrize("effective", ["lots", "weights"])
def test_one_symbol_that_moves_is_one_effective_position_without_a_pair(
    effective: EffectivePositions,
) -> None:
    lots = lot("A"), lot("A", usd=30_000, name="second"), lot("F")
    legacy = run(*lots[:2]).tables["correlation_calculations"].row(0, named=True)
    assert (legacy["effective_positions"], legacy["overall_correlation"]) == (4.0, 0.0)
    found = run(*lots, seen=FLAT, undefined="absent", effective=effective)
    row = found.tables["correlation_calculations"].row(0, named=True)
    assert row["effective_positions"] == {"lots": 4.0, "weights": 1.0}[effective]
    assert np.isnan([row["overall_correlation"], *cells(found).values()]).all()
    assert found.status.select("status", "reason", "positions_used").rows() == [("partial", "no_pair", 2)]


def test_stored_closes_are_used_where_the_panel_has_none_of_the_symbols() -> None:
    found = run(lot("A"), lot("B"), seen={"C": CLOSES["C"]}, closes=CLOSES)
    assert cells(found) == pytest.approx(matrix("AB", RHO[:2, :2]), abs=1e-12)
    partly = run(lot("A"), lot("C"), seen={"C": CLOSES["C"]}, closes=CLOSES)
    assert set(cells(partly)) == {("C", "C")}


@pytest.mark.parametrize(
    ("lots", "days", "reason"),
    [
        ((lot("A", usd=9_999),), 41, "no_positions_pass_filter"),
        ((lot("A"),), 1, "no_common_returns"),
        ((lot("A"), lot("B")), 20, "insufficient_returns"),
    ],
)
def test_the_job_says_why_it_has_no_matrix(lots: tuple[dict[str, Any], ...], days: int, reason: str) -> None:
    found = run(*lots, seen={symbol: prices[-days:] for symbol, prices in CLOSES.items()})
    assert found.status["reason"].to_list() == [reason]
    assert all(rows.is_empty() for rows in found.tables.values())
