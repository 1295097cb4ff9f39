"""The two tolerances of a comparison, each with its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Tolerance:
    """A bound on |a - b|: the larger of relative * max(|a|, |b|) and absolute."""

    relative: float
    absolute: float
    reason: str

    def close(self, a: float, b: float) -> bool:
        """Return whether two numbers are within the bound; NaN is close only to NaN.

        Args:
            a: either number; the bound is symmetric.
            b: the other one.
        """
        if math.isnan(a) or math.isnan(b):
            return math.isnan(a) and math.isnan(b)
        return math.isclose(a, b, rel_tol=self.relative, abs_tol=self.absolute)


JSON_NUMBERS = Tolerance(
    relative=1e-9,
    absolute=1e-9,
    reason=(
        "JSON holds unrounded float64, whose last digits depend on the order of a sum; the absolute "
        "part covers sums that cancel to 0. It is tighter than the relative 5e-8 by which a weight "
        "changes when it is divided by an equity rounded to cents (document 03, 3.4)"
    ),
)

OFF_BY_ONE_IN = 100_000
"""Cells off by one unit in the last place are tolerated while they are fewer than one in this many.

A float within 1e-9 of a rounding tie falls to either side, depending on the order of a sum
(document 03, 9).
"""


def few_off_by_one(off_by_one: int, cells: int) -> bool:
    """Return whether cells off by one unit are none, or fewer than 1 in 100,000 of those compared.

    Args:
        off_by_one: cells of all tables that differ by one unit in the last place.
        cells: compared cells of all tables.
    """
    return off_by_one == 0 or off_by_one * OFF_BY_ONE_IN < cells
