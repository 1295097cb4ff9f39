"""An order of symbols in which those that move together stand together."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform


def matrix(pairs: pl.DataFrame) -> tuple[list[str], NDArray[np.float64]]:
    """Symbols in alphabetical order, and their correlations, NaN where undefined.

    Args:
        pairs: symbol_1, symbol_2, correlation_value: both ways and with itself.
    """
    symbols = pairs["symbol_1"].unique().sort()
    square = np.full((symbols.len(), symbols.len()), np.nan)
    at = (symbols.search_sorted(pairs["symbol_1"]), symbols.search_sorted(pairs["symbol_2"]))
    square[at[0].to_numpy(), at[1].to_numpy()] = pairs["correlation_value"]
    return symbols.to_list(), square


def cluster_order(correlations: NDArray[np.float64]) -> list[int]:
    """The leaves of a tree of average linkage over 1 - rho, neighbours as near as the tree allows.

    An undefined correlation counts as 0.

    Args:
        correlations: [S, S], symmetric.
    """
    if len(correlations) < 3:
        return list(range(len(correlations)))
    distance = 1 - np.nan_to_num((correlations + correlations.T) / 2)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
    return [int(leaf) for leaf in leaves_list(tree)]
