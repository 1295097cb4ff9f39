"""Result of one analytics job, and its rows of analytics_status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from engine.analytics.positions.lots import Portfolios
from engine.core.job_catalog import Job, Reason
from engine.numerics.arrays import Bools, Ints


@dataclass(frozen=True)
class Outcome:
    """A job's figures, not rounded yet.

    tables: rows by table, in the tables' own column names without ids and time stamps; figures
        are Float64. Every frame has portfolio_id, also where its table has not.
    snapshot: portfolio_id, snapshot_date and the columns of portfolio_snapshots that the job
        fills, figures as Float64; only rows whose job succeeded.
    status: portfolio_id, calculation_date, job, status, reason, positions_used,
        positions_left_out: a row for each portfolio and session.
    """

    tables: Mapping[str, pl.DataFrame]
    status: pl.DataFrame
    snapshot: pl.DataFrame | None = field(default=None)


def first_reasons(job: Job, cases: Mapping[Reason, Bools | bool], shape: tuple[int, ...]) -> Ints:
    """Return the number of the first of a job's reasons that holds in each cell, 0 where none does.

    Args:
        job: its reasons are numbered from 1, in the order of the catalog.
        cases: where each of its reasons holds, of a shape that broadcasts to `shape`.
        shape: of the result.

    Raises:
        ValueError: the cases are not those of the job's reasons.
    """
    if cases.keys() != set(job.reasons):
        raise ValueError(f"job {job.name}: the cases are not those of its reasons in the job catalog")
    holds = [np.broadcast_to(cases[reason], shape) for reason in job.reasons]
    return np.select(holds, [np.int64(number + 1) for number in range(len(holds))], np.int64(0))


def status_grid(
    job: Job, portfolios: Portfolios, dates: pl.Series, reasons: Ints, used: Ints, left_out: Ints
) -> pl.DataFrame:
    """Return the status rows of a job.

    Args:
        job: the job.
        portfolios: P of them.
        dates: [D] the window's sessions.
        reasons: [P, D] of `first_reasons`.
        used: [P, D] positions that count in the figure.
        left_out: [P, D] positions that the job looked at and could not use.
    """
    owner, session = np.divmod(np.arange(reasons.size), max(dates.len(), 1))
    statuses = pl.Series("status", ["ok", *(reason.status for reason in job.reasons)])
    codes = pl.Series("reason", [None, *(reason.code for reason in job.reasons)], dtype=pl.String)
    number = reasons.ravel()
    return pl.DataFrame(
        {
            "portfolio_id": portfolios.ids.gather(owner),
            "calculation_date": dates.gather(session),
            "status": statuses.gather(number),
            "reason": codes.gather(number),
            "job": pl.repeat(job.name, number.size, eager=True),
            "positions_used": used.ravel().astype(np.int32),
            "positions_left_out": left_out.ravel().astype(np.int32),
        }
    )
