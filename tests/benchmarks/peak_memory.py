"""Peak memory of the regression kernels: `python -m tests.benchmarks.peak_memory`."""

from __future__ import annotations

import resource
import time

import numpy as np

from engine.numerics.coefficients import rolling_ridge
from engine.numerics.ols import aligned_returns, rolling_ols

SYMBOLS, SESSIONS, WINDOW, FACTORS = 2_000, 750, 84, 6


def peak() -> int:
    """Return the peak memory of the process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Print a table."""
    chance = np.random.default_rng(7)
    moves = chance.normal(0, 0.01, (SESSIONS, SYMBOLS + FACTORS))
    closes = 100 * np.exp(np.cumsum(moves, axis=0))
    stop = np.arange(WINDOW, SESSIONS + 1)
    first = stop - WINDOW
    line("step", "seconds")
    line(f"closes, {SYMBOLS:,} x {SESSIONS}", "")
    start = time.perf_counter()
    rolling_ols(aligned_returns(closes[:, :SYMBOLS], closes[:, SYMBOLS]), first, stop, 30)
    line(f"rolling_ols, {len(stop)} windows, six statistics", f"{time.perf_counter() - start:.2f}")
    start = time.perf_counter()
    rolling_ridge(moves[:, SYMBOLS:], moves[:, :SYMBOLS], first, stop, 1.0)
    line(f"rolling_ridge, {FACTORS} factors", f"{time.perf_counter() - start:.2f}")


def line(step: str, seconds: str) -> None:
    """Print one line of the table."""
    print(f"{step:<44}{seconds:>9}{f'{peak()} MiB':>12}")


if __name__ == "__main__":
    main()
