"""Value at risk and expected shortfall of each portfolio for the next session, and their backtests."""

from __future__ import annotations

import math
from datetime import date, timedelta
from statistics import NormalDist

import numpy as np
import polars as pl

from engine.analytics.panels import Portfolios
from engine.core.calendar import last_session
from engine.numerics.arrays import Bools, Floats
from engine.numerics.backtests import Backtest, backtest, rolling_counts
from engine.numerics.rounding import round_half_away
from engine.numerics.tails import LEVELS, Tails

TABLE, TESTS = "engine_value_at_risk", "engine_var_tests"
METHODS = ("historical", "model")
SESSIONS_TESTED = 250
"""The newest sessions with a forecast of the session before, as the Basel Committee counts them."""
KINDS = [(method, level) for method in METHODS for level in LEVELS]
TESTED: dict[str, pl.DataType] = {
    "sessions": pl.Int32(),
    "exceptions": pl.Int32(),
    "kupiec": pl.Float64(),
    "kupiec_p": pl.Float64(),
    "christoffersen": pl.Float64(),
    "christoffersen_p": pl.Float64(),
    "joint_p": pl.Float64(),
    "zone": pl.String(),
}
"""Columns of `TESTS` that hold the fields of a `Backtest`, in its order."""
PREVIOUS: dict[str, pl.DataType] = {
    "portfolio_id": pl.String(),
    "calculation_date": pl.Date(),
    "method": pl.String(),
    "level": pl.Int32(),
    "value_at_risk": pl.Float64(),
    "exceeded": pl.Boolean(),
}
"""Columns of earlier rows of `TABLE` that a window reads."""


def value_at_risk(
    portfolios: Portfolios,
    dates: pl.Series,
    volatility: Floats,
    tails: Tails,
    pnl: Floats,
    previous: pl.DataFrame,
) -> dict[str, pl.DataFrame]:
    """Forecast the next session's loss that is exceeded with probability 1 - level, and test the forecasts.

        historical: VaR = -E Q, ES = -E mean(R_t not above Q);  Q the 1 - level quantile of the portfolio's
                    last 252 returns, with the session's weights over equity
        model:      VaR = E z s, ES = E s phi(z) / (1 - level);  s = expected_volatility_21d / sqrt(252),
                    z the normal distribution's quantile at level

    E is the equity of the session. `exceeded` says whether the session's own P&L is below minus the VaR that
    the session before had; the tests are over up to 250 of these. Sources: Kupiec (1995), Christoffersen
    (1998), Basel Committee (1996).

    Args:
        portfolios: P of them; equity [P, D].
        dates: [D] the window's sessions.
        volatility: [P, D] fraction a year, as stored; NaN where there is none.
        tails: [P, D] of the portfolios' own series.
        pnl: [P, D] USD, as stored; NaN where there is none.
        previous: columns `PREVIOUS`, of up to 250 sessions before the window.

    Returns:
        Rows of both tables; no row where a figure cannot be computed.
    """
    loss, shortfall = _forecasts(portfolios.equity, volatility, tails)
    before, hits = _earlier(portfolios.ids, dates, previous)
    limit = np.concatenate((before[:, None], loss[:, :-1]), axis=1)
    known = np.isfinite(limit) & np.isfinite(pnl)[:, :, None]
    exceeded = known & (pnl[:, :, None] < -np.where(known, limit, 0.0))
    counts = np.broadcast_to(tails.n[:, :, None], loss.shape)
    at = np.nonzero(np.isfinite(loss) | known)
    kind = at[2]
    rows = _keys(portfolios, dates, at).with_columns(
        value_at_risk=pl.Series(loss[at], nan_to_null=True),
        expected_shortfall=pl.Series(shortfall[at], nan_to_null=True),
        observations=pl.Series(
            np.where((kind < len(LEVELS)) & np.isfinite(loss[at]), counts[at], -1), dtype=pl.Int32
        ),
        exceeded=pl.when(pl.Series(known[at])).then(pl.Series(exceeded[at])),
    )
    rows = rows.with_columns(observations=pl.when(pl.col("observations") >= 0).then("observations"))
    return {TABLE: rows, TESTS: _tests(portfolios, dates, known, exceeded, hits)}


def _forecasts(equity: Floats, volatility: Floats, tails: Tails) -> tuple[Floats, Floats]:
    """Return VaR and expected shortfall [P, D, 4] in USD, to the cent, by `KINDS`."""
    worth = np.where(equity > 0, equity, np.nan)[:, :, None]
    daily = volatility[:, :, None] / math.sqrt(252.0)
    normal = NormalDist()
    points = [normal.inv_cdf(level) for level in LEVELS]
    beyond = [normal.pdf(point) / (1.0 - level) for point, level in zip(points, LEVELS, strict=True)]
    loss = np.concatenate((-tails.quantile, daily * np.array(points)), axis=2) * worth
    shortfall = np.concatenate((-tails.mean, daily * np.array(beyond)), axis=2) * worth
    # As stored: the next night reads it from the table.
    return round_half_away(loss.ravel(), 2).reshape(loss.shape), shortfall


def _earlier(
    ids: pl.Series, dates: pl.Series, previous: pl.DataFrame
) -> tuple[Floats, dict[tuple[str, str, int], Bools]]:
    """Return the VaR of the session before the window [P, 4], and the earlier exceptions by series."""
    first = dates[0]
    assert isinstance(first, date)
    newest = last_session(first - timedelta(days=1))
    values: dict[tuple[str, str, int], float] = {}
    hits: dict[tuple[str, str, int], Bools] = {}
    ordered = previous.sort("calculation_date")
    for key, rows in ordered.group_by("portfolio_id", "method", "level", maintain_order=True):
        series = str(key[0]), str(key[1]), int(str(key[2]))
        hits[series] = rows["exceeded"].drop_nulls().to_numpy()[-SESSIONS_TESTED:]
        if rows["calculation_date"][-1] == newest:
            values[series] = rows["value_at_risk"].cast(pl.Float64).fill_null(np.nan)[-1]
    before = [
        [values.get((owner, *_name(kind)), np.nan) for kind in range(len(KINDS))] for owner in ids.to_list()
    ]
    return np.array(before, dtype=np.float64).reshape(len(ids), len(KINDS)), hits


def _name(kind: int) -> tuple[str, int]:
    """Return the method and the level in percent of a number of `KINDS`."""
    method, level = KINDS[kind]
    return method, round(100 * level)


def _keys(portfolios: Portfolios, dates: pl.Series, at: tuple[np.ndarray, ...]) -> pl.DataFrame:
    """Return portfolio_id, calculation_date, method and level of cells [P, D, 4]."""
    names = [_name(kind) for kind in range(len(KINDS))]
    methods = pl.Series("method", [method for method, _ in names])
    levels = pl.Series("level", [level for _, level in names], dtype=pl.Int32)
    return pl.DataFrame(
        [
            portfolios.ids.gather(at[0]).alias("portfolio_id"),
            dates.gather(at[1]).alias("calculation_date"),
            methods.gather(at[2]),
            levels.gather(at[2]),
        ]
    )


def _tests(
    portfolios: Portfolios,
    dates: pl.Series,
    known: Bools,
    exceeded: Bools,
    hits: dict[tuple[str, str, int], Bools],
) -> pl.DataFrame:
    """Return rows of engine_var_tests for the cells [P, D, 4] with a forecast of the session before."""
    tests: list[Backtest] = []
    cells: list[tuple[int, int, int]] = []
    for portfolio, owner in enumerate(portfolios.ids.to_list()):
        for kind, (_, level) in enumerate(KINDS):
            sessions = np.flatnonzero(known[portfolio, :, kind])
            if not sessions.size:
                continue
            earlier = hits.get((owner, *_name(kind)), np.zeros(0, dtype=np.bool_))
            series = np.concatenate((earlier, exceeded[portfolio, sessions, kind]))
            counts = rolling_counts(series, SESSIONS_TESTED)[earlier.size :]
            tests += [backtest(count, level) for count in counts]
            cells += [(portfolio, int(session), kind) for session in sessions]
    at = tuple(np.array(cells, dtype=np.int64).reshape(-1, 3).T)
    figures = pl.DataFrame(tests, schema=TESTED, orient="row")
    return pl.concat([_keys(portfolios, dates, at), figures.fill_nan(None)], how="horizontal")
