"""Correlations of factors: those of their funds' recent daily returns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from engine.core.funds import FUND_FACTORS
from engine.core.job_catalog import STRESS
from engine.numerics.arrays import Floats
from engine.numerics.correlation import ewma_correlation

DECAY = 0.94
"""Weight of a day's return relative to the next day's."""


@dataclass(frozen=True)
class FactorCorrelations:
    """Correlations of F factors, as of one day.

    Attributes:
        names: F factors whose fund has any close, in the order of `FUND_FACTORS`.
        rho: [F, F], the diagonal exactly 1.
        returns: T, the number of returns.
        as_of: the run date.
    """

    names: tuple[str, ...]
    rho: Floats
    returns: int
    as_of: date

    def between(self, shocked: str, held: str) -> float:
        """Return the correlation of two factors; one without a fund correlates with itself alone.

        Args:
            shocked: name of the factor that a scenario shocks.
            held: name of a factor to which the portfolio is exposed.

        Returns:
            In [-1, 1]; 0 between two names of which one has no fund.
        """
        if shocked in self.names and held in self.names:
            return float(self.rho[self.names.index(shocked), self.names.index(held)])
        return float(shocked == held)


def factor_correlations(
    fund_closes: pl.DataFrame,
    run_date: date,
    bounds: tuple[float, float],
    half_life: float | None = None,
) -> FactorCorrelations:
    """Return exponentially weighted correlations of the factor funds' daily returns.

        R_t = P_t / P_{t-1} - 1  over the days on which all funds with any close have one
        rho_ab = cov_w(R_a, R_b) / sqrt(var_w(R_a) var_w(R_b)),  w_t ~ decay^(T-t)

    limited to `bounds` off the diagonal; 0 with fewer than 30 returns or where a variance is not positive. A
    day on which any return is undefined (0 after 0) is left out for all funds; infinite ones stay, and
    leave their fund without a variance. Source: documents 02 §2.2 and 03 §4.2.

    Args:
        fund_closes: symbol, date, close in USD; of the look-back of the run date, on any days, closes of 0
            included.
        run_date: the day on which the look-back ends.
        bounds: least and largest correlation of two different factors.
        half_life: returns after which a weight has halved; default a decay of 0.94, 11.2 returns.
    """
    decay = DECAY if half_life is None else 0.5 ** (1.0 / half_life)
    held = set(fund_closes["symbol"])
    funds = [fund for fund in FUND_FACTORS if fund in held]
    close = _complete(fund_closes, funds)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        returns = close[1:] / close[:-1] - 1.0
        returns = returns[~np.isnan(returns).any(axis=1)]
        rho = ewma_correlation(returns, decay, bounds, STRESS.minimum)
    return FactorCorrelations(tuple(FUND_FACTORS[fund] for fund in funds), rho, len(returns), run_date)


def _complete(fund_closes: pl.DataFrame, funds: list[str]) -> Floats:
    """Return the closes [days, funds] of the days on which each of the funds has one, ascending."""
    columns = pl.DataFrame({"symbol": funds}, schema={"symbol": pl.String}).with_row_index("column")
    placed = fund_closes.join(columns, on="symbol", maintain_order="left")
    days = placed["date"].unique().sort()
    close = np.full((len(days), len(funds)), np.nan)
    row = days.search_sorted(placed["date"]).to_numpy()
    close[row, placed["column"].to_numpy()] = placed["close"].cast(pl.Float64).to_numpy()
    return np.asarray(close[~np.isnan(close).any(axis=1)])
