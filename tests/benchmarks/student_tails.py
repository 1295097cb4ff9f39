"""Comparison of Student's t with scipy's: `python -m tests.benchmarks.student_tails`.

Tails of correlations rho, a block of 32,768 at a time: with one number of degrees of freedom for all, as a
correlation matrix asks for them, and each with its own, as regressions with gaps do. Then what the imports
cost in a new process.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy import special

from engine.numerics.arrays import Floats, Ints
from engine.numerics.student_t import tail_of_angle

NUMBERS, REPEATS = 32_768, 50
IMPORTS = "import time; start = time.process_time(); import {}; print(time.process_time() - start)"


def ours(rho: Floats, df: Ints) -> Floats:
    return tail_of_angle(rho, (1.0 - rho) * (1.0 + rho), df)


def scipy(rho: Floats, df: Ints) -> Floats:
    t = rho * np.sqrt(df / ((1.0 - rho) * (1.0 + rho)))
    return np.asarray(2.0 * special.stdtr(df, -t))


def nanoseconds(work: Callable[[], object]) -> float:
    """Processor time a number; the fastest repeat counts."""
    best = np.inf
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best / NUMBERS * 1e9


def import_seconds(module: str) -> float:
    """Processor time of an import in a new process."""
    command = [sys.executable, "-c", IMPORTS.format(module)]
    return min(float(subprocess.check_output(command)) for _ in range(9))


def main() -> None:
    """Print two tables."""
    rng = np.random.default_rng(0)
    rho = rng.uniform(0.0, 1.0, NUMBERS)
    print(f"{'tails, ns a number':28}{'ours':>9}{'scipy':>9}{'ratio':>9}{'apart by':>10}")
    for name, df in (("60 degrees", np.array(60)), ("28 to 86", rng.integers(28, 87, NUMBERS))):
        work = partial(ours, rho, df), partial(scipy, rho, df)
        mine, theirs = map(nanoseconds, work)
        apart = np.abs(work[0]() - work[1]()).max()
        print(f"{name:28}{mine:9.0f}{theirs:9.0f}{theirs / mine:9.1f}{apart:10.0e}")
    numpy, both = import_seconds("numpy"), import_seconds("scipy.special")
    print(
        f"import numpy {numpy:.2f} s, scipy.special (numpy included) {both:.2f} s: {both / numpy:.1f} times"
    )


if __name__ == "__main__":
    main()
