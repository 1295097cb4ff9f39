"""Least-squares line of one variable, with all of its sums."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.analyst.explain.working import Step


@dataclass(frozen=True)
class Line:
    """Line y = intercept + slope x + e over n pairs; slope is None if x is a constant other than 0."""

    n: int
    x_mean: float
    y_mean: float
    sxx: float
    sxy: float
    syy: float
    ssr: float
    slope: float | None
    intercept: float
    r_squared: float
    std_error: float
    p_value: float

    def steps(self, y: str, x: str) -> dict[str, Step]:
        """Return the numbers of the line as steps, by name.

        Args:
            y: symbol of the dependent variable.
            x: symbol of the regressor.
        """
        sums = "frame `returns`: sum of"
        steps = (
            Step("n", self.n, "pairs of returns", "frame `returns`"),
            Step("x_mean", self.x_mean, f"mean return of {x}", "frame `returns`: mean of x"),
            Step("y_mean", self.y_mean, f"mean return of {y}", "frame `returns`: mean of y"),
            Step("Sxx", self.sxx, "squared deviations of x", f"{sums} (x - x_mean)^2"),
            Step("Sxy", self.sxy, "products of deviations", f"{sums} (x - x_mean)(y - y_mean)"),
            Step("Syy", self.syy, "squared deviations of y", f"{sums} (y - y_mean)^2"),
            Step("slope", self.slope, "ratio, not capped", f"Sxy / Sxx = {self.sxy:.12g} / {self.sxx:.12g}"),
            Step("SSR", self.ssr, "squared residuals", f"{sums} (y - y_mean - slope (x - x_mean))^2"),
            Step("SE", self.std_error, "standard error of the slope", "sqrt(SSR / (n - 2) / Sxx)"),
        )
        return {step.name: step for step in steps}


def line(y: NDArray[np.float64], x: NDArray[np.float64]) -> Line:
    """Fit y on x by ordinary least squares: means first, then sums of squared deviations.

    A constant y, or an x that is always 0, gives slope 0, standard error 0 and p-value NaN; R^2 is NaN
    for a constant y, else 0. These are the results of statsmodels' OLS on [1, x].

    Args:
        y: [n] returns, n >= 3.
        x: [n] returns.

    Returns:
        Coefficients, sums, R^2, standard error and two-sided p-value of the slope.
    """
    n = len(x)
    flat_x, flat_y = bool(np.all(x == x[0])), bool(np.all(y == y[0]))
    x_mean = float(x[0]) if flat_x else math.fsum(x) / n
    y_mean = float(y[0]) if flat_y else math.fsum(y) / n
    dx, dy = x - x_mean, y - y_mean
    sxx, sxy, syy = math.fsum(dx * dx), math.fsum(dx * dy), math.fsum(dy * dy)
    if flat_x or flat_y:
        slope = None if flat_x and x_mean else 0.0
        r_squared = math.nan if flat_y else 0.0
        return Line(n, x_mean, y_mean, sxx, sxy, syy, syy, slope, y_mean, r_squared, 0.0, math.nan)
    slope = sxy / sxx
    residual = dy - slope * dx
    ssr = math.fsum(residual * residual)
    error = math.sqrt(ssr / (n - 2) / sxx)
    t = slope / error if error else math.copysign(math.inf, slope)
    tail = two_sided_tail(t, n - 2)
    return Line(
        n, x_mean, y_mean, sxx, sxy, syy, ssr, slope, y_mean - slope * x_mean, 1.0 - ssr / syy, error, tail
    )


def two_sided_tail(t: float, df: int) -> float:
    """Return P(|T| >= |t|) of Student's t.

    Written out, because the engine's own vectorised tails are what it is compared with. Source: Abramowitz
    and Stegun 26.7.3 and 26.7.4.

    Args:
        t: finite; its sign does not matter.
        df: degrees of freedom, 1 or more.
    """
    odd, theta = df % 2, math.atan(abs(t) / math.sqrt(df))
    term, terms = math.cos(theta) ** odd, []
    for k in range(df // 2):
        terms.append(term)
        term *= (2 * k + 1 + odd) / (2 * k + 2 + odd) * math.cos(theta) ** 2
    inside = math.sin(theta) * math.fsum(terms)
    return 1.0 - (2.0 / math.pi * (theta + inside) if odd else inside)
