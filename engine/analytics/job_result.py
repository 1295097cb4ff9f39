"""What a job gives back, and how its status is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.analytics.positions.lots import Portfolios


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


def status_grid(
    portfolios: Portfolios,
    dates: pl.Series,
    job: str,
    reasons: NDArray[np.object_],
    used: NDArray[np.int64],
    left_out: NDArray[np.int64],
) -> pl.DataFrame:
    """The status rows of a job.

    Args:
        dates: [D] the window's sessions.
        reasons: [P, D] of "" for ok, "skipped: code" or "failed: code".
        used, left_out: [P, D] positions.
    """
    owner, session = np.divmod(np.arange(reasons.size), max(dates.len(), 1))
    told = pl.Series(reasons.ravel().tolist(), dtype=pl.String)
    rows = pl.DataFrame(
        {
            "portfolio_id": portfolios.ids.gather(owner),
            "calculation_date": dates.gather(session),
            "told": told.str.split_exact(": ", 1),
            "positions_used": used.ravel().astype(np.int32),
            "positions_left_out": left_out.ravel().astype(np.int32),
        }
    )
    status, reason = (pl.col("told").struct.field(name) for name in ("field_0", "field_1"))
    return rows.select(
        "portfolio_id",
        "calculation_date",
        status=pl.when(status == "").then(pl.lit("ok")).otherwise(status),
        reason=reason,
        job=pl.lit(job),
        positions_used="positions_used",
        positions_left_out="positions_left_out",
    )
