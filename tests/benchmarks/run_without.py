"""Whole runs without one optimisation each: python -m tests.benchmarks.run_without STORE

Each round runs `engine backfill` from STORE into a new DuckDB file, as it is and without each of the
optimisations of `tests.benchmarks.without`, in an order that moves on from round to round. The table has the
medians of the ratios to the run as it is of the same round: an optimisation is worth what its line has
above 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from engine.benchmarks.processes import Process, run
from engine.benchmarks.workloads import FIRST, LAST
from tests.benchmarks.reference_window import RUN_DATE
from tests.benchmarks.without import AS_IT_IS, WITHOUT


def whole_run(arguments: Sequence[str], without: str) -> Process:
    """Run `engine backfill` into a new file, in a process of `tests.benchmarks.without`.

    Args:
        arguments: Its source, window and rules.
        without: A name of its `WITHOUT`, or `AS_IT_IS`.
    """
    with TemporaryDirectory() as folder:
        target = f"duckdb:///{folder}/store.duckdb"
        command = [sys.executable, "-m", "tests.benchmarks.without", without, "backfill"]
        return run([*command, *arguments, "--to", target, "--quiet"], Path(folder))


def main() -> None:
    """Print the medians of the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("store", help="URL of a store of inputs")
    parser.add_argument("--start", default=f"{FIRST}")
    parser.add_argument("--end", default=f"{LAST}")
    parser.add_argument("--run-date", default=f"{RUN_DATE}")
    parser.add_argument("--rules", default="legacy")
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    days = ["--start", given.start, "--end", given.end, "--run-date", given.run_date]
    arguments = ["--from", given.store, *days, "--rules", given.rules]
    names = [AS_IT_IS, *WITHOUT]
    took: dict[str, list[Process]] = {name: [] for name in names}
    for number in range(given.rounds):
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            took[name].append(whole_run(arguments, name))
    print(f"{'without':>24} {'processor':>9} {'wall':>6}")
    for name in WITHOUT:
        pairs = list(zip(took[name], took[AS_IT_IS], strict=True))
        cpu, wall = median(a.cpu / b.cpu for a, b in pairs), median(a.wall / b.wall for a, b in pairs)
        print(f"{name:>24} {cpu:9.3f} {wall:6.3f}")


if __name__ == "__main__":
    main()
