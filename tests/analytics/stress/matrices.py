"""Matrices of factors, written out by hand."""

from __future__ import annotations

import numpy as np

from engine.analytics.stress.factor_correlations import FactorCorrelations
from engine.numerics.arrays import Floats
from tests.analytics.small import LAST


def one_matrix(names: tuple[str, ...], covariance: Floats, returns: int = 40) -> FactorCorrelations:
    """One matrix for all sessions; the correlations are those of the covariance."""
    size = np.sqrt(np.diag(covariance))
    return FactorCorrelations(
        names,
        (covariance / np.outer(size, size))[None],
        covariance[None],
        np.array([returns]),
        np.array([len(names)]),
        (LAST,),
    )
