"""How a job ends for each portfolio and session: done, or the first reason against it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.analytics.job_result import status_grid
from engine.analytics.portfolio_sums import Groups
from engine.analytics.positions.lots import Portfolios
from engine.numerics.arrays import Bools, Ints

NO_EQUITY = "failed: equity_not_positive"


@dataclass(frozen=True)
class Verdict:
    """reasons: [D, P] "" where the job is done. used, left_out: [D, P] lots it looked at."""

    reasons: NDArray[np.object_]
    used: Ints
    left_out: Ints

    @property
    def done(self) -> Bools:
        """[D, P] whether the job is done."""
        return np.asarray(self.reasons == "", dtype=np.bool_)

    def status(self, portfolios: Portfolios, dates: pl.Series, job: str) -> pl.DataFrame:
        """The rows of analytics_status."""
        return status_grid(portfolios, dates, job, self.reasons.T, self.used.T, self.left_out.T)


def judge(
    groups: Groups,
    portfolios: Portfolios,
    counted: Bools,
    *,
    no_lots: str,
    no_betas: str,
    between: tuple[tuple[Bools, str], ...] = (),
) -> Verdict:
    """The first that holds: no positive equity, no lots, what comes `between`, no lot that counts.

    An equity of null is not positive. A reason reads "failed: code" or "skipped: code".

    Args:
        counted: [D, N] the lots that contribute to the figure.
        between: further conditions [D, P] or [D, 1], with their reasons.
    """
    used, every = groups.tally(counted), groups.tally(np.ones_like(counted))
    no_equity = ~(portfolios.equity.T > 0)
    cases = ((no_equity, NO_EQUITY), (every == 0, no_lots), *between, (used == 0, no_betas))
    reasons = np.full(used.shape, "", dtype=np.object_)
    for holds, reason in reversed(cases):
        reasons[np.broadcast_to(holds, used.shape)] = reason
    used[reasons != ""] = 0
    return Verdict(reasons, used, every - used)
