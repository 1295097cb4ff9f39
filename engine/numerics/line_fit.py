"""The straight line y = intercept + slope x: its figures from sums, and from the data itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.numerics.arrays import Bools, Floats, Int32s
from engine.numerics.centring import sum_products
from engine.numerics.student_t import tail_of_angle

NEAR_PERFECT = 1e-5
"""Below this share of unexplained variation, Syy - slope Sxy has lost digits that the error needs."""

LARGEST_MEAN = 10.0
"""Above this n mean(y)^2 / Syy, sum y^2 - n mean(y)^2 has lost more than one digit."""


@dataclass(frozen=True, slots=True)
class OlsFit:
    """Figures of regressions with intercept, one for each cell; all arrays have one shape.

    slope, intercept, r_squared, std_error (of the slope), p_value (two-sided, of slope = 0): float64.
    observations: int32, pairs used. fitted: bool; where it is False the five figures are NaN.
    """

    slope: Floats
    intercept: Floats
    r_squared: Floats
    std_error: Floats
    p_value: Floats
    observations: Int32s
    fitted: Bools

    @classmethod
    def blank(cls, shape: tuple[int, ...]) -> OlsFit:
        """Nothing fitted, no observations."""
        return cls(
            slope=np.full(shape, np.nan),
            intercept=np.full(shape, np.nan),
            r_squared=np.full(shape, np.nan),
            std_error=np.full(shape, np.nan),
            p_value=np.full(shape, np.nan),
            observations=np.zeros(shape, dtype=np.int32),
            fitted=np.zeros(shape, dtype=np.bool_),
        )

    def forget(self, where: Bools) -> None:
        """Mark the cells `where` as not fitted."""
        if where.any():
            for figure in (self.slope, self.intercept, self.r_squared, self.std_error, self.p_value):
                figure[where] = np.nan
            self.fitted[where] = False

    def put(self, at: Any, part: OlsFit) -> None:
        """Copy `part` into the cells that the index `at` selects."""
        for name in self.__slots__:
            getattr(self, name)[at] = getattr(part, name)


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums that determine a line; arrays that broadcast to one shape.

    n: observations; sxx, sxy, syy: sums of products of deviations from the means.
    """

    n: Int32s
    x_mean: Floats
    y_mean: Floats
    sxx: Floats
    sxy: Floats
    syy: Floats


def line_from_sums(sums: Sums) -> tuple[OlsFit, Bools]:
    """Lines from their sums, and the cells where these sums don't hold enough digits.

    slope = Sxy / Sxx; intercept = mean(y) - slope mean(x); SSR = Syy - slope Sxy; R^2 = 1 - SSR / Syy;
    std_error = sqrt(SSR / (n - 2) / Sxx); p from Student's t with n - 2 degrees of freedom at
    slope / std_error, where sin theta = |Sxy| / sqrt(Sxx Syy) and cos^2 theta = SSR / Syy. n >= 3.
    Doubtful cells (constants, near-perfect fits, means that dwarf the variation) are for
    `line_from_data`.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = sums.sxy / sums.sxx
        fit, unexplained = _figures(sums, slope, sums.syy - slope * sums.sxy)
        steady = sums.n * sums.y_mean**2 <= LARGEST_MEAN * sums.syy
        sure = steady & (unexplained >= NEAR_PERFECT)
    return fit, ~sure


def line_from_data(x: Floats, y: Floats, used: Bools) -> OlsFit:
    """Lines of the columns of y on those of x over the rows used, by two passes: exact, slower.

    x, y: [n,c]; used: bool [n,c]; results [c]. SSR is the sum of the squared residuals themselves.
    n >= 3 for an error, 2 for a slope. Constant y: slope, error 0, R^2 and p NaN. x all 0: the same, with
    R^2 0. Another constant x, or a value that is not finite: not fitted. Source of these rules: what
    statsmodels' OLS on [1, x] returns.
    """
    n = used.sum(axis=0, dtype=np.int32)
    finite = (np.isfinite(x) & np.isfinite(y) | ~used).all(axis=0)
    used = used & finite
    x_constant, x_mean, x_deviation = _masked_centre(x, used)
    y_constant, y_mean, y_deviation = _masked_centre(y, used)
    sxx, sxy, syy = (
        sum_products(a, b)
        for a, b in ((x_deviation, x_deviation), (x_deviation, y_deviation), (y_deviation, y_deviation))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = sxy / sxx
        residual = y_deviation - slope * x_deviation
        fit, _ = _figures(Sums(n, x_mean, y_mean, sxx, sxy, syy), slope, sum_products(residual, residual))
    flat = (y_constant | x_constant) & (n > 0)
    _put_flat(fit, flat, y_mean, ~y_constant)
    fit.forget(~finite | (n < 2) | (x_constant & (x_mean != 0.0)))
    return fit


def _figures(sums: Sums, slope: Floats, ssr: Floats) -> tuple[OlsFit, Floats]:
    """The figures of lines with known residuals, and SSR / Syy."""
    unexplained = ssr / sums.syy
    df = sums.n - 2
    sine = np.abs(sums.sxy) / (np.sqrt(sums.sxx) * np.sqrt(sums.syy))
    fit = OlsFit(
        slope=slope,
        intercept=sums.y_mean - slope * sums.x_mean,
        r_squared=1.0 - unexplained,
        std_error=np.sqrt(ssr / np.where(df > 0, df * sums.sxx, np.nan)),
        p_value=tail_of_angle(sine, unexplained, df),
        observations=np.broadcast_to(sums.n, slope.shape).astype(np.int32),
        fitted=np.ones(slope.shape, dtype=np.bool_),
    )
    return fit, unexplained


def _masked_centre(values: Floats, used: Bools) -> tuple[Bools, Floats, Floats]:
    """Whether the used rows of each column are exactly constant, their mean, deviations (0 if unused)."""
    n = np.maximum(used.sum(axis=0), 1)
    lowest = np.where(used, values, np.inf).min(axis=0, initial=np.inf)
    highest = np.where(used, values, -np.inf).max(axis=0, initial=-np.inf)
    constant = lowest >= highest
    mean = np.where(used, values, 0.0).sum(axis=0) / n
    mean += np.where(used, values - mean, 0.0).sum(axis=0) / n
    mean = np.where(constant, np.where(np.isfinite(lowest), lowest, 0.0), mean)
    return constant, mean, np.where(used, values - mean, 0.0)


def _put_flat(fit: OlsFit, flat: Bools, level: Floats, y_varies: Bools) -> None:
    fit.slope[flat] = 0.0
    fit.intercept[flat] = level[flat]
    fit.std_error[flat] = 0.0
    fit.r_squared[flat] = np.where(y_varies[flat], 0.0, np.nan)
    fit.p_value[flat] = np.nan
