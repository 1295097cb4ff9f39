"""Candidates for the forecast of a symbol's variance over its next 21 returns, walk-forward.

Shapes: T sessions, S symbols. A candidate's cell [t, s] is the daily variance that it forecasts after
session t from closes up to t, NaN where it has none; later closes change no bit of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.analytics.panels import PricePanel
from engine.core.job_catalog import VOLATILITY
from engine.numerics.arrays import Bools, Floats, Ints
from engine.numerics.forecasts import DECAY, HORIZON
from engine.numerics.volatility import ANNUAL, own_returns, rolling_volatility

FEWEST_RETURNS = 126
"""Of a symbol, before its forecasts are compared."""
FEWEST_PAIRS = 30
"""Outcomes that a regression is fitted to."""
SLOW_DECAY = 0.97
TINY = 1e-8
"""The least variance that a logarithm is taken of."""


@dataclass(frozen=True)
class ReturnHistory:
    """Squared returns of each symbol between its own consecutive closes, by session.

    Attributes:
        panel: closes; every session is a target.
    """

    panel: PricePanel

    @cached_property
    def squares(self) -> Floats:
        """Squared returns [T-1, S]: row i of a symbol is its return i, 0 after its last."""
        return own_returns(self.panel.close).returns ** 2

    @cached_property
    def count(self) -> Ints:
        """Returns of each symbol up to each session, [T, S]."""
        return np.asarray(np.maximum(np.cumsum(np.isfinite(self.panel.close), axis=0) - 1, 0))

    @cached_property
    def compared(self) -> Bools:
        """The forecasts that are compared: with enough returns before, and a known outcome; [T, S]."""
        known = self.count + HORIZON <= self.count[-1]
        return np.asarray(np.isfinite(self.panel.close) & (self.count >= FEWEST_RETURNS) & known)

    @cached_property
    def outcomes(self) -> Floats:
        """RV, the mean of the next 21 squared returns, NaN where they are not known yet: [T, S]."""
        ahead = rolling_mean(self.squares, HORIZON)
        row = np.minimum(self.count + HORIZON, len(self.squares)) - 1
        values = np.take_along_axis(ahead, row, axis=0)
        return np.where(
            np.isfinite(self.panel.close) & (self.count + HORIZON <= self.count[-1]), values, np.nan
        )

    @cached_property
    def outcome_session(self) -> Ints:
        """The row of the session in which each outcome is known, T where none is: [T, S]."""
        last = np.apply_along_axis(np.searchsorted, 0, self.count, np.arange(len(self.count)))
        wanted = np.minimum(self.count + HORIZON, len(self.count) - 1)
        rows = np.take_along_axis(last, wanted, axis=0)
        return np.where(np.isfinite(self.outcomes), rows, len(self.count))

    def at(self, rows: Floats) -> Floats:
        """Return figures of a symbol's own rows [T-1, S] by session, NaN without a close: [T, S]."""
        values = np.take_along_axis(rows, np.maximum(self.count - 1, 0), axis=0)
        return np.where(np.isfinite(self.panel.close) & (self.count > 0), values, np.nan)

    def mean(self, span: int) -> Floats:
        """Return the mean of the last `span` squared returns, NaN where there are fewer: [T, S].

        Args:
            span: returns.
        """
        return self.at(rolling_mean(self.squares, span))

    def weighted(self, decay: float) -> Floats:
        """Return the exponentially weighted mean of all squared returns up to each session: [T, S].

        Args:
            decay: of a return, in (0, 1).
        """
        means, total, weight = np.empty_like(self.squares), np.zeros(self.squares.shape[1]), 0.0
        for row, square in enumerate(self.squares):
            total, weight = decay * total + square, decay * weight + 1.0
            means[row] = total / weight
        return self.at(means)


def rolling_mean(values: Floats, span: int) -> Floats:
    """Return the mean of each row and the `span` - 1 rows before it, NaN where there are fewer.

    Args:
        values: [n, m].
        span: rows, at least 1.

    Returns:
        [n, m].
    """
    means = np.full(values.shape, np.nan)
    if len(values) >= span:
        windows = np.lib.stride_tricks.sliding_window_view(values, span, axis=0)
        means[span - 1 :] = windows.mean(axis=-1)
    return means


def _forecast(history: ReturnHistory, *, reverting: bool) -> Floats:
    """Return the forecast of a value of `volatility_forecast`, at a yearly rate."""
    own = own_returns(history.panel.close)
    windows = own.windows(*history.panel.bounds(VOLATILITY.look_back))
    figures = rolling_volatility(own.returns, *windows, reverting=reverting)
    return np.where(np.isfinite(history.panel.close), figures.forecast, np.nan)


def _daily_har(history: ReturnHistory) -> Floats:
    # As it is stored: its running sums are about the mean of all rows, later ones too, in the last bits.
    annual = np.round(_forecast(history, reverting=False), 4)
    return np.asarray(np.sign(annual) * (annual / ANNUAL) ** 2)


def _mean_reverting(history: ReturnHistory) -> Floats:
    return np.asarray((_forecast(history, reverting=True) / ANNUAL) ** 2)


def _year(history: ReturnHistory) -> Floats:
    """Return the mean of up to 252 squared returns."""
    sums = np.vstack((np.zeros(history.squares.shape[1]), np.cumsum(history.squares, axis=0)))
    start = np.maximum(history.count - 252, 0)
    total = np.take_along_axis(sums, history.count, axis=0) - np.take_along_axis(sums, start, axis=0)
    mean = np.divide(
        total, history.count - start, out=np.full(total.shape, np.nan), where=history.count > start
    )
    return np.where(np.isfinite(history.panel.close), mean, np.nan)


def _har(history: ReturnHistory, *, log: bool = False, panel: bool = False) -> Floats:
    """Return direct HAR forecasts: RV on the means of the last 1, 5 and 21 squared returns (Corsi, 2009).

    log: of logarithms of the last two, as the mean of a log-normal variable. panel: one regression of all
    symbols together, of figures over each symbol's mean of a year.
    """
    level = _year(history) if panel else np.ones(history.count.shape)
    level[level == 0.0] = np.nan  # a series that never moved has no figures over its level
    means = [history.mean(span) / level for span in ((5, 21) if log else (1, 5, 21))]
    x, y = np.stack(means, axis=-1), history.outcomes / level
    if log:
        x, y = _logarithm(x), _logarithm(y)
    x = np.concatenate((np.ones_like(x[..., :1]), x), axis=-1)
    fitted, variance = _fitted(history, x, y, panel)
    forecast = np.einsum("tsk,tsk->ts", x, fitted)
    return np.asarray(level * (np.exp(forecast + variance / 2.0) if log else forecast))


def _logarithm(values: Floats) -> Floats:
    return np.log(np.maximum(values, TINY))


def _known(history: ReturnHistory, terms: Floats, panel: bool) -> Floats:
    """Return sums of terms [T, S, ...] over the forecasts whose outcome each session knows."""
    sums = np.zeros((len(terms) + 1, *terms.shape[1:]))
    np.add.at(sums, (history.outcome_session, np.arange(terms.shape[1])[None, :]), terms)
    running = np.cumsum(sums[:-1], axis=0)
    return np.broadcast_to(running.sum(axis=1, keepdims=True), running.shape) if panel else running


def _fitted(history: ReturnHistory, x: Floats, y: Floats, panel: bool) -> tuple[Floats, Floats]:
    """Return least-squares coefficients [T, S, k] and residual variances [T, S] of the known outcomes."""
    usable = np.isfinite(x).all(axis=-1) & np.isfinite(y)
    rows, y = np.where(usable[..., None], x, 0.0), np.where(usable, y, 0.0)
    gram = _known(history, rows[..., :, None] * rows[..., None, :], panel)
    moment = _known(history, rows * y[..., None], panel)
    number = _known(history, usable.astype(np.float64), panel)
    enough = number >= FEWEST_PAIRS
    # The pseudo-inverse has a solution for dependent regressors, too. Scaled, its threshold suits all.
    size = np.sqrt(np.maximum(np.einsum("tskk->tsk", gram), np.finfo(float).tiny))
    scaled = gram / (size[..., :, None] * size[..., None, :])
    inverse = np.linalg.pinv(np.where(enough[..., None, None], scaled, np.eye(x.shape[-1])), hermitian=True)
    fitted = np.einsum("tsij,tsj->tsi", inverse, moment / size) / size
    residual = _known(history, y * y, panel) - np.einsum("tsk,tsk->ts", fitted, moment)
    variance = np.divide(residual, number, out=np.full(number.shape, np.nan), where=enough)
    return np.where(enough[..., None], fitted, np.nan), variance


def _market(history: ReturnHistory) -> Floats:
    """Return a third each of the EWMA, the year's mean, and that mean times all symbols' ratio of both."""
    recent, year = history.weighted(DECAY), _year(history)
    ratio = np.divide(recent, year, out=np.full(year.shape, np.nan), where=year > 0)
    some = np.isfinite(ratio)
    number = np.maximum(some.sum(axis=1, keepdims=True), 1)
    common = np.where(some, ratio, 0.0).sum(axis=1, keepdims=True) / number
    return np.asarray((recent + year + common * year) / 3.0)


CANDIDATES: dict[str, Callable[[ReturnHistory], Floats]] = {
    "ewma": lambda history: history.weighted(DECAY),
    "ewma_97": lambda history: history.weighted(SLOW_DECAY),
    "year": _year,
    "daily_har": _daily_har,
    "har": _har,
    "log_har": lambda history: _har(history, log=True),
    "panel_har": lambda history: _har(history, panel=True),
    "panel_log_har": lambda history: _har(history, log=True, panel=True),
    "market_scaled": _market,
    "mean_reverting": _mean_reverting,
}
"""Functions from a history to forecasts [T, S]; the first is what the others are compared with."""
