"""Times of the stages of computing: `python -m tests.benchmarks.stages [--portfolios N] [--source URL]`.

An invented world of the benchmark's kind, or a store's own half-year, is loaded, computed once to warm up,
once for the time, and once under Python's profiler, whose seconds are a little more.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import tempfile
import time
from datetime import date
from pathlib import Path

import polars as pl

import engine
from engine.batch.copy import write_frames
from engine.benchmarks.workloads import FIRST, LAST
from engine.core.job_catalog import JOBS
from engine.core.progress import Quiet
from engine.pipeline import jobs
from engine.pipeline.inputs import Inputs
from loaders.demo import demo_world
from writers.writer import BATCH_ROWS

ROOT = Path(engine.__file__).parents[1]
CORRECTED_ONLY = "risk"
"""A job that a run by legacy rules, as this is one, does not call."""
STAGES = (
    ("position values", "mark_positions"),
    ("P&L, equity, exposures", "roll_equity"),
    ("figures that do not fit", "misfits"),
    ("panel and lots", "open_positions"),
    *((job.label, name) for name, job in JOBS.items() if hasattr(jobs, name) and name != CORRECTED_ONLY),
    ("storing: all", "stored_rows"),
    ("storing: figures rounded", "stored_figures"),
    ("ids", "row_ids"),
)
"""Stages and their functions; a job's has the job's name. Others call that of the ids, too."""


def stored(inputs: Inputs) -> int:
    """Compute all tables, down to their stored form; the rows."""
    results = engine.compute(inputs)
    dict(results.tables)
    return results.rows


def profile(inputs: Inputs) -> tuple[float, int, dict[str, float]]:
    """Seconds without the profiler, rows, and seconds by function with it."""
    stored(inputs)
    start = time.perf_counter()
    rows = stored(inputs)
    spent = time.perf_counter() - start
    profiler = cProfile.Profile()
    profiler.runcall(stored, inputs)
    seconds: dict[str, float] = {}
    entries = pstats.Stats(profiler).stats.items()  # type: ignore[attr-defined]
    for (path, _, function), (_, _, _, cumulative, _) in entries:
        if path.startswith(str(ROOT)):
            seconds[function] = max(seconds.get(function, 0.0), cumulative)
    return spent, rows, seconds


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--portfolios", type=int, default=48, metavar="N", help="[48]")
    options.add_argument("--source", metavar="URL", help="[an invented world]")
    options.add_argument("--run-date", type=date.fromisoformat, default=LAST, metavar="D")
    arguments = options.parse_args()
    pl.Config.set_engine_affinity("in-memory")
    with tempfile.TemporaryDirectory() as folder:
        url = arguments.source or f"parquet://{folder}/world"
        if arguments.source is None:
            write_frames(url, demo_world(arguments.portfolios, 30, 1_500), BATCH_ROWS, Quiet())
        inputs = engine.open(url).inputs(FIRST, LAST, run_date=arguments.run_date)
    spent, rows, seconds = profile(inputs)
    whole = seconds["stored"]
    print(
        f"{inputs.portfolios.height} portfolios: {spent:.2f} s, {rows:,} rows, {rows / spent:,.0f} a second"
    )
    for name, function in STAGES:
        spent_in = seconds[function]
        print(f"{name:<28}{spent_in:>8.3f} s{spent_in / whole:>7.0%}")
    print(f"{'all, under the profiler':<28}{whole:>8.3f} s")


if __name__ == "__main__":
    main()
