"""Peak memory of the regression kernels on 2,000 symbols x 750 sessions: `python -m tests.benchmarks.peak_memory`."""

from __future__ import annotations

import resource
import time

import numpy as np

from engine.numerics.ols import aligned_returns, rolling_ols
from engine.numerics.ridge import rolling_ridge

SYMBOLS, SESSIONS, WINDOW, FACTORS = 2_000, 750, 84, 6


def peak() -> int:
    """The most memory that the process ever held, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Print a table."""
    chance = np.random.default_rng(7)
    moves = chance.normal(0, 0.01, (SESSIONS, SYMBOLS + FACTORS))
    closes = 100 * np.exp(np.cumsum(moves, axis=0))
    stop = np.arange(WINDOW, SESSIONS + 1)
    first = stop - WINDOW
    print(f"{'step':<44}{'seconds':>9}{'peak MiB':>10}")
    print(f"{f'closes, {SYMBOLS:,} x {SESSIONS}':<44}{'':>9}{peak():>10}")
    start = time.perf_counter()
    rolling_ols(aligned_returns(closes[:, :SYMBOLS], closes[:, SYMBOLS]), first, stop, 30)
    print(
        f"{f'rolling_ols, {len(stop)} windows, six statistics':<44}{time.perf_counter() - start:>9.2f}{peak():>10}"
    )
    start = time.perf_counter()
    rolling_ridge(moves[:, SYMBOLS:], moves[:, :SYMBOLS], first, stop, 1.0)
    print(f"{f'rolling_ridge, {FACTORS} factors':<44}{time.perf_counter() - start:>9.2f}{peak():>10}")


if __name__ == "__main__":
    main()
