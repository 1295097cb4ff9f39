"""Which portfolios and sessions a job of weighted betas computes, and the first reason against the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.analytics.job_result import first_reasons, status_grid
from engine.analytics.portfolio_sums import Groups
from engine.analytics.positions.lots import Portfolios
from engine.core.job_catalog import EQUITY_NOT_POSITIVE, Job, Reason
from engine.numerics.arrays import Bools, Ints


@dataclass(frozen=True)
class Verdict:
    """Where a job has figures.

    reasons: [D, P] of `first_reasons`, 0 where the job is done. used, left_out: [D, P] lots.
    """

    job: Job
    reasons: Ints
    used: Ints
    left_out: Ints

    @property
    def done(self) -> Bools:
        """[D, P] whether the job is done."""
        return np.asarray(self.reasons == 0)

    def status(self, portfolios: Portfolios, dates: pl.Series) -> pl.DataFrame:
        """Return the rows of analytics_status."""
        return status_grid(self.job, portfolios, dates, self.reasons.T, self.used.T, self.left_out.T)


def judge(
    job: Job,
    groups: Groups,
    portfolios: Portfolios,
    counted: Bools,
    *,
    no_lots: Reason,
    no_betas: Reason,
    further: Mapping[Reason, Bools] | None = None,
) -> Verdict:
    """Return where a job has figures: equity is above 0, there are lots, and one of them counts.

    An equity of null is not positive.

    Args:
        job: the job; its reasons are those below and `EQUITY_NOT_POSITIVE`.
        groups: the lots that the job looks at, N of them.
        portfolios: P of them.
        counted: [D, N] the lots that contribute to the figure.
        no_lots: the reason of a portfolio without lots.
        no_betas: the reason of a portfolio of which no lot counts.
        further: [D, P] or [D, 1] conditions of the job's other reasons.
    """
    used, every = groups.tally(counted), groups.tally(np.ones_like(counted))
    no_equity = ~(portfolios.equity.T > 0)
    cases = {EQUITY_NOT_POSITIVE: no_equity, no_lots: every == 0, no_betas: used == 0, **(further or {})}
    reasons = first_reasons(job, cases, used.shape)
    used[reasons > 0] = 0
    return Verdict(job, reasons, used, every - used)
