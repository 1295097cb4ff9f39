"""Processor time of a book of 25 lots and a year without a store: `python -m tests.benchmarks.own_book`.

Each round is a process of its own: imports, two CSV texts, `engine.book`, and `engine.compute` by corrected
rules.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from statistics import median

import polars as pl

import engine
from tests.books import worlds

PROGRAM = (
    "import time; from tests.benchmarks.own_book import snapshots_of_a_year; "
    "snapshots_of_a_year(); print(time.process_time())"
)


def snapshots_of_a_year() -> int:
    """Compute the book; the number of its snapshots."""
    positions = pl.read_csv(worlds.positions(closed=True).encode(), infer_schema=False)
    prices = pl.read_csv(worlds.prices().encode())
    results = engine.compute(engine.book(positions, prices), rules=engine.Rules.corrected())
    return results["portfolio_snapshots"].height


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--rounds", type=int, default=7, metavar="N", help="[7]")
    spent = [
        float(subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True).stdout)
        for _ in range(options.parse_args().rounds)
    ]
    print(f"median {median(spent):.2f} s, least {min(spent):.2f} s of processor time")


if __name__ == "__main__":
    main()
