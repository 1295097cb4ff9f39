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


class _Designs(NamedTuple):
    """Regressors of D windows.

    Attributes:
        rows: of each window [k + 2, n] the standardised residuals Z', the market and a constant, both of
            length 1.
        values: [D, k] eigenvalues of Z'Z, 0 for directions without a coefficient.
        vectors: [D, k, k] its eigenvectors, as columns.
        sigma: [D, k] what a coefficient of Z is divided by.
        n: [D] rows of the window.
    """

    rows: list[Floats]
    values: Floats
    vectors: Floats
    sigma: Floats
    n: Ints

    def take(self, group: slice) -> _Designs:
        """Return those of some windows."""
        figures = (self.values[group], self.vectors[group], self.sigma[group])
        return _Designs(self.rows[group], *figures, self.n[group])


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
        group = slice(top, top + ROW_GROUP)
        some = designs.take(group)
        products, squares = _products(some.rows, values, first[group], stop[group])
        count = len(some.n)
        coefficients[group], variance[group] = _fit(some, products[:count], squares[:count])
    return JointFits(coefficients[..., : y.shape[1]], variance[:, : y.shape[1]])


def _designs(x: Floats, first: Ints, stop: Ints) -> _Designs:
    """Return the regressors of each window, the market's in column 0; windows of one length together."""
    length, k = stop - first, x.shape[1] - 1
    rows: list[Floats] = [x] * len(first)
    designs = _Designs(
        rows,
        np.empty((len(first), k)),
        np.empty((len(first), k, k)),
        np.empty((len(first), k)),
        length,
    )
    for n in np.unique(length).tolist():
        alike = np.flatnonzero(length == n)
        _, deviation = centred(x[first[alike, None] + np.arange(n)])
        market, others = deviation[..., :1], deviation[..., 1:]
        size = (market * market).sum(axis=-2, keepdims=True)
        flat = size == 0.0
        slope = (market * others).sum(axis=-2, keepdims=True) / np.where(flat, 1.0, size)
        z, sigma = _standardised(others, others - market * slope)
        values, designs.vectors[alike] = np.linalg.eigh(z @ np.swapaxes(z, -1, -2))
        designs.values[alike] = np.where(values > SMALLEST_EIGENVALUE * n, values, 0.0)
        designs.sigma[alike] = np.where(flat[..., 0], np.nan, sigma)
        unit = np.swapaxes(market / np.sqrt(np.where(flat, 1.0, size)), -1, -2)
        both = np.concatenate((z, unit, np.full_like(unit, n**-0.5)), axis=-2)
        for at, d in enumerate(alike.tolist()):
            rows[d] = both[at]
    return designs


def _standardised(deviation: Floats, residual: Floats) -> tuple[Floats, Floats]:
    """Return Z' [W, k, n] of residuals [W, n, k], and sigma [W, k]; Z' is 0 where a residual is rounding."""
    size, whole = (np.sqrt((values * values).mean(axis=-2)) for values in (residual, deviation))
    sigma = np.where(size > np.sqrt(SMALLEST_EIGENVALUE) * whole, size, np.inf)
    return np.swapaxes(residual / sigma[..., None, :], -1, -2), sigma


def _products(rows: list[Floats], y: Floats, first: Ints, stop: Ints) -> tuple[Floats, Floats]:
    """Return the products of a group's rows with y [G, k + 2, m], and the sums of y^2 [G, m].

    Operands are padded to whole groups, so that the last bits do not depend on the other windows.
    """
    low, high = int(first.min()), int(stop.max())
    height = len(rows[0])
    padded = np.zeros((ROW_GROUP, height, high - low))
    inside = np.zeros((ROW_GROUP, high - low))
    for d, (start, own) in enumerate(zip((first - low).tolist(), rows, strict=True)):
        n = own.shape[1]
        padded[d, :, start : start + n] = own
        inside[d, start : start + n] = 1.0
    part = y[low:high]
    products = padded.reshape(ROW_GROUP * height, high - low) @ part
    return products.reshape(ROW_GROUP, height, -1), inside @ (part * part)


def _fit(designs: _Designs, products: Floats, squares: Floats) -> tuple[Floats, Floats]:
    """Return coefficients [G, k, m] and residual variances [G, m] of windows from their products with y."""
    k = designs.values.shape[1]
    values = designs.values[..., None]
    alive = values > 0.0
    rank = alive.sum(axis=1)
    freedom = designs.n[:, None] - rank - 2
    along = np.swapaxes(designs.vectors, -1, -2) @ products[:, :k]
    explained = (along * along * np.divide(1.0, values, out=np.zeros_like(values), where=alive)).sum(axis=1)
    beside_market = squares - (products[:, k:] ** 2).sum(axis=1)
    variance = np.maximum(beside_market - explained, 0.0) / freedom
    some = explained > 0.0
    penalty = designs.n[:, None] * rank * variance / np.where(some, explained, 1.0)
    shrunk = np.where(alive & some[:, None], along / (values + penalty[:, None] + ~alive), 0.0)
    left = beside_market - ((2.0 * along - values * shrunk) * shrunk).sum(axis=1)
    left = np.where(left > SMALLEST_RESIDUAL * squares, left, 0.0)
    return designs.vectors @ shrunk / designs.sigma[..., None], left / freedom
