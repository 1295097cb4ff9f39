"""Regressions of many responses on a market and further regressors, over many windows.

Shapes: T rows, k further regressors, m responses, D windows. A window d is the rows t with
first[d] <= t < stop[d].
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.numerics.arrays import ROW_GROUP, Floats, Ints, pad_columns

SMALLEST_VARIANCE = 1e-9
"""Of a mean square, and of Z'Z / n, whose diagonal is 1: what varies less is rounding, and has no slope."""
SMALLEST_RESIDUAL = 1e-12
"""Of sum y^2: less is rounding, and no variance."""


class JointFits(NamedTuple):
    """Regressions of m responses over D windows.

    Attributes:
        coefficients: [D, k, m], units of y over units of x; NaN where the market is constant.
        variance: [D, m] of the residuals, with n - r - 2 degrees of freedom, r the rank of the regressors; 0
            of an exact fit.
    """

    coefficients: Floats
    variance: Floats


class _Design(NamedTuple):
    """Regressors of G windows.

    Attributes:
        change: [G, k + 2, k + 2] makes of sums of products with market, x and 1 those with the standardised
            residuals Z, and with the market and a constant, both of length 1.
        values: [G, k] eigenvalues of Z'Z, 0 for directions without a coefficient.
        vectors: [G, k, k] its eigenvectors, as columns.
        sigma: [G, k] what a coefficient of Z is divided by.
        n: [G] rows of the window.
    """

    change: Floats
    values: Floats
    vectors: Floats
    sigma: Floats
    n: Ints


def rolling_joint_ridge(market: Floats, x: Floats, y: Floats, first: Ints, stop: Ints) -> JointFits:
    """Return the coefficients of the parts of regressors that the market does not explain, jointly.

        u = x - a - g market;  Z = u / sigma
        b = (Z'Z + p I)^-1 Z'(y - mean(y)),  coefficient = b / sigma
        p = n / F,  F = ((y'Z (Z'Z)^-1 Z'y) / r) / s2

    u are the residuals of each regressor's own regression on the market in the window, sigma their
    population deviation, r the rank of Z, s2 the residual variance, with n - r - 2 degrees of freedom, of y
    on the market and Z without a penalty. As u is uncorrelated with the market, y's slope on the market
    alone is its coefficient here too, and is not shrunk. F is the F statistic of Z given the market: what
    explains little is shrunk to 0, an exact fit not at all. Source: Lawless and Wang, A simulation study of
    ridge and other regression estimators (1976); Frisch and Waugh (1933).

    Args:
        market: [T], finite.
        x: [T, k], finite.
        y: [T, m], finite.
        first: [D] first row of each window.
        stop: [D] row after the last of each window, at least k + 3 rows later.
    """
    regressors = np.column_stack((market, x, np.ones(len(x))))
    # Each padded on its own: what is left of a whole group of columns is multiplied in another order.
    padded, values = pad_columns(regressors), pad_columns(y)
    width, length = regressors.shape[1], stop - first
    coefficients = np.empty((len(first), x.shape[1], values.shape[1]))
    variance = np.empty((len(first), values.shape[1]))
    for top in range(0, len(first), ROW_GROUP):
        group = slice(top, top + ROW_GROUP)
        low, high = int(first[group].min()), int(stop[group].max())
        member = _members(first[group] - low, stop[group] - low, high - low)
        operand = member[:, None] * regressors[low:high].T
        windows = len(length[group])
        design = _design(_sums(operand, padded[low:high])[:windows, :, :width], length[group])
        products = design.change @ _sums(operand, values[low:high])[:windows]
        squares = (member @ values[low:high] ** 2)[:windows]
        coefficients[group], variance[group] = _fit(design, products, squares)
    return JointFits(coefficients[..., : y.shape[1]], variance[:, : y.shape[1]])


def _design(sums: Floats, n: Ints) -> _Design:
    """Return the regressors of G windows.

    Args:
        sums: [G, k + 2, k + 2] of products of market, x and 1 with each other.
        n: [G] rows.
    """
    mean = sums[:, :-1, -1] / n[:, None]
    whole = sums[:, :-1, :-1]
    centred = whole - mean[:, :, None] * sums[:, -1:, :-1]
    flat = centred[:, 0, 0] <= SMALLEST_VARIANCE * whole[:, 0, 0]
    size = np.where(flat, 1.0, centred[:, 0, 0])[:, None]
    slope = centred[:, 0, 1:] / size
    residual = centred[:, 1:, 1:] - slope[:, :, None] * centred[:, :1, 1:]
    square, before = (np.diagonal(each, axis1=-2, axis2=-1) for each in (residual, whole[:, 1:, 1:]))
    sigma = np.sqrt(np.where(square > SMALLEST_VARIANCE * before, square / n[:, None], np.inf))
    values, vectors = np.linalg.eigh(residual / (sigma[:, :, None] * sigma[:, None]))
    values = np.where(values > SMALLEST_VARIANCE * n[:, None], values, 0.0)
    change = _change(mean, slope, sigma, np.sqrt(size), n)
    return _Design(change, values, vectors, np.where(flat[:, None], np.nan, sigma), n)


def _change(mean: Floats, slope: Floats, sigma: Floats, size: Floats, n: Ints) -> Floats:
    """Return `_Design.change`: [G, k + 2, k + 2].

    Args:
        mean: [G, k + 1] of market and x.
        slope: [G, k] of x on the market.
        sigma: [G, k].
        size: [G, 1] length of the market's deviations.
        n: [G] rows.
    """
    k = slope.shape[1]
    change = np.zeros((len(mean), k + 2, k + 2))
    change[:, :k, 0] = -slope / sigma
    change[:, np.arange(k), np.arange(1, k + 1)] = 1.0 / sigma
    change[:, :k, -1] = (slope * mean[:, :1] - mean[:, 1:]) / sigma
    change[:, k, 0] = 1.0 / size[:, 0]
    change[:, k, -1] = -mean[:, 0] / size[:, 0]
    change[:, k + 1, -1] = n**-0.5
    return change


def _members(first: Ints, stop: Ints, rows: int) -> Floats:
    """Return which rows each window has, 1 or 0: [ROW_GROUP, rows].

    A group is filled up with empty windows, so that the last bits do not depend on the other windows.

    Args:
        first: [G] first row of each window.
        stop: [G] row after the last.
        rows: of all windows.
    """
    member, row = np.zeros((ROW_GROUP, rows)), np.arange(rows)
    member[: len(first)] = (row >= first[:, None]) & (row < stop[:, None])
    return member


def _sums(operand: Floats, y: Floats) -> Floats:
    """Return the sums of products of regressors with y in windows: [ROW_GROUP, k, m].

    Args:
        operand: [ROW_GROUP, k, R] the regressors in the rows of each window, 0 in others.
        y: [R, m].
    """
    windows, k, rows = operand.shape
    return (operand.reshape(-1, rows) @ y).reshape(windows, k, -1)


def _fit(design: _Design, products: Floats, squares: Floats) -> tuple[Floats, Floats]:
    """Return coefficients [G, k, m] and residual variances [G, m] of windows from their products with y."""
    k = design.values.shape[1]
    values = design.values[..., None]
    alive = values > 0.0
    rank = alive.sum(axis=1)
    freedom = design.n[:, None] - rank - 2
    along = np.swapaxes(design.vectors, -1, -2) @ products[:, :k]
    explained = (along * along * np.divide(1.0, values, out=np.zeros_like(values), where=alive)).sum(axis=1)
    beside_market = squares - (products[:, k:] ** 2).sum(axis=1)
    variance = np.maximum(beside_market - explained, 0.0) / freedom
    some = explained > 0.0
    penalty = design.n[:, None] * rank * variance / np.where(some, explained, 1.0)
    shrunk = np.where(alive & some[:, None], along / (values + penalty[:, None] + ~alive), 0.0)
    left = beside_market - ((2.0 * along - values * shrunk) * shrunk).sum(axis=1)
    left = np.where(left > SMALLEST_RESIDUAL * squares, left, 0.0)
    return design.vectors @ shrunk / design.sigma[..., None], left / freedom
