"""Matrix products whose cells don't depend on the size of the product.

BLAS takes other paths, with other last bits, through a product with one row or with a last group of
columns that is not full. With padded operands a figure is the same, to the bit, whatever else is
computed beside it.
"""

from __future__ import annotations

import numpy as np

from engine.numerics.arrays import Floats, Ints

COLUMN_GROUP = 8
"""Columns that OpenBLAS's kernels take at a time."""

ROW_GROUP = 16
"""Windows in one product: neighbours share most of their rows, so few products are with zeros."""


def round_up(count: int, group: int) -> int:
    """The smallest multiple of `group` that is at least `count`."""
    return -(-count // group) * group


def fill_columns(indices: Ints) -> Ints:
    """Column indices, repeated from the first on up to a whole number of groups."""
    return np.resize(indices, round_up(indices.size, COLUMN_GROUP))


def fill_rows(indices: Ints) -> list[Ints]:
    """Indices in blocks of ROW_GROUP, the last one repeated to fill its block."""
    missing = -len(indices) % ROW_GROUP
    return list(np.append(indices, np.repeat(indices[-1:], missing)).reshape(-1, ROW_GROUP))


def pad_columns(values: Floats) -> Floats:
    """values [n,c] as a new contiguous array with columns of 0 up to a whole number of groups."""
    padded = np.zeros((len(values), round_up(values.shape[1], COLUMN_GROUP)))
    padded[:, : values.shape[1]] = values
    return padded
