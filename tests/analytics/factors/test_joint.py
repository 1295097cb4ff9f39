"""The joint factor model on closes with gaps and funds that are missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from engine.analytics.factors.joint import FUNDS, joint_betas
from engine.core.funds import STYLE_FUNDS
from engine.core.rules import StaleFigures
from engine.numerics.arrays import Floats
from tests.analytics.small import price_panel
from tests.numerics.test_joint_ridge import expected

RNG = np.random.default_rng(5)
DAYS = 90
MARKET = RNG.normal(0, 0.01, DAYS)
MOVES = {"SPY": MARKET} | {fund: 0.9 * MARKET + RNG.normal(0, 0.004, DAYS) for fund in FUNDS[1:]}
MOVES["AAA"] = 1.3 * MARKET + 0.5 * MOVES["VTV"] + RNG.normal(0, 0.01, DAYS)
CLOSES = {symbol: 100 * np.cumprod(np.append(1.0, 1.0 + moves)) for symbol, moves in MOVES.items()}


def betas(closes: dict[str, Any], *symbols: str, sessions: int = 1, stale: StaleFigures = "used") -> Floats:
    """Betas [D, K, N] of symbols."""
    names = pl.Series(symbols, dtype=pl.String)
    return joint_betas(price_panel(closes, sessions), names, stale).of(names)


def regressed(closes: dict[str, Any], symbol: str, funds: tuple[str, ...] = FUNDS) -> Floats:
    """By pandas and other libraries, over the common closes of all days."""
    returns = pd.DataFrame(closes)[[symbol, *funds]].dropna().pct_change().dropna()
    parts = (returns[columns].to_numpy() for columns in (funds[0], list(funds[1:]), symbol))
    return expected(*parts)


def gap(symbol: str, *days: int) -> dict[str, Any]:
    return CLOSES | {symbol: [np.nan if day in days else c for day, c in enumerate(CLOSES[symbol])]}


def test_betas_are_those_of_other_libraries() -> None:
    assert betas(CLOSES, "AAA")[0, :, 0] == pytest.approx(regressed(CLOSES, "AAA"), rel=1e-9)


@pytest.mark.parametrize("symbol", ["AAA", "VTV"])
def test_closes_are_put_on_common_days_before_returns_are_taken(symbol: str) -> None:
    closes = gap(symbol, 40, 41, 60)
    found = betas(closes, "AAA")[0, :, 0]
    assert found == pytest.approx(regressed(closes, "AAA"), rel=1e-9)
    assert found != pytest.approx(regressed(CLOSES, "AAA"), rel=1e-4)


def test_a_gap_of_one_symbol_leaves_the_others_alone() -> None:
    closes = gap("AAA", 40) | {"BBB": CLOSES["AAA"], "NEW": [*[np.nan] * 70, *CLOSES["AAA"][70:]]}
    found = betas(closes, "AAA", "BBB", "NEW", "NONE")
    assert np.array_equal(found[0, :, 1], betas(CLOSES, "AAA")[0, :, 0])
    assert np.isnan(found[0, :, 2:]).all()  # 20 returns; no close


def test_a_fund_is_its_own_style() -> None:
    found = betas(CLOSES, "VTV")[0, :, 0]
    own = list(STYLE_FUNDS.values()).index("VTV")
    assert found == pytest.approx(np.eye(7)[own], abs=1e-9)


def test_without_a_fund_its_factor_has_no_beta_and_without_the_market_none_has() -> None:
    fewer = {symbol: closes for symbol, closes in CLOSES.items() if symbol != "IWM"}
    found = betas(fewer, "AAA")[0, :, 0]
    funds = tuple(fund for fund in FUNDS if fund != "IWM")
    assert found[[fund != "IWM" for fund in FUNDS[1:]]] == pytest.approx(
        regressed(fewer, "AAA", funds), rel=1e-9
    )
    assert np.isnan(found[FUNDS.index("IWM") - 1])
    without = {symbol: closes for symbol, closes in CLOSES.items() if symbol != "SPY"}
    assert np.isnan(betas(without, "AAA")).all()


def test_a_session_does_not_see_later_closes() -> None:
    later = CLOSES | {"AAA": [*CLOSES["AAA"][:-1], 999.0]}
    one, other = (betas(closes, "AAA", sessions=3) for closes in (CLOSES, later))
    assert np.array_equal(one[:2], other[:2])
    assert not np.array_equal(one[2], other[2])


@pytest.mark.parametrize("symbol", ["AAA", "IWM"])
def test_without_a_close_in_the_session_there_are_none_where_stale_ones_are_refused(symbol: str) -> None:
    closes = gap(symbol, DAYS)
    assert np.isfinite(betas(closes, "AAA", sessions=2)).all()
    refused = betas(closes, "AAA", sessions=2, stale="refused")
    assert np.isfinite(refused).all(axis=(1, 2)).tolist() == [True, False]
