"""Hierarchical clusters of the series of correlation matrices.

Shapes: H matrices of size[h] series, S series and R cells in all: R = sum of size^2.
"""

from __future__ import annotations

import numpy as np

from engine.numerics.arrays import Floats, Ints
from engine.numerics.correlation import matrix_cells

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
    series, ends = int(size.sum()), np.cumsum(size * size)
    near = np.flatnonzero(np.abs(rho) >= 1.0 - DISTANCE)
    matrix = np.searchsorted(ends, near, side="right")
    first, within = (np.cumsum(size) - size)[matrix], near - (ends - size * size)[matrix]
    row, column = first + within // size[matrix], first + within % size[matrix]
    group = _linked(row, column, series)
    members = np.bincount(group, minlength=series)
    linked = np.bincount(group[row], minlength=series)
    alike = (linked == members**2) | (members == 1)
    labels = np.where(alike[group] & (members[group] > 1), group, -1)
    _cut(labels, np.where(alike[group], -1, group), rho, size)
    return labels


def pairs_within(group: Ints, size: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the pairs of series of one group, both ways and with themselves, group after group: [n] each.

    Args:
        group: [S] the group of each series, all of one matrix; -1 for none.
        size: [H].

    Returns:
        Both series of each pair, and the number of its cell among the R.
    """
    inside = np.flatnonzero(group >= 0)
    order = inside[np.argsort(group[inside], kind="stable")]
    _, count = np.unique(group[order], return_counts=True)
    cells = matrix_cells(count)
    start = (np.cumsum(count) - count)[cells.matrix]
    row, column = order[start + cells.row], order[start + cells.column]
    matrix = np.repeat(np.arange(size.size), size)[row]
    first, corner = (np.cumsum(size) - size)[matrix], (np.cumsum(size**2) - size**2)[matrix]
    return row, column, corner + (row - first) * size[matrix] + column - first


def _linked(row: Ints, column: Ints, series: int) -> Ints:
    """Return the first of the series that each one is linked to by near pairs, [S].

    Args:
        row: [n] series of near pairs, ascending.
        column: [n] the others; a pair comes both ways.
        series: S.
    """
    group = np.arange(series)
    linked, starts = np.unique(row, return_index=True)
    while linked.size:
        nearest = np.minimum(group[linked], np.minimum.reduceat(group[column], starts))
        if (nearest == group[linked]).all():
            break
        group[linked] = nearest
    return group


def _cut(labels: Ints, group: Ints, rho: Floats, size: Ints) -> None:
    """Put the clusters of groups that are not one cluster into labels [S].

    Args:
        labels: changed in place.
        group: [S] the group of each series, -1 of those that are done.
        rho: [R].
        size: [H].
    """
    # SciPy takes a third of a second to import, which legacy rules need not spend.
    from scipy.cluster.hierarchy import fcluster, linkage

    row, column, cell = pairs_within(group, size)
    distance = 1.0 - np.abs(np.nan_to_num(rho[cell]))
    series = row[row == column]
    _, count = np.unique(group[series], return_counts=True)
    batch = np.repeat((np.cumsum(count) - count) // BATCH, count)
    pair_batch = np.repeat((np.cumsum(count) - count) // BATCH, count**2)
    for number in np.unique(batch).tolist():
        own, inside = series[batch == number], pair_batch == number
        place = np.zeros(group.size, dtype=np.int64)
        place[own] = np.arange(own.size)
        # Groups are a distance of 1 apart, so that they are not merged.
        square = np.ones((own.size, own.size))
        square[place[row[inside]], place[column[inside]]] = distance[inside]
        tree = linkage(square[np.triu_indices(own.size, 1)], "average")
        found = fcluster(tree, DISTANCE, "distance")
        _, which, members = np.unique(found, return_inverse=True, return_counts=True)
        first = np.full(members.size, group.size)
        np.minimum.at(first, which, own)
        labels[own] = np.where(members > 1, first, -1)[which]
