"""Covariances and correlations of factors: those of their funds' recent daily returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl

from engine.analytics.factors.alignment import chained_returns, window_slices
from engine.analytics.panels import PricePanel
from engine.core.funds import FUND_FACTORS
from engine.core.job_catalog import STRESS
from engine.core.rules import FactorCovariance
from engine.numerics.arrays import Floats, Ints, count_in_windows
from engine.numerics.correlation import ewma_correlation
from engine.numerics.covariance import correlation_of, rolling_ewma, rolling_ledoit_wolf, rolling_oas

DECAY = 0.94
"""Weight of a day's return relative to the next day's."""


@dataclass(frozen=True)
class FactorCorrelations:
    """M matrices of F factors: one for all sessions, or one for each.

    Attributes:
        names: F factors whose fund has any close, in the order of `FUND_FACTORS`.
        rho: [M, F, F], limited to the bounds, the diagonal exactly 1.
        covariance: [M, F, F] of daily returns, not limited; 0 with fewer than 30 returns.
        returns: [M] the number of returns.
        factors: [M] the number of factors whose fund has a close in the look-back.
        as_of: M days on which the look-backs end.
        duration: [M] years, of the rates' fund on these days, NaN where unknown; None if a shock of rates
            multiplies returns, and moves no other factor.
    """

    names: tuple[str, ...]
    rho: Floats
    covariance: Floats
    returns: Ints
    factors: Ints
    as_of: tuple[date, ...]
    duration: Floats | None = None

    @cached_property
    def _inverses(self) -> dict[tuple[str, ...], Floats]:
        return {}

    def inverse_among(self, names: tuple[str, ...]) -> Floats:
        """Return the inverses of the covariances of some factors, pseudo-inverses where these are singular.

        Scenarios shock a handful of sets of factors, each of which many factors' moves depend on: kept,
        because the inversions were a fifth of the computing.

        Args:
            names: k factors that have a fund.

        Returns:
            [M, k, k].
        """
        if names not in self._inverses:
            at = [self.names.index(name) for name in names]
            among = self.covariance[:, at][:, :, at]
            self._inverses[names] = np.asarray(np.linalg.pinv(among, hermitian=True))
        return self._inverses[names]

    def of_session(self, sessions: int) -> Ints:
        """Return the number of each session's matrix, [D].

        Args:
            sessions: D.
        """
        return np.arange(sessions) if len(self.as_of) == sessions else np.zeros(sessions, dtype=np.int64)

    def between(self, shocked: str, held: str) -> Floats:
        """Return the correlation of two factors; one without a fund correlates with itself alone.

        Args:
            shocked: name of the factor that a scenario shocks.
            held: name of a factor to which the portfolio is exposed.

        Returns:
            [M] in [-1, 1]; 0 between two names of which one has no fund.
        """
        if shocked in self.names and held in self.names:
            return np.asarray(self.rho[:, self.names.index(shocked), self.names.index(held)])
        return np.full(len(self.as_of), float(shocked == held))


def factor_correlations(
    fund_closes: pl.DataFrame,
    run_date: date,
    bounds: tuple[float, float],
    half_life: float | None = None,
) -> FactorCorrelations:
    """Return exponentially weighted correlations of the factor funds' daily returns up to the run date.

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

    Returns:
        One matrix.
    """
    decay = DECAY if half_life is None else _decay(half_life)
    held = set(fund_closes["symbol"])
    funds = [fund for fund in FUND_FACTORS if fund in held]
    close = _complete(fund_closes, funds)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        returns = close[1:] / close[:-1] - 1.0
        returns = returns[~np.isnan(returns).any(axis=1)]
        rho = ewma_correlation(returns, decay, bounds, STRESS.minimum)
    whole = np.array([0]), np.array([len(returns)])
    finite = np.where(np.isfinite(returns).all(axis=0), returns, 0.0)
    return FactorCorrelations(
        tuple(FUND_FACTORS[fund] for fund in funds),
        rho[None],
        _enough(rolling_ewma(finite, *whole, decay), whole[1]),
        whole[1],
        np.array([len(funds)]),
        (run_date,),
    )


def session_correlations(
    panel: PricePanel,
    dates: Sequence[date],
    bounds: tuple[float, float],
    half_life: float | None = None,
    estimate: FactorCovariance = "session",
) -> FactorCorrelations:
    """Return the factor funds' covariances and correlations as of each session, shrunk.

    Of the simple returns of the 282 calendar days before the session, over the sessions on which all funds
    with any close in them have one: see `engine.numerics.covariance`. With a half-life the returns are
    weighted exponentially instead. 0 with fewer than 30 returns.

    Args:
        panel: closes of T sessions.
        dates: D sessions of the window.
        bounds: least and largest correlation of two different factors.
        half_life: returns after which a weight has halved; default equal weights.
        estimate: how they are shrunk: as Ledoit and Wolf do in a "session", or by "session_oas".

    Returns:
        D matrices. A factor whose fund has no close in a look-back has variance 0 there.
    """
    funds = [fund for fund in FUND_FACTORS if fund in panel.index]
    close = panel.close[:, [panel.index[fund] for fund in funds]]
    first, stop = panel.bounds(STRESS.look_back)
    priced = count_in_windows(np.isfinite(close), first, stop) > 0
    covariance = np.zeros((len(first), len(funds), len(funds)))
    count = np.zeros(len(first), dtype=np.int64)
    # Usually the same funds are priced in all sessions: one set.
    for held in np.unique(priced[priced.any(axis=1)], axis=0):
        sessions, own = np.flatnonzero((priced == held).all(axis=1)), np.flatnonzero(held)
        chained = chained_returns(close[:, own], np.asarray(np.isfinite(close[:, own]).all(axis=1)))
        rows = np.flatnonzero(chained.previous >= 0)
        start, end = window_slices(rows, chained.previous[rows], first[sessions], stop[sessions])
        figures = _covariance(chained.returns[rows], start, end, half_life, estimate)
        covariance[np.ix_(sessions, own, own)] = _enough(figures, end - start)
        count[sessions] = end - start
    rho = np.clip(correlation_of(covariance), *bounds)
    rho[:, np.arange(len(funds)), np.arange(len(funds))] = 1.0
    names = tuple(FUND_FACTORS[fund] for fund in funds)
    return FactorCorrelations(names, rho, covariance, count, priced.sum(axis=1), tuple(dates))


def _covariance(
    returns: Floats, start: Ints, end: Ints, half_life: float | None, estimate: FactorCovariance
) -> Floats:
    """Return the covariance of each window of complete returns [R, k]."""
    if half_life is not None:
        return rolling_ewma(returns, start, end, _decay(half_life))
    shrunk = rolling_oas if estimate == "session_oas" else rolling_ledoit_wolf
    return shrunk(returns, start, end)


def _enough(covariance: Floats, returns: Ints) -> Floats:
    """Return the covariances, 0 where they are of fewer returns than the job's minimum."""
    return np.where((returns >= STRESS.minimum)[:, None, None], covariance, 0.0)


def _decay(half_life: float) -> float:
    """Return the weight of a return relative to the next one."""
    return float(0.5 ** (1.0 / half_life))


def _complete(fund_closes: pl.DataFrame, funds: list[str]) -> Floats:
    """Return the closes [days, funds] of the days on which each of the funds has one, ascending."""
    columns = pl.DataFrame({"symbol": funds}, schema={"symbol": pl.String}).with_row_index("column")
    placed = fund_closes.join(columns, on="symbol", maintain_order="left")
    days = placed["date"].unique().sort()
    close = np.full((len(days), len(funds)), np.nan)
    row = days.search_sorted(placed["date"]).to_numpy()
    close[row, placed["column"].to_numpy()] = placed["close"].cast(pl.Float64).to_numpy()
    return np.asarray(close[~np.isnan(close).any(axis=1)])
