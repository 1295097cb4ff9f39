"""Which lots count in a portfolio's correlations: those large enough in money and in weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.analytics.positions.lots import Portfolios
from engine.core.instruments import CONTRACT_SIZE, is_option
from engine.core.job_catalog import MIN_POSITION_PERCENT, MIN_POSITION_VALUE
from engine.core.money import CENT_SCALE, GRAIN_SCALE, GRAINS_A_CENT, integer, scaled
from engine.numerics.arrays import Bools, Ints


@dataclass(frozen=True)
class Holdings:
    """What P portfolios hold, lots of one symbol together: U holdings by portfolio and symbol.

    owner: [U] rows of `Portfolios`, ascending. symbol: [U], ascending within a portfolio.
    lots: [U,D], lots that pass the filter in each session.
    all_lots: [P], every lot of a portfolio: exited, deleted and private ones too.
    """

    owner: Ints
    symbol: pl.Series
    lots: Ints
    all_lots: Ints

    @property
    def portfolios(self) -> int:
        return self.all_lots.size

    def lots_by_portfolio(self, counted: Bools) -> Ints:
        """Lots [P,D] of the holdings that are counted, [U,D]."""
        sums = np.zeros((len(self.lots) + 1, self.lots.shape[1]), dtype=np.int64)
        np.cumsum(np.where(counted, self.lots, 0), axis=0, out=sums[1:])
        ends = np.searchsorted(self.owner, np.arange(self.portfolios + 1))
        return sums[ends[1:]] - sums[ends[:-1]]


def holdings(days: pl.DataFrame, portfolios: Portfolios) -> Holdings:
    """The lots that pass the filter, of all positions of the portfolios.

        |V| >= 10,000 and |V| / G >= 0.01,  V = quantity x (last price, else entry price) x m'

    with G the gross exposure of the session's snapshot and m' = 100 for options that are not of
    class PRIVATE; nothing passes where G <= 0, and no private asset ever. The comparison is exact.
    Source: document 03 §2.3.

    Args:
        days: of `engine.analytics.positions.valuation.mark_to_market`: position-major.
    """
    sessions = portfolios.gross.shape[1]
    numbers = pl.DataFrame({"portfolio_id": portfolios.ids}).with_row_index("portfolio")
    held = days.join(numbers, on="portfolio_id", how="inner", maintain_order="left")
    cents = np.rint(portfolios.gross * 10**CENT_SCALE).astype(np.int64)
    at = held["portfolio"].to_numpy(), held["session"].to_numpy()
    passes = held.select(_passes(pl.lit(pl.Series("gross", cents[at])))).to_series().to_numpy()
    lots = held.filter(pl.col("session") == 0).select("portfolio", "symbol").with_row_index("lot")
    lots = lots.sort("portfolio", "symbol", "lot")
    passes = passes.reshape(lots.height, sessions)[lots["lot"].to_numpy()]
    first = lots.select(pl.struct("portfolio", "symbol").rle_id().is_first_distinct()).to_series()
    own = lots.filter(first)
    starts = np.flatnonzero(first.to_numpy())
    return Holdings(
        owner=own["portfolio"].to_numpy().astype(np.int64),
        symbol=own["symbol"],
        lots=np.add.reduceat(passes, starts, axis=0, dtype=np.int64),
        all_lots=np.bincount(lots["portfolio"], minlength=len(portfolios.ids)),
    )


def _passes(gross: pl.Expr) -> pl.Expr:
    """Whether a lot passes beside a gross exposure in cents."""
    private = pl.col("investment_class").str.to_uppercase() == "PRIVATE"
    contract = is_option() & ~private.fill_null(False)
    price = pl.coalesce("last_price", scaled("entry_price"))
    value = (scaled("quantity") * price).abs() * pl.when(contract).then(CONTRACT_SIZE).otherwise(1)
    limit = gross.cast(pl.Int128) * integer(GRAINS_A_CENT)
    large = value >= integer(MIN_POSITION_VALUE * 10**GRAIN_SCALE)
    weighty = (gross > 0) & (value * integer(100) >= limit * integer(MIN_POSITION_PERCENT))
    return pl.col("investment_class").ne_missing("PRIVATE") & large & weighty
