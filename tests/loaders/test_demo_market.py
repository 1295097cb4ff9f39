"""The simulated market: sessions, late listings, gaps, and returns like a real market's."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from engine.core.calendar import sessions
from loaders.demo import demo_world
from loaders.demo.listings import FUNDS

END = date(2025, 12, 19)


@pytest.fixture(scope="module")
def demo() -> dict[str, pl.DataFrame]:
    return demo_world()


def test_prices_have_sessions_and_are_in_range(demo: dict[str, pl.DataFrame]) -> None:
    bars = demo["market_data_cache"]
    assert set(bars["date"].unique()) == set(sessions(date(2023, 12, 20), END))
    assert bars["close"].is_between(Decimal("0.0001"), Decimal(10**8), closed="left").all()
    body = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    assert bars.select((pl.col("high") >= body[0]) & (pl.col("low") <= body[1])).to_series().all()
    assert (bars["volume"] > 0).all()


def test_all_collected_funds_are_priced(demo: dict[str, pl.DataFrame]) -> None:
    counts = demo["market_data_cache"]["symbol"].value_counts()
    funds = counts.filter(pl.col("symbol").is_in([fund.symbol for fund in FUNDS]))
    assert len(funds) == len(FUNDS)
    assert funds["count"].n_unique() == 1


def test_some_listings_are_late_and_some_have_gaps(demo: dict[str, pl.DataFrame]) -> None:
    bars = demo["market_data_cache"].filter(pl.col("symbol").str.len_chars() < 6)
    span = bars.group_by("symbol").agg(pl.len(), first=pl.col("date").min())
    late = span.filter(pl.col("first") > date(2025, 6, 1))
    assert late.height
    assert late["symbol"].is_in(demo["positions"]["symbol"].implode()).any()
    early = span.filter(pl.col("first") < date(2024, 1, 31))
    gapped = early.filter(pl.col("len") < early["len"].max())
    assert gapped["symbol"].is_in(demo["positions"]["symbol"].implode()).any()


def test_a_short_history_that_ends_on_a_day_without_session() -> None:
    made = demo_world(5, 10, 30, end=date(2024, 7, 7), years=0.2)
    assert made["market_data_cache"]["date"].max() == date(2024, 7, 5)


def returns(demo: dict[str, pl.DataFrame]) -> dict[str, NDArray[np.float64]]:
    """Daily returns of the symbols priced every session."""
    bars = demo["market_data_cache"].group_by("symbol", maintain_order=True).agg("close")
    full = bars.filter(pl.col("close").list.len() == pl.col("close").list.len().max())
    closes = {symbol: np.array(close, dtype=np.float64) for symbol, close in full.iter_rows()}
    return {symbol: close[1:] / close[:-1] - 1 for symbol, close in closes.items()}


def slope(y: NDArray[np.float64], x: NDArray[np.float64]) -> float:
    return float(np.cov(y, x)[0, 1] / np.var(x, ddof=1))


@pytest.mark.parametrize("seed", range(1, 9))
def test_returns_have_the_statistics_of_a_market(seed: int) -> None:
    moves = returns(demo_world(1, 1, 60, seed=seed))
    spy, tlt = moves["SPY"], moves["TLT"]
    assert 0.08 < spy.std() * np.sqrt(252) < 0.35
    stocks = np.corrcoef([move for symbol, move in moves.items() if len(symbol) == 5])
    assert 0.1 < stocks[np.triu_indices(len(stocks), 1)].mean() < 0.6
    for symbol in ("VTV", "VUG", "MTUM", "QUAL", "IWM", "USMV", "QQQ", "VTI", "VNQ", "HYG"):
        assert slope(moves[symbol], spy) > 0.2, symbol
    assert slope(moves["USMV"], spy) < 1 < slope(moves["IWM"], spy) + 0.15
    assert all(slope(moves[symbol], tlt) > 0.05 for symbol in ("IEF", "SHY", "LQD"))
    assert slope(moves["QQQ"] - spy, moves["VUG"] - moves["VTV"]) > 0.2


def test_volatility_clusters() -> None:
    """Absolute returns have positive autocorrelation, over four years, averaged over symbols."""
    moves = np.abs(list(returns(demo_world(1, 1, 60, years=4)).values()))
    moves -= moves.mean(axis=1, keepdims=True)
    autocorrelation = (moves[:, 1:] * moves[:, :-1]).mean(axis=1) / (moves**2).mean(axis=1)
    assert 0.03 < autocorrelation.mean() < 0.4
