"""The legacy batch's own window: python -m tests.benchmarks.reference_window GOLDEN_DEMO [--rounds N]

GOLDEN_DEMO is the folder of the golden set `demo`, with inputs, outputs and exempt.json. This runs the
sections of `engine bench --only reference,limit` on the data that the legacy batch was timed on, and
then compares the stores with the legacy batch's tables, cell by cell.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import date
from pathlib import Path

import polars as pl

import engine
from engine.benchmarks.context import context
from engine.benchmarks.measurements import BenchmarkResults, Ratio
from engine.benchmarks.postgres_server import server
from engine.benchmarks.ratios import ratios
from engine.benchmarks.results_text import to_text
from engine.benchmarks.sections import TRIAL, reference
from engine.benchmarks.stores import BenchmarkStore, DuckDBStore, ParquetStore, PostgresStore
from engine.benchmarks.workloads import FIRST, LAST, BenchmarkPlan, Workload

RUN_DATE = date(2026, 11, 23)
LEGACY_SECONDS = 1_058.9
"""The legacy batch over the same window, on PostgreSQL 15 and a quiet machine of two cores: the table
of golden/README.md, `demo`."""


def against_legacy(results: BenchmarkResults) -> list[Ratio]:
    return [
        Ratio(f"{measure.name}: the legacy batch, on a quiet machine of two cores / engine", ratio)
        for measure in results.measures.values()
        if measure.name.endswith(("/first", "/again"))
        for ratio in [LEGACY_SECONDS / measure.best]
    ]


def compared(golden: Path, store: BenchmarkStore) -> str:
    expected, actual = f"parquet:///{golden / 'outputs'}", store.url(TRIAL)
    comparison = engine.compare(expected, actual, exemptions=golden / "exempt.json")
    cells, exempt, off = (comparison.total(what) for what in ("cells", "exempt", "off_by_one"))
    verdict = f"{comparison.verdict} to the legacy batch's tables"
    return f"{store.kind}: {verdict}: {cells:,} cells, {exempt:,} of them exempt, {off:,} off by one"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("golden", type=Path, metavar="GOLDEN_DEMO")
    options.add_argument("--rounds", type=int, default=5, metavar="N", help="[5]")
    options.add_argument("--postgres", metavar="URL", help="[the wheel's]")
    arguments = options.parse_args()
    pl.Config.set_engine_affinity("in-memory")
    golden = arguments.golden.resolve()
    workload = Workload(5, 20, 0, FIRST, LAST, f"parquet:///{golden / 'inputs'}", RUN_DATE)
    results = BenchmarkResults(context())
    with tempfile.TemporaryDirectory(prefix="reference-") as name, server(arguments.postgres) as postgres:
        folder = Path(name)
        stores: list[BenchmarkStore] = [DuckDBStore(folder), ParquetStore(folder)]
        stores += [PostgresStore(folder, postgres)] if postgres else []
        reference(
            stores,
            BenchmarkPlan(workload, arguments.rounds, {}, {}, FIRST, 0),
            results,
            engine=True,
            limit=True,
        )
        results.notes += [compared(golden, store) for store in stores]
        results.notes += [postgres.described()] if postgres else []
        for store in stores:
            store.drop(TRIAL)
    print(to_text(results, [*ratios(results.measures), *against_legacy(results)], []))


if __name__ == "__main__":
    main()
