"""The benchmark of a portfolio's page: the market's fund over the same sessions."""

from __future__ import annotations

import polars as pl

from engine.core.funds import MARKET_FUND
from engine.reports.measures.growth import growth
from engine.reports.stored import StoredPortfolio


def benchmark(stored: StoredPortfolio) -> pl.DataFrame:
    """Return the market fund's figures by session; nulls where it has no close.

        return_t = close_t / (last close before t) - 1
        equity_t = equity_(t-1) (1 + return_t) + flow_t

    Equity is what the portfolio's would be if it held the fund alone: it starts with the same equity
    before the first session, and gets the same deposits and withdrawals at the end of their sessions.
    Closes are prices: dividends are not in them.

    Args:
        stored: the portfolio's rows.

    Returns:
        Columns date, benchmark_return, benchmark_equity, benchmark_drawdown; a row for each session.
    """
    prices = _returns(stored)
    grown = growth(prices.rename({"benchmark_return": "daily_return"}))
    return prices.with_columns(benchmark_equity=_equity(stored, prices), benchmark_drawdown=grown["drawdown"])


def _returns(stored: StoredPortfolio) -> pl.DataFrame:
    closes = stored.closes.filter(pl.col("symbol") == MARKET_FUND, pl.col("close") > 0).sort("date")
    moves = closes.select("date", benchmark_return=pl.col("close").cast(pl.Float64).pct_change())
    return stored.snapshots.select("date").join(moves, on="date", how="left", maintain_order="left")


def _equity(stored: StoredPortfolio, prices: pl.DataFrame) -> pl.Series:
    equity = stored.opening_equity
    values: list[float | None] = []
    flows = stored.snapshots["daily_capital_flow"].fill_null(0.0)
    for move, flow in zip(prices["benchmark_return"], flows, strict=True):
        if equity is not None:
            equity = equity * (1 + (move or 0.0)) + float(flow)
        values.append(None if move is None else equity)
    return pl.Series("benchmark_equity", values, pl.Float64)
