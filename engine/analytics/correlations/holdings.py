"""Holdings that count in a portfolio's correlations: those large enough in money and in weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.analytics.panels import Portfolios
from engine.core.instruments import value_multiplier
from engine.core.job_catalog import MIN_POSITION_PERCENT, MIN_POSITION_VALUE
from engine.core.money import CENT_SCALE, GRAIN_SCALE, GRAINS_A_CENT, integer, scaled
from engine.core.rules import Membership
from engine.numerics.arrays import Bools, Floats, Ints


@dataclass(frozen=True)
class SymbolHoldings:
    """Holdings of P portfolios: the positions of one symbol in one portfolio, U holdings in all.

    Attributes:
        owner: [U] rows of `Portfolios`, ascending.
        symbol: [U], ascending within a portfolio.
        positions: [U, D] positions that pass the filter in each session.
        value: [U, D] USD of those positions, not negative.
        lot_id: [L] ids of the positions, holding after holding.
        lot_holding: [L] the holding of each, ascending.
        lot_value: [L, D] USD of each, 0 where it does not pass.
        all_positions: [P, D] every position of a portfolio: exited, deleted and private ones too; by
            membership="session" those that are held.
    """

    owner: Ints
    symbol: pl.Series
    positions: Ints
    value: Floats
    lot_id: pl.Series
    lot_holding: Ints
    lot_value: Floats
    all_positions: Ints

    @property
    def portfolios(self) -> int:
        """The number of portfolios, P."""
        return len(self.all_positions)

    def count(self, chosen: Bools) -> Ints:
        """Count the positions of the chosen holdings by portfolio.

        Args:
            chosen: [U, D] holdings in each session.

        Returns:
            [P, D].
        """
        sums = np.zeros((len(self.positions) + 1, self.positions.shape[1]), dtype=np.int64)
        np.cumsum(np.where(chosen, self.positions, 0), axis=0, out=sums[1:])
        ends = np.searchsorted(self.owner, np.arange(self.portfolios + 1))
        return sums[ends[1:]] - sums[ends[:-1]]


def holdings(days: pl.DataFrame, portfolios: Portfolios, membership: Membership = "today") -> SymbolHoldings:
    """Find the positions that pass the filter, of all positions of the portfolios.

        |V| >= 10,000 and |V| / G >= 0.01,  V = quantity x (last price, else entry price) x m'

    with G the gross exposure of the session's snapshot and m' = 100 for options that are not of class
    PRIVATE, else 1; nothing passes where G <= 0, and no private asset ever. The comparison is exact.
    Source: document 03 §2.3.

    Args:
        days: of `engine.analytics.positions.valuation.mark_to_market`: position-major.
        portfolios: P of them; positions of others are left out.
        membership: see `engine.core.rules.Rules`; for "session" the days have held.

    Returns:
        The holdings, with the number of positions that pass in each session.
    """
    sessions = portfolios.gross.shape[1]
    numbers = pl.DataFrame({"portfolio_id": portfolios.ids}).with_row_index("portfolio")
    held = days.join(numbers, on="portfolio_id", how="inner", maintain_order="left")
    cents = np.rint(portfolios.gross * 10**CENT_SCALE).astype(np.int64)
    at = held["portfolio"].to_numpy(), held["session"].to_numpy()
    units = scaled("quantity") if membership == "today" else pl.col("held").cast(pl.Int128)
    passes = held.select(_passes(pl.lit(pl.Series("gross", cents[at])), units)).to_series().to_numpy()
    rows = held.filter(pl.col("session") == 0).select("portfolio", "symbol", "id").with_row_index("number")
    rows = rows.sort("portfolio", "symbol", "number")
    order = rows["number"].to_numpy()
    passes = passes.reshape(rows.height, sessions)[order]
    value = np.where(passes, held["weight"].to_numpy().reshape(rows.height, sessions)[order], 0.0)
    # Sorted, the positions of a holding are a run, so that reduceat can count them.
    first = rows.select(pl.struct("portfolio", "symbol").rle_id().is_first_distinct()).to_series()
    distinct = rows.filter(first)
    starts = np.flatnonzero(first.to_numpy())
    return SymbolHoldings(
        owner=distinct["portfolio"].to_numpy().astype(np.int64),
        symbol=distinct["symbol"],
        positions=np.add.reduceat(passes, starts, axis=0, dtype=np.int64),
        value=np.add.reduceat(value, starts, axis=0),
        lot_id=rows["id"],
        lot_holding=np.cumsum(first.to_numpy()) - 1,
        lot_value=value,
        all_positions=_all_positions(held, portfolios, membership),
    )


def _all_positions(held: pl.DataFrame, portfolios: Portfolios, membership: Membership) -> Ints:
    """Count the positions of each portfolio and session, [P, D]."""
    rows = held if membership == "today" else held.filter(pl.col("held") != 0)
    counts = np.zeros(portfolios.gross.shape, dtype=np.int64)
    np.add.at(counts, (rows["portfolio"].to_numpy(), rows["session"].to_numpy()), 1)
    return counts


def _passes(gross: pl.Expr, units: pl.Expr) -> pl.Expr:
    """Return whether a position passes, given the gross exposure in cents and the quantity."""
    price = pl.coalesce("last_price", scaled("entry_price"))
    value = (units * price).abs() * value_multiplier()
    # Integers, multiplied out: a division could put a position on the wrong side of the limit.
    limit = gross.cast(pl.Int128) * integer(GRAINS_A_CENT)
    large = value >= integer(MIN_POSITION_VALUE * 10**GRAIN_SCALE)
    weighty = (gross > 0) & (value * integer(100) >= limit * integer(MIN_POSITION_PERCENT))
    return pl.col("investment_class").ne_missing("PRIVATE") & large & weighty
