"""Hierarchical clusters of the series of correlation matrices.

Shapes: H matrices of size[h] series, S series and R cells in all: R = sum of size^2.
"""

from __future__ import annotations

import numpy as np

from engine.numerics.arrays import Bools, Floats, Ints
from engine.numerics.correlation import MatrixCells, matrix_cells

DISTANCE = 0.3
"""Mean 1 - |rho| of two groups, at most: they are one cluster from a mean |rho| of 0.7 on."""
BATCH = 96
"""Series in one call of SciPy, whose checks take longer than the work on a small matrix."""


def cluster_labels(rho: Floats, size: Ints) -> Ints:
    """Return the first series of each series' cluster, -1 of series that are in none.

    Average linkage over the distance 1 - |rho|, cut at `DISTANCE`; only clusters of two series or more count.
    An undefined correlation counts as 0. Two groups are merged only if some pair of them is that near, so
    that series linked by such pairs are looked at apart; where all of them are, they are one cluster. Source:
    Sokal and Michener, A statistical method for evaluating systematic relationships (1958); SciPy's linkage
    and fcluster.

    Args:
        rho: [R] cells of symmetric matrices, row by row, matrix after matrix.
        size: [H].

    Returns:
        [S].
    """
    cells = matrix_cells(size)
    first = (np.cumsum(size) - size)[cells.matrix]
    row, column = first + cells.row, first + cells.column
    near = (np.abs(np.nan_to_num(rho)) >= 1.0 - DISTANCE) | (row == column)
    group = _linked(near, column, cells, int(size.sum()))
    members = np.bincount(group, minlength=group.size)
    pairs = np.bincount(group[row[near]], minlength=group.size)
    whole = pairs == members**2
    labels = np.where(whole[group] & (members[group] > 1), group, -1)
    together = (group[row] == group[column]) & ~whole[group[row]]
    _cut(labels, group, (row[together], column[together]), 1.0 - np.abs(np.nan_to_num(rho[together])))
    return labels


def _linked(near: Bools, column: Ints, cells: MatrixCells, series: int) -> Ints:
    """Return the first of the series that each one is linked to by near pairs, [S]."""
    group = np.arange(series)
    starts = np.flatnonzero(cells.column == 0)
    while starts.size:
        nearest = np.minimum.reduceat(np.where(near, group[column], series), starts)
        if (nearest == group).all():
            break
        group = nearest
    return group


def _cut(labels: Ints, group: Ints, pairs: tuple[Ints, Ints], distance: Floats) -> None:
    """Put the clusters of groups that are not one cluster into labels [S].

    Args:
        labels: changed in place.
        group: [S] the group of each series.
        pairs: [n] two series of one group each, both ways and with themselves.
        distance: [n] of them.
    """
    # SciPy takes a third of a second to import, which legacy rules need not spend.
    from scipy.cluster.hierarchy import fcluster, linkage

    row, column = pairs
    series = np.unique(row)
    _, number, count = np.unique(group[series], return_inverse=True, return_counts=True)
    order = np.argsort(number, kind="stable")
    batch = ((np.cumsum(count) - count) // BATCH)[number]
    for own in np.split(order, np.flatnonzero(np.diff(batch[order])) + 1) if series.size else ():
        inside = np.isin(row, series[own])
        place = np.full(group.size, 0)
        place[series[own]] = np.arange(own.size)
        # Groups are a distance of 1 apart, so that they are not merged.
        square = np.ones((own.size, own.size))
        square[place[row[inside]], place[column[inside]]] = distance[inside]
        tree = linkage(square[np.triu_indices(own.size, 1)], "average")
        found = fcluster(tree, DISTANCE, "distance")
        _, which, size = np.unique(found, return_inverse=True, return_counts=True)
        first = np.full(size.size, group.size)
        np.minimum.at(first, which, series[own])
        labels[series[own]] = np.where(size > 1, first, -1)[which]
