"""Two portfolios over the sessions that both have."""

from __future__ import annotations

import json
from dataclasses import dataclass

import polars as pl

from engine.core.funds import MARKET_FUND
from engine.core.names import distinct_labels
from engine.reports.measures.benchmark import benchmark
from engine.reports.measures.growth import growth
from engine.reports.stored import StoredPortfolio

SIDES = ("first", "second")
OPEN_VALUE = (
    pl.col("deleted_at").is_null() & pl.col("exit_date").is_null() & pl.col("market_value").is_not_null()
)


@dataclass(frozen=True)
class Pair:
    """Two portfolios of one store, read over the same window.

    Attributes:
        first: rows of the one.
        second: rows of the other.
    """

    first: StoredPortfolio
    second: StoredPortfolio

    @property
    def both(self) -> tuple[StoredPortfolio, StoredPortfolio]:
        """The two, in order."""
        return self.first, self.second

    @property
    def names(self) -> tuple[str, str]:
        """Labels on the page, in order: their names, with ids where a name is not unique on it."""
        names = {str(one.portfolio["id"]): one.name for one in self.both}
        first, second = distinct_labels(names, taken=(MARKET_FUND,)).values()
        return first, second


def by_session(pair: Pair, columns: dict[str, pl.Expr]) -> pl.DataFrame:
    """Return figures of the snapshots of both, by session.

    Args:
        pair: the portfolios.
        columns: expressions over the snapshots by name.

    Returns:
        Column date, and for each name `NAME_first` and `NAME_second`.
    """
    frames = [
        one.snapshots.select("date", **{f"{name}_{side}": value for name, value in columns.items()})
        for one, side in zip(pair.both, SIDES, strict=True)
    ]
    return frames[0].join(frames[1], on="date", how="full", coalesce=True).sort("date")


def compared_growth(pair: Pair) -> pl.DataFrame:
    """Return time-weighted return since the start and drawdown of both and of the market's fund.

    Returns:
        Columns date, gain_first, gain_second, gain_market, drawdown_first, drawdown_second (fractions).
    """
    market = benchmark(pair.first).select("date", daily_return="benchmark_return")
    frame = market.select("date")
    for rows, side in (
        (pair.first.snapshots, "first"),
        (pair.second.snapshots, "second"),
        (market, "market"),
    ):
        grown = growth(rows).select("date", pl.col("index") - 1, "drawdown")
        named = grown.rename({"index": f"gain_{side}", "drawdown": f"drawdown_{side}"})
        frame = frame.join(named, on="date", how="left", maintain_order="left")
    return frame


def return_correlation(pair: Pair) -> float | None:
    """Return Pearson's correlation of the daily returns of both; None for fewer than 20 common ones."""
    rows = by_session(pair, {"r": pl.col("daily_return")}).drop_nulls()
    if rows.height < 20:
        return None
    value = rows.select(pl.corr("r_first", "r_second")).item()
    return None if value is None else float(value)


def held_weights(pair: Pair) -> pl.DataFrame:
    """Return open positions by symbol as shares of each portfolio's equity, largest difference first.

    Returns:
        Columns name, first, second (fractions; 0 where one holds none).
    """
    return _joined(_held(pair.first), _held(pair.second))


def sector_weights(pair: Pair) -> pl.DataFrame:
    """Return the newest stored sector weights of each, in the form of `held_weights`."""
    return _joined(_sectors(pair.first), _sectors(pair.second))


def _joined(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    both = first.rename({"weight": "first"}).join(
        second.rename({"weight": "second"}), on="name", how="full", coalesce=True
    )
    filled = both.with_columns(pl.col(*SIDES).fill_null(0.0))
    apart = (pl.col("first") - pl.col("second")).abs()
    return filled.sort(apart, "name", descending=[True, False])


def _held(stored: StoredPortfolio) -> pl.DataFrame:
    equity = stored.last["equity_balance"]
    rows = stored.positions.filter(OPEN_VALUE)
    if equity is None or equity <= 0:
        rows = rows.clear()
    value = pl.col("market_value").cast(pl.Float64).sum() / (equity or 1.0)
    return rows.group_by(name="symbol").agg(weight=value)


def _sectors(stored: StoredPortfolio) -> pl.DataFrame:
    known = stored.snapshots["sector_exposure"].drop_nulls()
    documents = [weights for text in known if isinstance(weights := json.loads(text), dict) and weights]
    weights = documents[-1] if documents else {}
    return pl.DataFrame(
        {"name": list(weights), "weight": list(weights.values())}, {"name": pl.String, "weight": pl.Float64}
    )
