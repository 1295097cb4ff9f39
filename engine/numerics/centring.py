"""Means and deviations that keep constants exact."""

from __future__ import annotations

import numpy as np

from engine.numerics.arrays import Floats


def centred(values: Floats) -> tuple[Floats, Floats]:
    """Column means and deviations: values [...,n,m] -> (means [...,m], deviations [...,n,m]). n >= 1.

    The mean is corrected once by the mean of the deviations. So a column of n equal numbers has exactly
    that number for its mean and exactly 0 for its deviations: its first deviations are equal small
    multiples of one unit in the last place, and these add up and divide without rounding. A mean
    rounded once would leave a variance of about 1e-34 in place of none.
    """
    mean = values.mean(axis=-2)
    deviations = values - mean[..., None, :]
    correction = deviations.mean(axis=-2)
    mean += correction
    deviations -= correction[..., None, :]
    return mean, deviations


def sum_products(a: Floats, b: Floats) -> Floats:
    """Sums over the rows of a * b: [n,m], [n,m] -> [m]."""
    return np.asarray(np.einsum("ij,ij->j", a, b))
