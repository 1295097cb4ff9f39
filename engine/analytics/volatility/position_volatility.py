"""Volatility of positions, and with `portfolio_volatility` of portfolios, for every session at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.analytics.job_result import JobResult, covered, first_reasons, status_rows
from engine.analytics.panels import LIVE, OpenPositions, Portfolios, PortfolioSums, PricePanel
from engine.analytics.volatility.portfolio_volatility import (
    equity_weights,
    net_weights,
    portfolio_volatility,
)
from engine.core.instruments import measured_symbol, unquoted
from engine.core.job_catalog import (
    EQUITY_NOT_POSITIVE,
    NO_PORTFOLIO_VOLATILITY,
    NO_POSITION_VOLATILITY,
    PERCENTILE_LOOK_BACK,
    VOLATILITY,
    VOLATILITY_NO_ACTIVE_POSITIONS,
    VOLATILITY_NO_PUBLIC_POSITIONS,
)
from engine.core.rules import Rules
from engine.numerics.arrays import Bools, Floats, Ints
from engine.numerics.tails import Tails
from engine.numerics.volatility import WindowVolatility, own_returns, rolling_volatility

STEEPEST_STABLE = 0.001
"""Volatility a day: a steeper slope may be a trend."""
WEAKEST_TREND = 0.3
"""R^2 that a trend must exceed."""


@dataclass(frozen=True)
class VolatilityResult(JobResult):
    """Result of the job, with the tails of the portfolios' own series.

    Attributes:
        tails: [P, D]; None where the rules ask for none.
    """

    tails: Tails | None = None


def volatility(
    positions: OpenPositions,
    portfolios: Portfolios,
    panel: PricePanel,
    dates: pl.Series,
    rules: Rules,
) -> VolatilityResult:
    """Compute realised volatility and its forecast for positions and portfolios.

        realized_vol_21d = sd(r over the last 21 returns) sqrt(252),  r_t = close_t / close_p - 1

    and the other figures of `engine.numerics.volatility`, over the closes of 365 calendar days, from 63
    returns on. A position has the volatility of its underlying's symbol, or else of its own. A portfolio's
    own series has each session's weights, `portfolio_volatility`. The job succeeds where a position and
    the portfolio have figures; positions' rows stay where only the portfolio's fail. Source: document 03
    §1.

    Args:
        positions: N of them; values [N, D].
        portfolios: P of them.
        panel: closes of T sessions.
        dates: [D] the window's sessions.
        rules: synthetic_prefix, stale_figures, volatility_weights, volatility_forecast and percentile_window.

    Returns:
        position_volatility; five columns of the snapshot; tails of the portfolios' series.
    """
    live = positions.where(LIVE)
    quoted = live._replace(frame=live.frame.with_columns(measured=measured_symbol()))
    quoted = quoted.where(~unquoted("measured", rules.synthetic_prefix))
    column = panel.columns(quoted.frame["measured"])
    figures, place = symbol_volatility(panel, column, rules)
    fresh = panel.quoted[:, column].T if rules.stale_figures == "refused" else np.True_
    due = np.asarray(quoted.present.T & fresh)
    weight, counted = _weights(quoted, portfolios, rules)
    weight = np.where(due, weight, np.nan)
    series = portfolio_volatility(weight, quoted.owner, column, panel, len(portfolios.ids), rules)
    own = series.volatility
    computed = figures.computed[:, place].T & due
    sums = PortfolioSums(quoted.owner, len(portfolios.ids))
    entered, value = (computed & counted).T, np.abs(np.nan_to_num(quoted.value.T))
    used = sums.number(entered).T
    coverage = covered(sums.sum(np.where(entered, value, 0.0)), sums.sum(value)).T
    held, eligible = (
        PortfolioSums(some.owner, len(portfolios.ids)).number(some.present).T for some in (live, quoted)
    )
    poor = (rules.volatility_weights == "equity") & ~(portfolios.equity > 0)
    cases = {
        EQUITY_NOT_POSITIVE: poor,
        VOLATILITY_NO_ACTIVE_POSITIONS: held == 0,
        VOLATILITY_NO_PUBLIC_POSITIONS: eligible == 0,
        NO_POSITION_VOLATILITY: used == 0,
        NO_PORTFOLIO_VOLATILITY: ~own.computed,
    }
    reasons = first_reasons(VOLATILITY, cases, used.shape)
    return VolatilityResult(
        tables={"position_volatility": _position_rows(quoted, figures, place, computed, dates)},
        status=status_rows(VOLATILITY, portfolios, dates, reasons, used, held - used, coverage),
        snapshot=_snapshot_rows(portfolios, own, reasons == 0, dates),
        tails=series.tails,
    )


def _weights(positions: OpenPositions, portfolios: Portfolios, rules: Rules) -> tuple[Floats, Bools]:
    """Return the positions' weights [N, D], and which of them count as used if they have figures."""
    if rules.volatility_weights == "equity":
        weight = equity_weights(positions, portfolios.equity)
        return weight, ~np.isnan(weight)
    return net_weights(positions, len(portfolios.ids)), np.ones(positions.stored.shape, dtype=np.bool_)


def symbol_volatility(panel: PricePanel, column: Ints, rules: Rules) -> tuple[WindowVolatility, Ints]:
    """Compute the figures of each symbol once, over its own closes of 365 calendar days.

    A gap makes a return of several days. Source: document 03 §1.1 and §1.6.

    Args:
        panel: closes of T sessions.
        column: [N] the panel's column of each position, -1 for a symbol without any close.
        rules: volatility_forecast and percentile_window.

    Returns:
        Figures [D, U + 1] of the U distinct columns and of a last one without figures; the place [N] of
        each position among them.
    """
    columns = np.unique(column[column >= 0])
    # The column of NaN has no returns: positions whose symbol has no close use it.
    closes = np.column_stack((panel.close[:, columns], np.full(len(panel.close), np.nan)))
    own = own_returns(closes)
    ranked = None
    if rules.percentile_window == "400_days":
        ranked, _ = own.windows(*panel.bounds(PERCENTILE_LOOK_BACK))
    figures = rolling_volatility(
        own.returns,
        *own.windows(*panel.bounds(VOLATILITY.look_back)),
        reverting=rules.volatility_forecast == "mean_reverting",
        ranked=ranked,
    )
    return figures, np.where(column >= 0, np.searchsorted(columns, column), columns.size)


def trend_label(slope: str, strength: str) -> pl.Expr:
    """Return increasing or decreasing where the slope is steep and explains enough, else stable.

    Args:
        slope: name of the column with the slope of the 21-day volatility, a session.
        strength: name of the column with its R^2.
    """
    strong = pl.col(strength) > WEAKEST_TREND
    return (
        pl.when(strong & (pl.col(slope) > STEEPEST_STABLE))
        .then(pl.lit("increasing"))
        .when(strong & (pl.col(slope) < -STEEPEST_STABLE))
        .then(pl.lit("decreasing"))
        .otherwise(pl.lit("stable"))
    )


def _position_rows(
    positions: OpenPositions, figures: WindowVolatility, place: Ints, computed: Bools, dates: pl.Series
) -> pl.DataFrame:
    """Return rows of position_volatility for the cells [N, D] that have figures."""
    position, session = np.nonzero(computed)
    at = session, place[position]
    monthly = figures.realized_21[at]
    rows = positions.frame.select("portfolio_id", "position_id")[position].with_columns(
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
        model_r_squared=pl.Series(figures.forecast_r_squared[at], nan_to_null=True),
        slope=figures.trend_slope[at],
    )
    label = trend_label("slope", "vol_trend_strength")
    return rows.with_columns(vol_trend=label).drop("slope")


def _snapshot_rows(
    portfolios: Portfolios, figures: WindowVolatility, succeeded: Bools, dates: pl.Series
) -> pl.DataFrame:
    """Return the snapshot columns of the cells [P, D] that succeeded."""
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
