"""Compounded returns and drawdowns."""

from __future__ import annotations

import polars as pl


def growth(snapshots: pl.DataFrame) -> pl.DataFrame:
    """Return the time-weighted growth of 1, and its drawdown.

        index_t = (1 + r_1) ... (1 + r_t), each factor at least 0
        peak_t = max(1, index_1, ..., index_t)
        drawdown_t = index_t / peak_t - 1

    r is the stored daily return, P&L over the equity of the session before, so that deposits and
    withdrawals have no effect. A session without a return is skipped.

    Args:
        snapshots: columns date and daily_return (fraction), ascending.

    Returns:
        Columns date, index, peak, drawdown (fraction); null where the return is null.
    """
    # A loss of more than everything leaves 0; a negative index would turn later gains into losses.
    index = (1 + pl.col("daily_return")).clip(lower_bound=0.0).cum_prod()
    return (
        snapshots.select("date", index=index)
        .with_columns(peak=pl.max_horizontal(pl.col("index").cum_max(), pl.lit(1.0)))
        .with_columns(drawdown=pl.col("index") / pl.col("peak") - 1)
    )


def drawdowns(grown: pl.DataFrame, most: int) -> pl.DataFrame:
    """Return the deepest drawdowns, deepest first.

    Args:
        grown: the result of `growth`.
        most: the largest number of drawdowns to return.

    Returns:
        Columns fell (first session below the peak), trough (date), depth (fraction), recovered
        (first session back at the peak; null before that), sessions (below the peak).
    """
    known = grown.drop_nulls("drawdown")
    below = pl.col("drawdown") < 0
    # A drawdown begins at a session below the peak that follows one at the peak.
    numbered = known.with_columns(
        episode=(below & ~below.shift(1, fill_value=False)).cum_sum(),
        back=pl.col("date").shift(-1),
    )
    return (
        numbered.filter(below)
        .group_by("episode")
        .agg(
            fell=pl.col("date").first(),
            trough=pl.col("date").sort_by("drawdown").first(),
            depth=pl.col("drawdown").min(),
            recovered=pl.col("back").last(),
            sessions=pl.len(),
        )
        .sort("depth", "fell")
        .drop("episode")
        .head(most)
    )
