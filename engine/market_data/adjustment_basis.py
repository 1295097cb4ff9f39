"""Adjustment basis: detect that stored closes are outdated, and rescale rows to a new basis.

Each split and each dividend multiplies all older adjusted closes. A series to which newer closes
were appended would jump there. So every request overlaps the stored closes; where the two differ,
the symbol's whole history is fetched again.
"""

from __future__ import annotations

import polars as pl

OVERLAP = 7
"""Sessions of a request that are stored already."""
ROUNDING = 1e-4
"""Absolute: two equal closes rounded to 4 decimals may differ by one unit of the last."""
NOISE = 1e-5
"""Relative: adjusted closes may have been computed in single precision. A dividend of 0.01 on a share
of 500 moves them by twice as much."""
AGREEMENT = 0.95
"""Fraction of common closes that must share one ratio: providers correct single bars."""


def basis_change(
    stored: pl.DataFrame, bars: pl.DataFrame, actions: pl.DataFrame, stored_actions: pl.DataFrame
) -> str | None:
    """Return why the stored closes of a symbol are on another basis than fresh ones.

    Args:
        stored: date, close.
        bars: date, close (adjusted), fresh.
        actions: date, kind, fresh.
        stored_actions: date, kind.

    Returns:
        A close that differs, or an action that is newer than a stored close; None if there is none.
    """
    common = stored.join(bars.select("date", fresh="close"), on="date")
    same = (pl.col("fresh") - pl.col("close")).abs() <= ROUNDING + NOISE * pl.col("close").abs()
    changed = common.filter(~same).sort("date")
    if changed.height:
        day, old, new = changed.select("date", "close", "fresh").row(0)
        return f"the close of {day} was {old:g} and is {new:g} now"
    # A dividend may be too small to show in the closes, given the tolerance.
    new_actions = actions.join(stored_actions, on=["date", "kind"], how="anti").sort("date")
    for day, kind in new_actions.select("date", "kind").iter_rows():
        if stored.filter(pl.col("date") < day).height:
            return f"a {kind} on {day}"
    return None


def rebase(stored: pl.DataFrame, fresh: pl.DataFrame) -> pl.DataFrame | None:
    """Rescale the stored rows that a fresh history lacks to its basis.

    All splits and dividends since multiplied every stored close by one number: the ratio of fresh
    to stored close, the same on each common date. Rows that only the store has are multiplied by
    it. Volumes are divided by the ratio of raw closes, the one of the splits alone.

    Args:
        stored: columns of `engine.market_data.price_bars.PRICE_ROWS` but the symbol.
        fresh: the same columns.

    Returns:
        The rescaled rows, empty if the fresh history lacks none; None if no single ratio fits.
    """
    left = stored.join(fresh, on="date", how="anti", maintain_order="left")
    if left.is_empty():
        return left
    common = stored.join(fresh, on="date", suffix="_new")
    ratio = _ratio(common, "close")
    if ratio is None:
        return None
    split = _ratio(common.drop_nulls(["raw_close", "raw_close_new"]), "raw_close") or 1.0
    prices = pl.col("open", "high", "low", "close", "adjusted_close") * ratio
    return left.with_columns(
        prices,
        pl.col("raw_close") * split,
        (pl.col("volume") / split).round().cast(pl.Int64),
    )


def _ratio(common: pl.DataFrame, name: str) -> float | None:
    """Return the median ratio of a fresh column to the stored one, None if too few rows share it."""
    fresh, old = pl.col(f"{name}_new"), pl.col(name)
    # The median is not moved by the few bars that the provider has corrected.
    ratio = common.select((fresh / old).median()).item()
    if ratio is None:
        return None
    # The ratio scales the rounding error of the stored close with it.
    tolerance = ROUNDING * max(1.0, ratio) + NOISE * fresh
    agreeing = common.select(((fresh - ratio * old).abs() <= tolerance).mean()).item()
    return float(ratio) if agreeing >= AGREEMENT else None
