"""Volatility of positions: whose closes count, labels of trends, and reasons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from engine.analytics.volatility.position_volatility import symbol_volatility, trend_label, volatility
from engine.core.rules import Rules
from engine.numerics.arrays import Floats
from tests.analytics.small import lot, open_lots, portfolios, price_panel, window_dates

ANNUAL = 252**0.5
MOVES = np.random.default_rng(1).normal(0, 0.01, (2, 70))


def levels(moves: Floats) -> list[float]:
    return [50.0, *(50 * np.cumprod(1 + moves))]


CLOSES = {"A": levels(MOVES[0]), "B": levels(MOVES[1])}


def run(
    *lots: dict[str, Any], closes: dict[str, list[float]] = CLOSES, equity: float = 1.0, **rules: Any
) -> Any:
    chosen = replace(Rules.legacy(), **{"synthetic_prefix": "none"} | rules)
    panel = price_panel(closes)
    return volatility(open_lots(*lots), portfolios([[equity]]), panel, window_dates(1), chosen)


def realized(moves: Floats, days: int = 21) -> float:
    return float(pd.Series(moves)[-days:].std() * ANNUAL)


def test_figures_are_those_of_the_symbols_own_returns() -> None:
    row = run(lot("A", [1.0])).tables["position_volatility"].row(0, named=True)
    assert row["realized_vol_21d"] == row["vol_monthly"] == pytest.approx(realized(MOVES[0]), rel=1e-9)
    assert row["realized_vol_63d"] == pytest.approx(realized(MOVES[0], 63), rel=1e-9)
    assert row["vol_weekly"] == pytest.approx(realized(MOVES[0], 5), rel=1e-9)
    assert row["vol_daily"] == pytest.approx(abs(MOVES[0][-1]) * ANNUAL, rel=1e-9)
    assert (row["observations"], row["vol_percentile"]) == (70, None)  # under 252 returns


def test_an_option_has_the_volatility_of_its_underlying() -> None:
    option = lot("A250620C00100000", [1.0], underlying_symbol="B", position_type="LC")
    blank = lot("A", [1.0], underlying_symbol="")
    rows = run(blank, option).tables["position_volatility"]
    assert rows["realized_vol_21d"].to_list() == pytest.approx([realized(m) for m in MOVES], rel=1e-9)


def test_a_gap_makes_a_return_over_several_days() -> None:
    gappy = dict(CLOSES, A=[np.nan if day == 60 else price for day, price in enumerate(CLOSES["A"])])
    row = run(lot("A", [1.0]), closes=gappy).tables["position_volatility"].row(0, named=True)
    closes = pd.Series(CLOSES["A"]).drop(60)
    assert row["observations"] == 69
    assert row["realized_vol_21d"] == pytest.approx(realized(closes.pct_change().to_numpy()), rel=1e-9)


def own(found: Any) -> float:
    """The portfolio's volatility of 21 days."""
    return float(found.snapshot["realized_volatility_21d"].item())


def test_a_hedged_portfolio_s_volatility_is_over_net_value_or_over_equity() -> None:
    # 600 long and 500 short of equity of 1,000: over the net value of 100 it is ten times as much.
    lots = lot("A", [600.0]), lot("B", [-500.0])
    right = realized(0.6 * MOVES[0] - 0.5 * MOVES[1])
    assert own(run(*lots, equity=1000.0)) == pytest.approx(10 * right, rel=1e-9)
    assert own(run(*lots, equity=1000.0, volatility_weights="equity")) == pytest.approx(right, rel=1e-9)


def test_over_equity_lots_without_a_value_are_left_out() -> None:
    lots = lot("A", [300.0]), lot("A", [200.0], name="second"), lot("B", [None])
    found = run(*lots, equity=1000.0, volatility_weights="equity")
    assert own(found) == pytest.approx(realized(0.5 * MOVES[0]), rel=1e-9)
    assert found.status.select("positions_used", "positions_left_out").rows() == [(2, 1)]
    poor = run(*lots, equity=0.0, volatility_weights="equity")
    assert poor.status["reason"].to_list() == ["equity_not_positive"]


def test_a_delisted_lot_freezes_the_volatility_or_is_left_out() -> None:
    gone = CLOSES | {"A": [*CLOSES["A"][:65], *[np.nan] * 6]}
    lots = lot("A", [500.0]), lot("B", [500.0])
    frozen = realized(0.5 * MOVES[0][:64] + 0.5 * MOVES[1][:64])
    assert own(run(*lots, closes=gone)) == pytest.approx(frozen, rel=1e-9)
    found = run(*lots, closes=gone, stale_figures="refused")
    assert own(found) == pytest.approx(realized(0.5 * MOVES[1]), rel=1e-9)
    assert found.tables["position_volatility"].height == 1
    assert found.status.select("positions_used", "positions_left_out").rows() == [(1, 1)]
    alone = run(lot("A", [500.0]), closes=gone, stale_figures="refused")
    assert alone.status["reason"].to_list() == ["no_position_volatility"]


def test_each_symbol_is_computed_once() -> None:
    figures, place = symbol_volatility(price_panel(CLOSES), np.array([1, -1, 0, 1]), Rules.legacy())
    assert place.tolist() == [1, 2, 0, 1]
    assert figures.computed.tolist() == [[True, True, False]]


@pytest.mark.parametrize(
    ("slope", "strength", "label"),
    [
        (0.0011, 0.31, "increasing"),
        (-0.0011, 0.31, "decreasing"),
        (0.0011, 0.30, "stable"),
        (0.0010, 0.9, "stable"),
        (-0.0010, 0.9, "stable"),
    ],
)
def test_a_trend_is_steep_and_explains_enough(slope: float, strength: float, label: str) -> None:
    one = pl.DataFrame({"slope": [slope], "strength": [strength]})
    assert one.select(trend_label("slope", "strength")).item() == label


def test_a_portfolio_has_the_volatility_of_its_own_series() -> None:
    found = run(lot("A", [50.0]), lot("B", [50.0]))
    row = found.snapshot.row(0, named=True)
    assert row["realized_volatility_21d"] == pytest.approx(realized(MOVES.mean(axis=0)), rel=1e-9)
    assert found.status.select("status", "positions_used").rows() == [("ok", 2)]


@pytest.mark.parametrize(
    ("lots", "days", "reason", "rows"),
    [
        ((lot("A", [1.0], deleted=True),), 71, "no_active_positions", 0),
        ((lot("FO_HEDGE", [1.0]),), 71, "no_public_positions", 0),
        ((lot("A", [1.0]),), 63, "no_position_volatility", 0),
        (
            (lot("A", [1.0], entry_value=0.0), lot("B", [-1.0], entry_value=0.0)),
            71,
            "no_portfolio_volatility",
            2,
        ),
    ],
)
def test_the_job_says_why_it_has_no_figures(
    lots: tuple[dict[str, Any], ...], days: int, reason: str, rows: int
) -> None:
    found = run(*lots, closes={symbol: prices[-days:] for symbol, prices in CLOSES.items()})
    assert found.status["reason"].to_list() == [reason]
    assert found.snapshot.is_empty()
    assert found.tables["position_volatility"].height == rows
