"""Factor correlations: how the funds that stand for factors have moved together of late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.core.funds import FUND_FACTORS
from engine.core.job_catalog import STRESS
from engine.numerics.correlation import ewma_correlation

DECAY = 0.94
"""Weight of a day's return against the next day's."""


@dataclass(frozen=True)
class FactorCorrelations:
    """Correlations of F factors, as of one day.

    names: [F] factors whose fund has any close, in the order of `FUND_FACTORS`.
    rho: [F, F], the diagonal exactly 1. returns: T, the returns that it rests on.
    """

    names: tuple[str, ...]
    rho: NDArray[np.float64]
    returns: int
    as_of: date

    def between(self, shocked: str, held: str) -> float:
        """Correlation of two factors; one without a fund correlates with itself alone."""
        if shocked in self.names and held in self.names:
            return float(self.rho[self.names.index(shocked), self.names.index(held)])
        return float(shocked == held)


def factor_correlations(
    fund_closes: pl.DataFrame,
    run_date: date,
    bounds: tuple[float, float],
    half_life: float | None = None,
) -> FactorCorrelations:
    """Exponentially weighted correlations of the factor funds' daily returns.

        R_t = P_t / P_{t-1} - 1  over the days on which all funds with any close have one
        rho_ab = cov_w(R_a, R_b) / sqrt(var_w(R_a) var_w(R_b)),  w_t ~ decay^(T-t)

    cut to `bounds` off the diagonal; 0 with fewer than 30 returns or where a variance is not
    positive. A day on which some return is undefined (0 after 0) is left out whole; infinite ones
    stay, and leave their fund without a variance. Source: documents 02 §2.2 and 03 §4.2.

    Args:
        fund_closes: symbol, date, close in USD; of the look-back of the run date, on any days,
            closes of 0 included.
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
        rho = ewma_correlation(returns, decay, 1.0, STRESS.minimum)
    rho = np.clip(rho, *bounds)
    np.fill_diagonal(rho, 1.0)
    return FactorCorrelations(tuple(FUND_FACTORS[fund] for fund in funds), rho, len(returns), run_date)


def _complete(fund_closes: pl.DataFrame, funds: list[str]) -> NDArray[np.float64]:
    """[days, funds] closes of the days on which each of the funds has one, ascending."""
    columns = pl.DataFrame({"symbol": funds}, schema={"symbol": pl.String}).with_row_index("column")
    known = fund_closes.join(columns, on="symbol", maintain_order="left")
    days = known["date"].unique().sort()
    close = np.full((len(days), len(funds)), np.nan)
    row = days.search_sorted(known["date"]).to_numpy()
    close[row, known["column"].to_numpy()] = known["close"].cast(pl.Float64).to_numpy()
    return np.asarray(close[~np.isnan(close).any(axis=1)])
