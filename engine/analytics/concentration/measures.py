"""Concentration: the share of a portfolio's gross value in its largest symbols."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.numerics.arrays import Floats

HHI_SCALE = 10_000
"""Herfindahl-Hirschman index of a portfolio of one symbol."""
LARGEST = (3, 10)


def concentration(valued: pl.DataFrame, owners: int) -> pl.DataFrame:
    """Return the concentration of O portfolios' values.

        w_s = value_s / sum of values        hhi = 10000 sum w_s^2
        effective_num_positions = 10000 / hhi
        top_3_concentration, top_10_concentration = sum of the 3 and 10 largest w_s

    over symbols as they are spelled, whatever their class; value_s sums the absolute values of the symbol's
    positions, so that long and short ones add. Sums run from left to right, the index's in order of first
    appearance. Source: document 01 §4.8.

    Args:
        valued: owner (0 to O - 1), symbol, value (Int128 grains, not below 0), of each owner in order of
            position id.
        owners: O.

    Returns:
        O rows in order of owner: hhi, effective_num_positions, top_3_concentration,
        top_10_concentration; null where the values sum to 0.
    """
    symbols = valued.group_by("owner", "symbol", maintain_order=True).agg(pl.col("value").sum())
    symbols = symbols.with_columns(total=pl.col("value").sum().over("owner")).filter(pl.col("total") > 0)
    weights = symbols.with_columns(weight=quotients(symbols["value"], symbols["total"]))
    hhi = HHI_SCALE * _sums(weights.with_columns(pl.col("weight") * pl.col("weight")), owners)
    # Stable: equal weights keep their order of appearance, which fixes the order of the sum.
    largest = weights.sort("owner", "weight", descending=[False, True], maintain_order=True)
    rank = pl.int_range(pl.len()).over("owner")
    tops = {f"top_{n}_concentration": _sums(largest.filter(rank < n), owners) for n in LARGEST}
    effective = np.divide(HHI_SCALE, hhi, out=np.zeros_like(hhi), where=hhi > 0)
    figures = pl.DataFrame({"hhi": hhi, "effective_num_positions": effective, **tops})
    return figures.with_columns(pl.when(pl.col("hhi") > 0).then(pl.all()))


def quotients(grains: pl.Series, totals: pl.Series) -> pl.Series:
    """Return shares as doubles, correctly rounded while both amounts are below 9e7 USD.

    Up to there a double holds the grains exactly; beyond, a share is right to 1.5 units in its last place.
    NumPy divides, because Polars multiplies by the reciprocal of a divisor that is the same in all rows: a
    portfolio's shares would depend on the others'.

    Args:
        grains: [n] amounts.
        totals: [n] amounts; a share of 0 is NaN.
    """
    parts, whole = (amounts.cast(pl.Float64).to_numpy() for amounts in (grains, totals))
    return pl.Series(np.divide(parts, whole, out=np.full_like(parts, np.nan), where=whole != 0))


def _sums(weights: pl.DataFrame, owners: int) -> Floats:
    """Sum weights by owner from left to right: [O]."""
    sums = np.bincount(weights["owner"].to_numpy(), weights["weight"].to_numpy(), minlength=owners)
    return sums.astype(np.float64)  # without any weight bincount returns integers
