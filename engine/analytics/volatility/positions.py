"""Volatility of positions and of whole portfolios, for every session at once."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.analytics.job_result import Outcome, first_reasons, status_grid
from engine.analytics.positions.lots import LIVE, Lots, Portfolios
from engine.analytics.price_panel import Panel
from engine.analytics.volatility.portfolio import portfolio_volatility
from engine.core.instruments import unquoted
from engine.core.job_catalog import (
    NO_PORTFOLIO_VOLATILITY,
    NO_POSITION_VOLATILITY,
    VOLATILITY,
    VOLATILITY_NO_ACTIVE_POSITIONS,
    VOLATILITY_NO_PUBLIC_POSITIONS,
)
from engine.core.rules import SyntheticPrefix
from engine.numerics.arrays import Ints
from engine.numerics.volatility import WindowVolatility, own_returns, rolling_volatility

STEEPEST_STABLE = 0.001
"""Volatility a day: a slope beyond it may be a trend."""
WEAKEST_TREND = 0.3
"""R^2 that a trend must exceed."""


def volatility(
    lots: Lots,
    portfolios: Portfolios,
    panel: Panel,
    dates: pl.Series,
    synthetic_prefix: SyntheticPrefix,
) -> Outcome:
    """Rows of position_volatility, and five columns of portfolio_snapshots.

    A position shows its underlying's volatility, or else that of its own symbol, over the closes of
    365 calendar days; at least 63 returns. The portfolio's own series has today's weights. The job
    succeeds where a position and the portfolio have figures; positions' rows stay where it fails.
    Source: document 03 §1.

    Args:
        dates: [D] the window's sessions.
        synthetic_prefix: see `engine.core.rules.Rules`.
    """
    live = lots.where(LIVE)
    quoted = Lots(live.frame.with_columns(measured=_measured()), live.stored, live.recomputed)
    quoted = quoted.where(~unquoted("measured", synthetic_prefix))
    column = panel.columns(quoted.frame["measured"])
    of_symbols, place = symbol_volatility(panel, column)
    of_portfolios = portfolio_volatility(quoted, column, panel, len(portfolios.ids))
    known = of_symbols.computed[:, place].T
    used = _by_portfolio(known, quoted, len(portfolios.ids))
    reasons = _reasons(live, quoted, used, of_portfolios)
    held = np.bincount(live.frame["portfolio"], minlength=len(used))[:, None]
    return Outcome(
        tables={"position_volatility": _position_rows(quoted, of_symbols, place, known, dates)},
        status=status_grid(VOLATILITY, portfolios, dates, reasons, used, held - used),
        snapshot=_snapshot_rows(portfolios, of_portfolios, reasons == 0, dates),
    )


def trend_label(slope: str, strength: str) -> pl.Expr:
    """increasing or decreasing where the slope is steep and explains enough, else stable."""
    strong = pl.col(strength) > WEAKEST_TREND
    return (
        pl.when(strong & (pl.col(slope) > STEEPEST_STABLE))
        .then(pl.lit("increasing"))
        .when(strong & (pl.col(slope) < -STEEPEST_STABLE))
        .then(pl.lit("decreasing"))
        .otherwise(pl.lit("stable"))
    )


def _measured() -> pl.Expr:
    """The symbol whose volatility a position has: its underlying's if it names one."""
    underlying = pl.col("underlying_symbol")
    return pl.when(underlying != "").then(underlying).otherwise("symbol")


def symbol_volatility(panel: Panel, column: Ints) -> tuple[WindowVolatility, Ints]:
    """Figures [D,U] of the U distinct columns, and the place [N] among them of each of N lots' columns.

    Each symbol once, over its own closes of 365 calendar days: a gap makes a return of several days.
    -1, a symbol without any close, has the last place, which has no figures.
    Source: document 03 §1.1 and §1.6.
    """
    columns = np.unique(column[column >= 0])
    own = own_returns(panel.close[:, columns])
    start, end = own.windows(*panel.bounds(VOLATILITY.look_back))
    nothing = np.zeros((len(start), 1), dtype=np.int64)
    figures = rolling_volatility(
        np.concatenate((own.returns, np.zeros((len(own.returns), 1))), axis=1),
        np.concatenate((start, nothing), axis=1),
        np.concatenate((end, nothing), axis=1),
    )
    return figures, np.where(column >= 0, np.searchsorted(columns, column), columns.size)


def _by_portfolio(known: NDArray[np.bool_], lots: Lots, portfolios: int) -> Ints:
    """How many lots [N,D] of each portfolio are known: [P,D]."""
    counts = np.zeros((len(known) + 1, known.shape[1]), dtype=np.int64)
    np.cumsum(known, axis=0, out=counts[1:])
    ends = np.searchsorted(lots.frame["portfolio"].to_numpy(), np.arange(portfolios + 1))
    return counts[ends[1:]] - counts[ends[:-1]]


def _reasons(live: Lots, quoted: Lots, used: Ints, figures: WindowVolatility) -> Ints:
    """Return the number [P,D] of the first reason why a portfolio has no volatility, 0 where it has one."""
    held, eligible = (
        np.bincount(lots.frame["portfolio"], minlength=len(used))[:, None] for lots in (live, quoted)
    )
    cases = {
        VOLATILITY_NO_ACTIVE_POSITIONS: held == 0,
        VOLATILITY_NO_PUBLIC_POSITIONS: eligible == 0,
        NO_POSITION_VOLATILITY: used == 0,
        NO_PORTFOLIO_VOLATILITY: ~figures.computed,
    }
    return first_reasons(VOLATILITY, cases, used.shape)


def _position_rows(
    lots: Lots,
    figures: WindowVolatility,
    place: Ints,
    known: NDArray[np.bool_],
    dates: pl.Series,
) -> pl.DataFrame:
    """The figures of each lot's symbol, for lots and sessions that have any."""
    lot, session = np.nonzero(known)
    at = session, place[lot]
    monthly = figures.realized_21[at]
    rows = lots.frame.select("portfolio_id", "position_id")[lot].with_columns(
        calculation_date=dates.gather(session),
        realized_vol_21d=monthly,
        realized_vol_63d=figures.realized_63[at],
        vol_daily=figures.daily[at],
        vol_weekly=figures.weekly[at],
        vol_monthly=monthly,
        expected_vol_21d=figures.forecast[at],
        vol_trend_strength=figures.trend_strength[at],
        vol_percentile=pl.Series(figures.percentile[at], nan_to_null=True),
        observations=figures.n[at],
        model_r_squared=figures.forecast_r_squared[at],
        slope=figures.trend_slope[at],
    )
    label = trend_label("slope", "vol_trend_strength")
    return rows.with_columns(vol_trend=label).drop("slope")


def _snapshot_rows(
    portfolios: Portfolios,
    figures: WindowVolatility,
    succeeded: NDArray[np.bool_],
    dates: pl.Series,
) -> pl.DataFrame:
    at = np.nonzero(succeeded)
    rows = pl.DataFrame(
        {
            "portfolio_id": portfolios.ids.gather(at[0]),
            "snapshot_date": dates.gather(at[1]),
            "realized_volatility_21d": figures.realized_21[at],
            "realized_volatility_63d": figures.realized_63[at],
            "expected_volatility_21d": figures.forecast[at],
            "volatility_percentile": pl.Series(figures.percentile[at], nan_to_null=True),
            "slope": figures.trend_slope[at],
            "strength": figures.trend_strength[at],
        }
    )
    label = trend_label("slope", "strength")
    return rows.with_columns(volatility_trend=label).drop("slope", "strength")
