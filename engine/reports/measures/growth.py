"""Returns chained, and how far below their best they stood."""

from __future__ import annotations

import polars as pl


def growth(snapshots: pl.DataFrame) -> pl.DataFrame:
    """The time-weighted growth of 1, and its drawdown.

        index_t = (1 + r_1) ... (1 + r_t), where a loss of more than the whole counts as the whole
        peak_t = max(1, index_1, ..., index_t)
        drawdown_t = index_t / peak_t - 1

    r: the stored daily return, P&L over the equity of the session before, so that money paid in
    or out changes nothing. A session without a return is passed over.

    Args:
        snapshots: date, daily_return, ascending.

    Returns:
        date, index, peak, drawdown (fractions; null where the return is).
    """
    index = (1 + pl.col("daily_return")).clip(lower_bound=0.0).cum_prod()
    return (
        snapshots.select("date", index=index)
        .with_columns(
            peak=pl.max_horizontal(pl.col("index").cum_max(), pl.lit(1.0)),
        )
        .with_columns(drawdown=pl.col("index") / pl.col("peak") - 1)
    )


def drawdowns(grown: pl.DataFrame, most: int) -> pl.DataFrame:
    """The deepest falls below a peak.

    Args:
        grown: of `growth`.
        most: how many.

    Returns:
        fell (first session below the peak), trough (date), depth (fraction), recovered (first
        session back at the peak, null where there is none yet), sessions (below the peak);
        deepest first.
    """
    known = grown.drop_nulls("drawdown")
    below = pl.col("drawdown") < 0
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
