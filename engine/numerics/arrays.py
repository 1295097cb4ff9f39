"""Array types, deviations from means, and padding, shared by the kernels.

BLAS takes another path, with other last bits, through a matrix product with a single row or with a last
group of columns that is not full. Operands padded to whole groups give each cell the same bits
whatever else is computed in the same product.
"""

from __future__ import annotations

from functools import reduce
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Int32s: TypeAlias = NDArray[np.int32]
Bools: TypeAlias = NDArray[np.bool_]

COLUMN_GROUP = 8
"""Columns that OpenBLAS's kernels take at a time."""

ROW_GROUP = 16
"""Windows in one product: neighbours share most of their rows, so that few products are with zeros."""


def round_up(count: int, group: int) -> int:
    """Return the smallest multiple of `group` that is at least `count`.

    Args:
        count: 0 or more.
        group: 1 or more.
    """
    return -(-count // group) * group


def pad_columns(values: Floats) -> Floats:
    """Copy values into a contiguous array with columns of 0 up to a multiple of COLUMN_GROUP.

    Args:
        values: [n, c].

    Returns:
        [n, C], C >= c.
    """
    padded = np.zeros((len(values), round_up(values.shape[1], COLUMN_GROUP)))
    padded[:, : values.shape[1]] = values
    return padded


def pad_indices(indices: Ints) -> Ints:
    """Repeat column indices from the first on, up to a multiple of COLUMN_GROUP.

    Args:
        indices: [c], c >= 1.

    Returns:
        [C], C >= c.
    """
    return np.resize(indices, round_up(indices.size, COLUMN_GROUP))


def row_groups(indices: Ints) -> list[Ints]:
    """Split row indices into groups of ROW_GROUP; the last index is repeated to fill its group.

    Args:
        indices: [n], n >= 1.

    Returns:
        Arrays [ROW_GROUP].
    """
    padded = np.append(indices, np.repeat(indices[-1:], -len(indices) % ROW_GROUP))
    return list(padded.reshape(-1, ROW_GROUP))


def centred(values: Floats) -> tuple[Floats, Floats]:
    """Return column means and the deviations from them.

    The mean is corrected once by the mean of the deviations. A column of n equal numbers then has exactly
    that number as its mean and deviations of exactly 0: its first deviations are equal small multiples
    of one unit in the last place, and these add up and divide without rounding. A mean rounded once would
    leave a variance of about 1e-34 instead of 0.

    Args:
        values: [..., n, m], n >= 1.

    Returns:
        means [..., m] and deviations [..., n, m].
    """
    mean = values.mean(axis=-2)
    deviations = values - mean[..., None, :]
    correction = deviations.mean(axis=-2)
    mean += correction
    deviations -= correction[..., None, :]
    return mean, deviations


def masked_centred(values: Floats, used: Bools) -> tuple[Bools, Floats, Floats]:
    """Return which columns are constant in their used rows, their means, and the deviations from them.

    Sums run over the rows one after the other, not pairwise: unused rows, which count as 0, cannot change
    the last bit.

    Args:
        values: [n, ...], finite where used; broadcast against used.
        used: [n, ...] the rows of each column that count.

    Returns:
        constant [...]: all used values are equal; mean [...], 0 where no row is used; deviations
        [n, ...], exactly 0 in unused rows and in constant columns.
    """
    n = np.maximum(used.sum(axis=0), 1)
    lowest = np.where(used, values, np.inf).min(axis=0, initial=np.inf)
    highest = np.where(used, values, -np.inf).max(axis=0, initial=-np.inf)
    constant = lowest >= highest
    mean = np.where(used, values, 0.0).sum(axis=0) / n
    mean += np.where(used, values - mean, 0.0).sum(axis=0) / n
    mean = np.where(constant, np.where(np.isfinite(lowest), lowest, 0.0), mean)
    return constant, mean, np.where(used, values - mean, 0.0)


def count_in_windows(flags: Bools, first: Ints, stop: Ints) -> Int32s:
    """Count the flags of each column in windows of rows.

    Args:
        flags: [T, c].
        first: [D] first row of each window.
        stop: [D] row after the last of each window, not below `first`.

    Returns:
        [D, c].
    """
    running = np.zeros((len(flags) + 1, flags.shape[1]), dtype=np.int32)
    np.cumsum(flags, axis=0, out=running[1:])
    return np.asarray(running[stop] - running[first])


def added(values: Floats, axis: int) -> Floats:
    """Return the sum over an axis, one value after the other.

    NumPy adds in pairs where the axes behind have length 1, so that the last bits of a portfolio alone would
    differ from those among others.

    Args:
        values: of any shape.
        axis: a short one.
    """
    return np.asarray(reduce(np.add, np.moveaxis(values, axis, 0)))


def sum_products(a: Floats, b: Floats) -> Floats:
    """Return the sums over the rows of a * b.

    Args:
        a: [n, m].
        b: [n, m].

    Returns:
        [m].
    """
    return np.asarray(np.einsum("ij,ij->j", a, b))
