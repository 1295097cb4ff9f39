"""Overlap: whether fresh bars stand on the same basis as the stored ones, and what to do if not.

Adjusted closes are multiplied, all that are older at once, whenever a split or a dividend comes:
a series to which newer closes were appended would jump there. So every request overlaps what is
stored; where the two differ, the symbol is fetched again whole.
"""

from __future__ import annotations

import polars as pl

OVERLAP = 7
"""Sessions that a request reaches back into what is stored."""
ROUNDING = 1e-4
"""Two closes of 4 decimals may differ by a unit of the last one, though nothing happened."""
JITTER = 1e-5
"""Relative: Yahoo's adjusted closes come out of single precision. A dividend of a cent on a share
of 500 dollars moves them by twice as much."""
FITTING = 0.95
"""The fraction of common closes that has to keep one ratio: providers correct a bar now and then."""


def same(old: str, new: str) -> pl.Expr:
    """Whether two closes are the same but for rounding."""
    return (pl.col(new) - pl.col(old)).abs() <= ROUNDING + JITTER * pl.col(old).abs()


def moved(stored: pl.DataFrame, bars: pl.DataFrame, actions: pl.DataFrame, known: pl.DataFrame) -> str | None:
    """Why the stored closes of a symbol no longer fit the fresh ones; None where they do.

    Args:
        stored: date, close (as stored). bars: date, close (adjusted). actions: date, kind, of
            the answer. known: date, kind, of the stored actions.
    """
    both = stored.join(bars.select("date", close_new="close"), on="date")
    off = both.filter(~same("close", "close_new")).sort("date")
    if off.height:
        day, old, new = off.select("date", "close", "close_new").row(0)
        return f"the close of {day} was {old:g} and is {new:g} now"
    fresh = actions.join(known, on=["date", "kind"], how="anti").sort("date")
    for day, kind in fresh.select("date", "kind").iter_rows():
        if stored.filter(pl.col("date") < day).height:
            return f"a {kind} on {day}"
    return None


def rebased(stored: pl.DataFrame, fresh: pl.DataFrame) -> pl.DataFrame | None:
    """The stored rows that a whole answer lacks, on the answer's basis; None if they fit none.

    Whatever happened since multiplied all that was stored by one number: the ratio of the fresh
    close to the stored one, the same wherever both exist. The rows that only the store has are
    multiplied by it, too; volumes are divided by the ratio of raw closes, which is the split's.

    Args:
        stored, fresh: columns of `engine.market_data.bars.ROWS` but the symbol.
    """
    left = stored.join(fresh, on="date", how="anti", maintain_order="left")
    if left.is_empty():
        return left
    both = stored.join(fresh, on="date", suffix="_new")
    ratio = _ratio(both, "close")
    if ratio is None:
        return None
    split = _ratio(both.drop_nulls(["raw_close", "raw_close_new"]), "raw_close") or 1.0
    prices = pl.col("open", "high", "low", "close", "adjusted_close") * ratio
    return left.with_columns(
        prices,
        pl.col("raw_close") * split,
        (pl.col("volume") / split).round().cast(pl.Int64),
    )


def _ratio(both: pl.DataFrame, name: str) -> float | None:
    """The one ratio of a fresh column to the stored one; None where there is none."""
    fresh, old = pl.col(f"{name}_new"), pl.col(name)
    ratio = both.select((fresh / old).median()).item()
    if ratio is None:
        return None
    margin = ROUNDING * max(1.0, ratio) + JITTER * fresh
    fitting = both.select(((fresh - ratio * old).abs() <= margin).mean()).item()
    return float(ratio) if fitting >= FITTING else None
