"""From lots to portfolios: sums in a fixed order, and the rows that jobs share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.analytics.positions.lots import Lots, Portfolios
from engine.numerics.arrays import Bools, Floats, Ints
from engine.numerics.rounding import product_half_away

CENT_SCALE = 2
PUBLIC = pl.col("investment_class") == "PUBLIC"
STOCK = PUBLIC & pl.col("position_type").is_in(("LONG", "SHORT"))
"""Lots that most regressions look at: a null class is not public (document 02 §4.2 to 4.5)."""


@dataclass(frozen=True)
class Groups:
    """The lots of each portfolio, in the lots' order: by portfolio, then by position id.

    owner: [N] the portfolio of each lot, ascending.
    first: [G] each owner's first lot. owners: [G] the portfolios that own any.
    count: P.

    A figure depends on its portfolio's lots and their order alone, to the bit: sums run from left
    to right, as the legacy batch's do, in the order of ids that document 02 §6 asks for.
    """

    owner: Ints
    first: Ints
    owners: Ints
    count: int

    def sum(self, values: Floats) -> Floats:
        """Sums over the lots: [..., N] -> [..., P], 0 for a portfolio without lots.

        NumPy's own sums are pairwise, but for bincount's: it adds one value after the other.
        """
        sums = np.zeros((*values.shape[:-1], self.count))
        for row in np.ndindex(values.shape[:-1]):
            sums[row] = np.bincount(self.owner, values[row], self.count)
        return sums

    def least(self, values: Floats) -> Floats:
        """Minima over the lots: [..., N] -> [..., P], inf for a portfolio without lots."""
        return self._fold(np.minimum, values, np.inf)

    def tally(self, flags: Bools) -> Ints:
        """Number of flagged lots: [..., N] -> [..., P]."""
        return self._fold(np.add, flags.astype(np.float64), 0.0).astype(np.int64)

    def _fold(self, function: np.ufunc, values: Floats, empty: float) -> Floats:
        folded = np.full((*values.shape[:-1], self.count), empty)
        if self.first.size:
            folded[..., self.owners] = function.reduceat(values, self.first, axis=-1)
        return folded


def group_lots(lots: Lots, portfolios: Portfolios) -> Groups:
    """How the lots fall into portfolios."""
    owner = lots.frame["portfolio"].cast(pl.Int64).to_numpy()
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    return Groups(owner, first, owner[first], len(portfolios.ids))


def portfolio_rows(portfolios: Portfolios, dates: pl.Series, chosen: Bools, date: str) -> pl.DataFrame:
    """portfolio_id and `date` of the chosen cells [D, P], session by session."""
    session, portfolio = np.nonzero(chosen)
    return pl.DataFrame([portfolios.ids[portfolio].alias("portfolio_id"), dates[session].alias(date)])


def exposure_rows(
    portfolios: Portfolios,
    dates: pl.Series,
    factor_ids: Sequence[str | None],
    betas: Floats,
    written: Bools,
) -> pl.DataFrame:
    """Rows of factor_exposures.

        exposure_dollar = beta x equity

    of the unrounded beta, multiplied as decimal texts and already exact to the cent (document 02
    §6). A factor without an id has no rows.

    Args:
        dates: [D].
        factor_ids: of K factors.
        betas: [D, K, P] ratios.
        written: [D, K, P] the cells that become rows.
    """
    known = np.array([name is not None for name in factor_ids])
    session, factor, portfolio = np.nonzero(written & known[:, None])
    beta = betas[session, factor, portfolio]
    dollars = product_half_away(beta, portfolios.equity[portfolio, session], CENT_SCALE)
    ids = pl.Series("factor_id", factor_ids, dtype=pl.String)
    return pl.DataFrame(
        [
            portfolios.ids[portfolio].alias("portfolio_id"),
            ids[factor],
            dates[session].alias("calculation_date"),
            pl.Series("exposure_value", beta),
            pl.Series("exposure_dollar", dollars),
        ]
    )
