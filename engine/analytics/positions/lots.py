"""Lots and portfolios as arrays: what the analytics weigh symbols with.

The legacy analytics look at today's open positions, whatever the session (document 02 §1.5), and
read values back from the tables, rounded as those are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.core.instruments import CONTRACT_SIZE, is_option
from engine.core.money import CENT_SCALE, GRAIN_SCALE, scaled, usd
from engine.numerics.arrays import Floats


@dataclass(frozen=True)
class Portfolios:
    """The portfolios that are computed, P of them, over D sessions.

    ids: [P], ascending.
    equity: [P, D] USD, as stored.
    gross, net: [P, D] exposures in USD, as stored.
    """

    ids: pl.Series
    equity: Floats
    gross: Floats
    net: Floats


@dataclass(frozen=True)
class Lots:
    """Positions without an exit date, N of them, sorted by portfolio and id.

    frame: position_id, portfolio (row of `Portfolios`), portfolio_id, symbol, underlying_symbol,
        position_type, investment_class, deleted (whether soft-deleted: spread and ridge factors
        count those, the other analytics don't), entry_value (quantity x entry price, USD).
    stored: [N, D] USD, signed: market_value as stored, NaN where null.
    recomputed: [N, D] USD, signed: quantity x (last price, else entry price) x m', unrounded;
        m' = 100 for options that are not of class PRIVATE (document 02 §2.4).
    """

    frame: pl.DataFrame
    stored: Floats
    recomputed: Floats

    @property
    def value(self) -> Floats:
        """[N, D] USD: the stored value, else the recomputed one (document 02 §2.4)."""
        return np.where(np.isnan(self.stored), self.recomputed, self.stored)

    def where(self, mask: pl.Expr) -> Lots:
        """The lots that a mask over `frame` keeps."""
        kept = self.frame.select(mask).to_series().fill_null(False).to_numpy()
        if kept.all():
            return self
        return Lots(self.frame.filter(kept), self.stored[kept], self.recomputed[kept])


LIVE = ~pl.col("deleted")


def portfolio_arrays(book: pl.DataFrame, sessions: int) -> Portfolios:
    """The book's figures by portfolio and session.

    Args:
        book: of `engine.analytics.equity.snapshots.figures`: portfolio-major, Int128 cents.
    """

    def cents(name: str) -> Floats:
        values = book.select(usd(pl.col(name), CENT_SCALE)).to_series()
        return values.to_numpy().reshape(-1, sessions)

    ids = book.filter(pl.col("session") == 0)["portfolio_id"]
    return Portfolios(ids, cents("equity"), cents("gross_exposure"), cents("net_exposure"))


def lot_arrays(days: pl.DataFrame, portfolios: Portfolios) -> Lots:
    """The open lots' values by lot and session.

    Args:
        days: of `engine.analytics.positions.valuation.mark_to_market`: position-major.
    """
    numbers = pl.DataFrame({"portfolio_id": portfolios.ids}).with_row_index("portfolio")
    held = days.filter(pl.col("exit_date").is_null()).join(
        numbers, on="portfolio_id", how="inner", maintain_order="left"
    )
    held = held.sort("portfolio", "position", "session")
    private = (pl.col("investment_class").str.to_uppercase() == "PRIVATE").fill_null(False)
    contract = pl.when(is_option() & ~private).then(CONTRACT_SIZE).otherwise(1)
    price = pl.coalesce("last_price", scaled("entry_price"))
    values = held.select(
        stored=usd(pl.col("market_value"), CENT_SCALE),
        recomputed=usd(scaled("quantity") * price * contract, GRAIN_SCALE),
    )
    frame = held.filter(pl.col("session") == 0).select(
        pl.col("id").alias("position_id"),
        "portfolio",
        "portfolio_id",
        "symbol",
        "underlying_symbol",
        "position_type",
        "investment_class",
        deleted=pl.col("deleted_at").is_not_null(),
        entry_value=usd(scaled("quantity") * scaled("entry_price"), GRAIN_SCALE),
    )
    shape = (frame.height, -1)
    if frame.is_empty():
        shape = (0, portfolios.equity.shape[1])
    stored, recomputed = (values[name].to_numpy().reshape(shape) for name in values.columns)
    return Lots(frame, stored, recomputed)
