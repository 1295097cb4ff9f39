"""Regressions of many responses on a market and further regressors, over many windows.

Shapes: T rows, k further regressors, m responses, D windows. A window d is the rows t with
first[d] <= t < stop[d].
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.numerics.arrays import ROW_GROUP, Floats, Ints, centred, pad_columns

SMALLEST_EIGENVALUE = 1e-9
"""Of Z'Z / n, whose diagonal is 1: a direction that varies less is rounding, and has no coefficient."""


class JointFits(NamedTuple):
    """Regressions of m responses over D windows.

    Attributes:
        coefficients: [D, k, m], units of y over units of x; NaN where the market is constant.
        variance: [D, m] of the residuals, with n - r - 2 degrees of freedom, r the rank of the regressors.
    """

    coefficients: Floats
    variance: Floats


class _Design(NamedTuple):
    """Regressors of one window.

    Attributes:
        rows: [k + 2, n] the standardised residuals Z', the market and a constant, both of length 1.
        values: [k] eigenvalues of Z'Z, 0 for directions without a coefficient.
        vectors: [k, k] its eigenvectors, as columns.
        sigma: [k] what a coefficient of Z is divided by.
        n: rows of the window.
    """

    rows: Floats
    values: Floats
    vectors: Floats
    sigma: Floats
    n: int


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
        market: [T], finite inside the windows.
        x: [T, k], finite inside the windows.
        y: [T, m], finite inside the windows that count.
        first: [D] first row of each window.
        stop: [D] row after the last of each window, at least k + 3 rows later.
    """
    values = pad_columns(y)
    coefficients = np.empty((len(first), x.shape[1], values.shape[1]))
    variance = np.empty((len(first), values.shape[1]))
    designs = _designs(np.column_stack((market, x)), first, stop)
    for top in range(0, len(first), ROW_GROUP):
        group = slice(top, min(top + ROW_GROUP, len(first)))
        products, squares = _products(designs[group], values, first[group], stop[group])
        for d, design in enumerate(designs[group]):
            coefficients[top + d], variance[top + d] = _fit(design, products[d], squares[d])
    return JointFits(coefficients[..., : y.shape[1]], variance[:, : y.shape[1]])


def _designs(x: Floats, first: Ints, stop: Ints) -> list[_Design]:
    """Return the regressors of each window, the market's in column 0; windows of one length together."""
    length = stop - first
    designs: list[_Design | None] = [None] * len(first)
    for n in np.unique(length).tolist():
        alike = np.flatnonzero(length == n)
        _, deviation = centred(x[first[alike, None] + np.arange(n)])
        market, others = deviation[..., :1], deviation[..., 1:]
        size = (market * market).sum(axis=-2, keepdims=True)
        flat = size == 0.0
        slope = (market * others).sum(axis=-2, keepdims=True) / np.where(flat, 1.0, size)
        z, sigma = _standardised(others, others - market * slope)
        values, vectors = np.linalg.eigh(z @ np.swapaxes(z, -1, -2))
        values = np.where(values > SMALLEST_EIGENVALUE * n, values, 0.0)
        unit = np.swapaxes(market / np.sqrt(np.where(flat, 1.0, size)), -1, -2)
        rows = np.concatenate((z, unit, np.full_like(unit, n**-0.5)), axis=-2)
        sigma = np.where(flat[..., 0], np.nan, sigma)
        for at, d in enumerate(alike.tolist()):
            designs[d] = _Design(rows[at], values[at], vectors[at], sigma[at], n)
    return [design for design in designs if design is not None]


def _standardised(deviation: Floats, residual: Floats) -> tuple[Floats, Floats]:
    """Return Z' [W, k, n] of residuals [W, n, k], and sigma [W, k]; Z' is 0 where a residual is rounding."""
    size, whole = (np.sqrt((values * values).mean(axis=-2)) for values in (residual, deviation))
    sigma = np.where(size > np.sqrt(SMALLEST_EIGENVALUE) * whole, size, np.inf)
    return np.swapaxes(residual / sigma[..., None, :], -1, -2), sigma


def _products(designs: list[_Design], y: Floats, first: Ints, stop: Ints) -> tuple[Floats, Floats]:
    """Return the products of a group's rows with y [G, k + 2, m], and the sums of y^2 [G, m].

    Operands are padded to whole groups, so that the last bits do not depend on the other windows.
    """
    low, high = int(first.min()), int(stop.max())
    height = len(designs[0].rows)
    padded = np.zeros((ROW_GROUP, height, high - low))
    inside = np.zeros((ROW_GROUP, high - low))
    for d, (start, design) in enumerate(zip((first - low).tolist(), designs, strict=True)):
        padded[d, :, start : start + design.n] = design.rows
        inside[d, start : start + design.n] = 1.0
    part = y[low:high]
    products = padded.reshape(ROW_GROUP * height, high - low) @ part
    return products.reshape(ROW_GROUP, height, -1), inside @ (part * part)


def _fit(design: _Design, products: Floats, squares: Floats) -> tuple[Floats, Floats]:
    """Return coefficients [k, m] and residual variances [m] of a window from its products with y."""
    k, alive = len(design.values), design.values > 0.0
    inverse = np.where(alive, 1.0 / np.where(alive, design.values, 1.0), 0.0)[:, None]
    along = design.vectors.T @ products[:k]
    explained = (along * along * inverse).sum(axis=0)
    beside_market = squares - (products[k:] ** 2).sum(axis=0)
    unexplained = np.maximum(beside_market - explained, 0.0)
    freedom = design.n - alive.sum() - 2
    variance = unexplained / freedom
    some = explained > 0.0
    penalty = design.n * alive.sum() * variance / np.where(some, explained, 1.0)
    shrunk = np.where(
        alive[:, None] & some, along / (design.values[:, None] + penalty + ~alive[:, None]), 0.0
    )
    left = beside_market - ((2.0 * along - design.values[:, None] * shrunk) * shrunk).sum(axis=0)
    return np.asarray(design.vectors @ shrunk / design.sigma[:, None]), np.maximum(left, 0.0) / freedom
