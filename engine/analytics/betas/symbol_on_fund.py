"""Regressions of single symbols on a fund: computed once a symbol, looked up by every lot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.analytics.positions.lots import Lots
from engine.analytics.price_panel import Panel
from engine.core.job_catalog import Job
from engine.numerics.ols import OlsFit, aligned_returns, rolling_ols

CAP = 5.0
"""Largest size of a slope; the other figures stay those of the uncapped one."""


@dataclass(frozen=True)
class PairBetas:
    """Regressions by symbol, and which of them is each lot's.

    fit: arrays [D, S + 1], the slope capped; the last column is never fitted.
    column: [N] each lot's column.
    """

    fit: OlsFit
    column: NDArray[np.int64]

    @property
    def fitted(self) -> NDArray[np.bool_]:
        """[D, N] whether a lot has a beta."""
        return self.fit.fitted[:, self.column]

    def of_lots(self, name: str) -> NDArray[np.float64]:
        """[D, N] a figure of every lot, NaN where it is not fitted or undefined."""
        figures: NDArray[np.float64] = getattr(self.fit, name)[:, self.column]
        return figures

    def rows(self, name: str, session: NDArray[np.int64], lot: NDArray[np.int64]) -> pl.Series:
        """A figure of the given sessions and lots."""
        return pl.Series(name, getattr(self.fit, name)[session, self.column[lot]])


def pair_betas(panel: Panel, lots: Lots, fund: str, job: Job) -> PairBetas:
    """Regress each lot's own symbol on a fund, over the job's look-back of each session.

        r_t = alpha + beta x_t + e_t,  r_t = close_t / close_p - 1

    r the symbol's and x the fund's simple returns over the sessions that both have, p the one
    before t of these; at least the job's minimum of returns; beta capped to [-5, 5]. The symbol is
    the lot's own, never its underlying. Source: document 02 §2.2, §3.1, §4.1.
    """
    columns = panel.columns(lots.frame["symbol"])
    known = np.unique(columns[columns >= 0])
    first, stop = panel.bounds(job.look_back)
    fit = OlsFit.blank((len(first), known.size + 1))
    if known.size and fund in panel.index:
        returns = aligned_returns(panel.close[:, known], panel.close[:, panel.index[fund]])
        fit.put(np.s_[:, :-1], rolling_ols(returns, first, stop, job.minimum))
    np.clip(fit.slope, -CAP, CAP, out=fit.slope)
    return PairBetas(fit, np.where(columns >= 0, np.searchsorted(known, columns), known.size))
