"""The joint factor model: each symbol regressed on the market, and on what it leaves of styles and rates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from engine.analytics.factors.alignment import common_samples
from engine.analytics.panels import OpenPositions, PricePanel
from engine.core.funds import MARKET_FUND, RATE_FUND, STYLE_FUNDS
from engine.core.job_catalog import RIDGE_FACTORS
from engine.core.rules import StaleFigures
from engine.numerics.arrays import Bools, Floats, Ints, count_in_windows
from engine.numerics.joint_ridge import rolling_joint_ridge

FUNDS = (MARKET_FUND, *STYLE_FUNDS.values(), RATE_FUND)
CAP = 5.0
"""Largest size of a position's beta."""


class JointBetas(NamedTuple):
    """Betas of the symbols of a panel to K factors: the styles of `STYLE_FUNDS` and rates, in this order.

    Attributes:
        betas: [D, K, S + 1], NaN where there is none; the last symbol stands for those without closes.
        specific: [D, S + 1] daily variance of the residuals, NaN where there is no regression.
        panel: closes of S symbols.
    """

    betas: Floats
    specific: Floats
    panel: PricePanel

    def of(self, symbols: pl.Series) -> Floats:
        """Return the betas of symbols: [D, K, N].

        Args:
            symbols: N names.
        """
        return self.betas[:, :, self.panel.columns(symbols)]

    def styles(self, positions: OpenPositions) -> Floats:
        """Return the positions' betas to the styles: [D, K - 1, N]."""
        return self.of(positions.frame["symbol"])[:, :-1]

    def rates(self, positions: OpenPositions) -> Floats:
        """Return the positions' betas to rates: [D, N]."""
        return self.of(positions.frame["symbol"])[:, -1]


def fresh(panel: PricePanel, funds: Floats, first: Ints, stop: Ints) -> Bools:
    """Return whether each symbol and all funds with closes in the look-back are quoted in the session.

    Args:
        panel: closes of T sessions.
        funds: [T, M] the funds' closes.
        first: [D] first row of each look-back.
        stop: [D] row after the last: the session's own row is the last.

    Returns:
        [D, S + 1], False for the last, which stands for symbols without closes.
    """
    present = np.isfinite(funds)
    lacking = (count_in_windows(present, first, stop) > 0) & ~present[stop - 1]
    complete = np.asarray(~lacking.any(axis=1))
    return np.asarray(panel.quoted & complete[:, None])


def joint_betas(panel: PricePanel, symbols: pl.Series, stale: StaleFigures) -> JointBetas:
    """Regress each symbol jointly on the market, six styles and rates, over 120 calendar days.

        r = a + b_m m + sum_f b_f u_f + e,  u_f = r_f - a_f - g_f m

    m are the returns of SPY, r_f those of the styles' funds and of TLT, u_f the residual of the fund's own
    regression on SPY over the same returns. So b_m is the slope on SPY alone, `market_beta`'s, and the b_f
    hold no market. They are shrunk by as much as they explain little: see
    `engine.numerics.joint_ridge`. Returns are taken between the sessions on which the symbol and all funds
    with any close in the look-back have one; at least 30. Without SPY there is no beta; without a close of
    another fund its factor has none. Betas are capped to [-5, 5].

    Args:
        panel: closes of T sessions.
        symbols: those that are regressed.
        stale: "refused": a symbol without a close in the session has no betas, nor has any without one of
            a fund with closes in the look-back.

    Returns:
        Betas of the panel's symbols.
    """
    columns = np.unique(panel.columns(symbols))
    columns = columns[columns >= 0]
    funds = panel.closes_of(FUNDS)
    first, stop = panel.bounds(RIDGE_FACTORS.look_back)
    betas = np.full((len(first), len(FUNDS) - 1, len(panel.symbols) + 1), np.nan)
    specific = np.full((len(first), len(panel.symbols) + 1), np.nan)
    for sample in common_samples(panel.close[:, columns], funds, first, stop):
        enough = sample.end - sample.start >= RIDGE_FACTORS.minimum
        if not (sample.funds[0] and enough.any()):
            continue
        windows = sample.start[enough], sample.end[enough]
        fits = rolling_joint_ridge(sample.x[:, 0], sample.x[:, 1:], sample.y, *windows)
        fitted = np.where(sample.uses[enough, None], fits.coefficients, np.nan)
        at = np.ix_(sample.sessions[enough], np.flatnonzero(sample.funds[1:]), columns[sample.symbols])
        betas[at] = np.where(np.isnan(fitted), betas[at], fitted)
        own = np.ix_(sample.sessions[enough], columns[sample.symbols])
        moves = sample.uses[enough] & ~np.isnan(fits.coefficients).any(axis=1)
        specific[own] = np.where(moves, fits.variance, specific[own])
    if stale == "refused":
        quoted = fresh(panel, funds, first, stop)
        betas, specific = np.where(quoted[:, None], betas, np.nan), np.where(quoted, specific, np.nan)
    return JointBetas(np.clip(betas, -CAP, CAP, out=betas), specific, panel)
