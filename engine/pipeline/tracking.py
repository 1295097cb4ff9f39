"""Batch tracking: the row that says a session was computed for everybody."""

from __future__ import annotations

import polars as pl

from engine.core.frames import dtype
from engine.core.row_ids import row_ids
from engine.core.schema import TABLES
from engine.core.window import Window

TRACKING = TABLES["batch_run_tracking"]


def tracking(window: Window, complete: bool) -> pl.DataFrame:
    """Rows of batch_run_tracking: one for each session, none if any portfolio was left out.

    What the legacy batch never measured stays null; it fails a session as a whole where one
    portfolio fails. Source: document 01 §2.9.
    """
    days = pl.Series("run_date", window.sessions if complete else [], dtype=pl.Date)
    succeeded = pl.lit("success")
    filled = {
        "phase_1_status": succeeded,
        "phase_2_status": succeeded,
        "phase_3_status": succeeded,
        "completed_at": pl.lit(window.stamp),
        "created_at": pl.lit(window.stamp),
    }
    rows = pl.DataFrame({"id": row_ids(TRACKING.name, days), "run_date": days})
    return rows.select(
        pl.col(column.name)
        if column.name in rows.columns
        else filled.get(column.name, pl.lit(None)).cast(dtype(column)).alias(column.name)
        for column in TRACKING.columns
    )
