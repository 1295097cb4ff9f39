"""What a job gives back, and how its status is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.analytics.lots import Portfolios


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
    told = pl.Series("told", reasons.ravel().astype(str), dtype=pl.String)
    parts = pl.DataFrame({"told": told}).select(
        status=pl.when(pl.col("told") == "")
        .then(pl.lit("ok"))
        .otherwise(pl.col("told").str.split(": ").list.first()),
        reason=pl.when(pl.col("told") != "").then(
            pl.col("told").str.split(": ").list.get(1, null_on_oob=True)
        ),
    )
    grid = pl.DataFrame({"portfolio_id": portfolios.ids}).join(
        pl.DataFrame({"calculation_date": dates}), how="cross", maintain_order="left_right"
    )
    return pl.concat([grid, parts], how="horizontal").with_columns(
        job=pl.lit(job),
        positions_used=pl.Series(used.ravel(), dtype=pl.Int32),
        positions_left_out=pl.Series(left_out.ravel(), dtype=pl.Int32),
    )
