"""Speed of the reference window: python -m tests.benchmarks.reference_window GOLDEN_DEMO [--rounds N]

GOLDEN_DEMO is the folder of the golden set `demo`, with inputs, outputs and exempt.json; it is read where
it lies. Every figure is a process from start to exit, all in one run of this program: rounds of all kinds
take turns, each on a pristine store. The yardstick is psql's \\copy of the rows that the engine wrote,
from ready CSV files into the same tables with their indexes and foreign keys: parents first, one stream,
one transaction. At the end the stores are held to the legacy batch's tables, cell by cell.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import median
from textwrap import wrap

import polars as pl

import engine
from engine.copying import copy
from engine.progress import Quiet
from engine.schema import TABLES
from tests.benchmarks.postgres import TEMPLATE, Postgres, postgres

ROOT = Path(__file__).parents[2]
START, END, RUN_DATE = date(2025, 7, 1), date(2025, 12, 19), date(2026, 11, 23)
LEGACY_SECONDS = 1_058.9
"""The legacy batch over the same window, on PostgreSQL 15 and a quiet machine of two cores: the table of
golden/README.md, `demo`."""

IN_DUCKDB = "DuckDB, in place"
FROM_PARQUET = "Parquet to a new DuckDB"
IN_POSTGRES = "Postgres, in place"
AGAIN_IN_DUCKDB = "DuckDB, in place, again"
AGAIN_IN_POSTGRES = "Postgres, in place, again"
BARE_COPY = "psql \\copy of the same rows"
STAGES = ("load", "compute", "write")
OUTPUTS = [name for name, table in TABLES.items() if table.role == "output"]
"""Tables that the legacy batch writes, parents first; the engine's own are no part of the yardstick."""


@dataclass(frozen=True)
class Run:
    """One process: seconds from start to exit, and of processor; rows by table; seconds by stage."""

    wall: float
    cpu: float
    rows: Mapping[str, int]
    stages: Mapping[str, float] = field(default_factory=dict)


def process(arguments: Sequence[str], folder: Path) -> tuple[float, float, str]:
    """Run a command in a folder: wall seconds, its own processor seconds, and what it printed."""
    known = {**os.environ, "PYTHONPATH": str(ROOT)}
    before, start = _children(), time.perf_counter()
    done = subprocess.run(arguments, cwd=folder, env=known, capture_output=True, text=True)
    wall = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return wall, _children() - before, done.stdout


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def backfill(folder: Path, source: str, *target: str) -> Run:
    """The engine's command over the reference window."""
    days = ("--start", str(START), "--end", str(END), "--run-date", str(RUN_DATE))
    command = (sys.executable, "-m", "engine", "backfill", "--from", source, *target, *days)
    wall, cpu, out = process((*command, "--json", "--quiet"), folder)
    record = json.loads(out)
    return Run(wall, cpu, record["rows"], record["seconds"])


@dataclass
class Bench:
    """Pristine stores, the stores of the round at work, and what was measured in them."""

    golden: Path
    folder: Path
    server: Postgres
    runs: dict[str, list[Run]] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    verdicts: list[str] = field(default_factory=list)

    @property
    def inputs(self) -> str:
        return f"parquet:///{self.golden / 'inputs'}"

    def prepare(self) -> None:
        """The inputs in a DuckDB file, and in the template of all databases."""
        copy(self.inputs, self._file("pristine"), 5_000, Quiet())
        copy(self.inputs, self.server.url(TEMPLATE), 5_000, Quiet())
        self.server.settle()

    def _file(self, name: str) -> str:
        return f"duckdb:///{self.folder / name}.duckdb"

    def round(self, last: bool) -> None:
        """Each kind of run once; what the last round leaves is held to the golden tables."""
        shutil.copy(self.folder / "pristine.duckdb", self.folder / "round.duckdb")
        file, new, database = self._file("round"), self._file("new"), self.server.clone("round")
        (self.folder / "new.duckdb").unlink(missing_ok=True)
        plan = [
            (IN_DUCKDB, file, ()),
            (AGAIN_IN_DUCKDB, file, ()),
            (FROM_PARQUET, self.inputs, ("--to", new)),
            (IN_POSTGRES, database, ()),
            (AGAIN_IN_POSTGRES, database, ()),
        ]
        for name, source, target in plan:
            if name == AGAIN_IN_POSTGRES:
                self._export()
            self._measured(name, backfill(self.folder, source, *target))
            if last:
                self._verify(name, target[-1] if target else source)
        self._bare_copy()

    def _measured(self, name: str, run: Run) -> None:
        self.runs.setdefault(name, []).append(run)
        print(f"{name}: {run.wall:.2f} s", file=sys.stderr)

    def _export(self) -> None:
        """What the first run wrote, as CSV files, once."""
        if self.written:
            return
        found = self.server.rows("round", OUTPUTS)
        self.written = {name: rows for name, rows in found.items() if rows}
        self.server.export("round", list(self.written), self.folder)

    def _bare_copy(self) -> None:
        """The yardstick; what it loads is counted, not believed."""
        self.server.clone("bare")
        script = self.folder / "copy.sql"
        lines = [
            f"\\copy {table} from '{self.folder / table}.csv' with (format csv)\n" for table in self.written
        ]
        script.write_text("".join(lines), encoding="utf-8")
        command = self.server.command("bare", "--single-transaction", "-f", str(script))
        wall, cpu, _ = process(command, self.folder)
        assert self.server.rows("bare", list(self.written)) == self.written
        self._measured(BARE_COPY, Run(wall, cpu, self.written))

    def _verify(self, name: str, store: str) -> None:
        expected = f"parquet:///{self.golden / 'outputs'}"
        found = engine.compare(expected, store, exemptions=self.golden / "exempt.json")
        cells, exempt, off = (found.total(what) for what in ("cells", "exempt", "off_by_one"))
        self.verdicts.append(
            f"{name:<28}{found.verdict}: {cells:,} cells, {exempt:,} of them exempt, {off:,} off by one"
        )


def table(runs: Mapping[str, Sequence[Run]]) -> Iterator[str]:
    """The table's lines. Ratios are of the best rounds; the last column has the medians' beside."""
    yield (
        f"{'':28}{'wall s':>8}{'median':>8}{'cpu s':>7}{'load':>7}{'compute':>9}{'write':>7}{'rows':>10}"
        f"{'rows/s':>10}{'legacy/this':>13}{'this/copy':>11}{'median':>8}"
    )
    bare = _walls(runs[BARE_COPY])
    for name, measured in runs.items():
        walls = _walls(measured)
        best = min(measured, key=lambda run: run.wall)
        stages = [f"{best.stages[stage]:.2f}" if best.stages else "" for stage in STAGES]
        rows = sum(best.rows.values())
        ratio = f"{LEGACY_SECONDS / best.wall:,.0f}" if best.stages else ""
        yield (
            f"{name:28}{best.wall:>8.2f}{median(walls):>8.2f}{best.cpu:>7.2f}{stages[0]:>7}{stages[1]:>9}"
            f"{stages[2]:>7}{rows:>10,}{rows / best.wall:>10,.0f}{ratio:>13}"
            f"{best.wall / min(bare):>11.2f}{median(walls) / median(bare):>8.2f}"
        )


def _walls(runs: Sequence[Run]) -> list[float]:
    return [run.wall for run in runs]


def report(bench: Bench, rounds: int, load: tuple[float, float, float]) -> Iterator[str]:
    """Everything that was found, as text."""
    yield f"Reference window {START} to {END}, run date {RUN_DATE}; {rounds} rounds, best and median of each."
    yield (
        f"{os.cpu_count()} cores, load average {load[0]:.1f} before and {os.getloadavg()[0]:.1f} after "
        "(about 1 is this program's own)."
    )
    yield from (*wrap(f"{bench.server.described()}.", 120), "")
    yield from table(bench.runs)
    yield (
        f"\nLegacy batch: {LEGACY_SECONDS:,} s (golden/README.md). cpu: the client's alone. The engine's "
        "rows include its own\ntables and what it changes in portfolios and positions; the copy has the "
        f"{len(bench.written)} legacy output tables."
    )
    yield "\nHeld to outputs, with exempt.json:"
    yield from bench.verdicts


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("golden", type=Path, metavar="GOLDEN_DEMO")
    options.add_argument("--rounds", type=int, default=5, metavar="N", help="[5]")
    known = options.parse_args()
    pl.Config.set_engine_affinity("in-memory")
    load = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="reference-") as folder, postgres() as server:
        bench = Bench(known.golden.resolve(), Path(folder), server)
        bench.prepare()
        for turn in range(known.rounds):
            bench.round(last=turn == known.rounds - 1)
        print("\n".join(report(bench, known.rounds, load)))


if __name__ == "__main__":
    main()
