"""Order the symbols of a correlation matrix so that similar ones are next to each other."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform


def correlation_matrix(pairs: pl.DataFrame) -> tuple[list[str], NDArray[np.float64]]:
    """Return the symbols in alphabetical order, and their correlations [S, S], NaN where undefined.

    Args:
        pairs: columns symbol_1, symbol_2 and correlation_value; each pair in both orders, and each
            symbol with itself.
    """
    symbols = pairs["symbol_1"].unique().sort()
    square = np.full((symbols.len(), symbols.len()), np.nan)
    at = (symbols.search_sorted(pairs["symbol_1"]), symbols.search_sorted(pairs["symbol_2"]))
    square[at[0].to_numpy(), at[1].to_numpy()] = pairs["correlation_value"]
    return symbols.to_list(), square


def cluster_order(correlations: NDArray[np.float64]) -> list[int]:
    """Return the rows of a correlation matrix in the order of a hierarchical clustering.

    Average linkage over the distance 1 - rho, leaves in SciPy's optimal order. An undefined
    correlation counts as 0.

    Args:
        correlations: [S, S], symmetric, NaN where undefined.
    """
    if len(correlations) < 3:
        return list(range(len(correlations)))
    distance = 1 - np.nan_to_num((correlations + correlations.T) / 2)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
    return [int(leaf) for leaf in leaves_list(tree)]
