"""Whole runs with one thread of Polars and with one a core: python -m tests.benchmarks.polars_threads STORE

Each round runs `engine backfill` from STORE into a new DuckDB file with `POLARS_MAX_THREADS` of 1, which the
command sets, and of the number of cores; every other round begins with the cores.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from unittest.mock import patch

from engine.benchmarks.processes import Process, engine_command, run
from engine.benchmarks.workloads import FIRST, LAST
from tests.benchmarks.reference_window import RUN_DATE


def whole_run(arguments: Sequence[str], threads: int) -> Process:
    """Run `engine backfill` into a new file.

    Args:
        arguments: Its source, window and rules.
        threads: Of Polars.
    """
    with TemporaryDirectory() as folder, patch.dict(os.environ, POLARS_MAX_THREADS=f"{threads}"):
        target = f"duckdb:///{folder}/store.duckdb"
        return run(engine_command("backfill", *arguments, "--to", target, "--quiet"), Path(folder))


def main() -> None:
    """Print the medians of both, and of their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", help="URL of a store of inputs")
    parser.add_argument("--start", default=f"{FIRST}")
    parser.add_argument("--end", default=f"{LAST}")
    parser.add_argument("--rules", default="legacy")
    parser.add_argument("--rounds", type=int, default=6)
    given = parser.parse_args()
    days = ["--start", given.start, "--end", given.end, "--run-date", f"{RUN_DATE}"]
    arguments = ["--from", given.store, *days, "--rules", given.rules]
    cores = os.cpu_count() or 1
    took: dict[int, list[Process]] = {1: [], cores: []}
    for number in range(given.rounds):
        for threads in sorted(took, reverse=number % 2 == 1):
            took[threads].append(whole_run(arguments, threads))
    print(f"{'threads':>8} {'processor s':>12} {'wall s':>8}")
    for threads, runs in took.items():
        print(f"{threads:8} {median(one.cpu for one in runs):12.2f} {median(one.wall for one in runs):8.2f}")
    pairs = list(zip(took[1], took[cores], strict=True))
    cpu, wall = median(a.cpu / b.cpu for a, b in pairs), median(a.wall / b.wall for a, b in pairs)
    print(f"{'1 / ' + str(cores):>8} {cpu:12.3f} {wall:8.3f}")


if __name__ == "__main__":
    main()
