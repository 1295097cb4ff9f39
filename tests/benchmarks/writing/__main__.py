"""Run the study: see the package's documentation."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import polars as pl

from engine.benchmarks.postgres_server import BenchmarkServer, server
from engine.benchmarks.processes import run
from engine.benchmarks.stores import PRISTINE, ParquetStore, PostgresStore
from engine.benchmarks.workloads import Workload
from engine.core.schema import TABLES
from loaders import open_reader
from sql import Name, statement
from tests.benchmarks import writing
from tests.benchmarks.writing.encodings import CSV, PGPQ, PSYCOPG, TABS, Encoding
from tests.benchmarks.writing.frames import computed, ordered, shares
from tests.benchmarks.writing.ways import (
    WHOLE,
    Frames,
    Way,
    first_loads,
    processor_in,
    replacements,
    shown,
    write,
)

LOADED, TRIAL = "loaded", "trial"
BACKEND = "select pg_backend_pid() as pid \\gset\n\\setenv BACKEND :pid\n\\! cat /proc/$BACKEND/stat\n"
"""Makes psql print the processor time of its server process."""


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock, and processor seconds of this process and of the server's processes."""

    wall: float
    client: float
    server: float = 0.0


@dataclass
class Study:
    """The rows to write, where to, and the time of each way by chapter."""

    server: BenchmarkServer
    folder: Path
    frames: Frames
    positions: pl.DataFrame
    portfolios: Sequence[str]
    spent: dict[str, dict[str, list[Spent]]] = field(default_factory=dict)

    @property
    def rows(self) -> dict[str, int]:
        return {name: frame.height for name, frame in self.frames.items()}

    def note(self, chapter: str, name: str, spent: Spent) -> None:
        self.spent.setdefault(chapter, {}).setdefault(name, []).append(spent)
        print(f"{chapter}: {name}: {spent}", file=sys.stderr)

    def load(self) -> None:
        """Make a second template that already holds the window's rows."""
        self.server.clone(LOADED, PRISTINE)
        write(self.server.url(LOADED), Way(CSV, WHOLE), self.frames, self.portfolios)
        self.server.settle(LOADED)

    def encode(self, encoding: Encoding, batch: int) -> None:
        frames = ordered(self.frames, "key")
        start, cpu = time.perf_counter(), time.process_time()
        size = sum(len(data) for n, f in frames.items() for data in encoding.batches(TABLES[n], f, batch))
        spent = Spent(time.perf_counter() - start, time.process_time() - cpu)
        self.note("encoding alone", f"{encoding.name}, {shown(batch)}, {size / 2**20:,.0f} MiB", spent)

    def limit(self, encoding: Encoding) -> None:
        """Time psql's load of files made beforehand."""
        script = "".join(self._file(encoding, n, f) for n, f in ordered(self.frames, "key").items())
        path = self.folder / "load.sql"
        path.write_text(script + BACKEND, encoding="utf-8")
        self.server.drop(TRIAL)
        self.server.clone(TRIAL, PRISTINE)
        command = self.server.command(TRIAL, "--single-transaction", "-f", str(path))
        took = run(command, self.folder)
        name = f"psql \\copy of ready files, {encoding.name}"
        self.note("first load", name, Spent(took.wall, took.cpu, processor_in(took.out)))
        self._count()

    def _file(self, encoding: Encoding, name: str, frame: pl.DataFrame) -> str:
        path = self.folder / f"{name}.{encoding.option}"
        path.write_bytes(b"".join(encoding.batches(TABLES[name], frame, WHOLE)))
        columns = ", ".join(frame.columns)
        return f"\\copy {name} ({columns}) from '{path}' with (format {encoding.option})\n"

    def trial(self, chapter: str, way: Way) -> None:
        self.server.drop(TRIAL)
        self.server.clone(TRIAL, PRISTINE if way.put == "first" else LOADED)
        parts = shares(ordered(self.frames, way.order), way.split, way.connections, self.positions)
        start, cpu = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(len(parts)) as pool:
            server = sum(pool.map(lambda part: self._write(way, part), parts))
        spent = Spent(time.perf_counter() - start, time.process_time() - cpu, server)
        self.note(chapter, way.name, spent)
        self._count()

    def _write(self, way: Way, part: Frames) -> float:
        portfolios = self.portfolios
        if way.split == "portfolios":
            portfolios = part["portfolio_snapshots"]["portfolio_id"].unique().sort().to_list()
        return write(self.server.url(TRIAL), way, part, portfolios)

    def _count(self) -> None:
        with open_reader(self.server.url(TRIAL)) as reader:
            for name, rows in self.rows.items():
                counted = reader.query(statement("bench/count", table=Name(name))).item()
                assert counted == rows, f"{name}: {counted} rows, not {rows}"

    def by_table(self, encoding: Encoding) -> None:
        """Time each table alone, after its parents."""
        self.server.drop(TRIAL)
        self.server.clone(TRIAL, PRISTINE)
        for name, frame in ordered(self.frames, "key").items():
            start, cpu = time.perf_counter(), time.process_time()
            server = write(self.server.url(TRIAL), Way(encoding, 5_000), {name: frame}, self.portfolios)
            spent = Spent(time.perf_counter() - start, time.process_time() - cpu, server)
            self.note("by table", f"{name}, {frame.height:,} rows, {encoding.name}", spent)

    def round(self) -> None:
        """Run everything once."""
        for encoding in (CSV, TABS, PGPQ):
            self.encode(encoding, 5_000)
            self.encode(encoding, WHOLE)
        self.encode(PSYCOPG, WHOLE)
        for encoding in (CSV, PGPQ):
            self.limit(encoding)
            self.by_table(encoding)
        for way in first_loads():
            self.trial("first load", way)
        for way in replacements():
            self.trial("replacement", way)


def report(study: Study) -> Iterator[str]:
    yield f"{sum(study.rows.values()):,} rows in {len(study.rows)} tables. {study.server.described()}"
    for chapter, ways in study.spent.items():
        yield f"\n{chapter:92}{'best s':>8}{'median s':>10}{'client cpu':>12}{'server cpu':>12}"
        for name, spent in ways.items():
            walls = [each.wall for each in spent]
            client, server = min(each.client for each in spent), min(each.server for each in spent)
            yield f"{name:92}{min(walls):>8.2f}{median(walls):>10.2f}{client:>12.2f}{server:>12.2f}"


def main() -> None:
    options = argparse.ArgumentParser(
        description=writing.__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name, default in (("rounds", 3), ("portfolios", 5), ("positions", 20), ("symbols", 60)):
        options.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"[{default}]")
    options.add_argument("--postgres", metavar="URL", help="[the wheel's]")
    arguments = options.parse_args()
    pl.Config.set_engine_affinity("in-memory")
    workload = Workload(arguments.portfolios, arguments.positions, arguments.symbols)
    with tempfile.TemporaryDirectory(prefix="writing-") as folder, server(arguments.postgres) as postgres:
        if postgres is None or postgres.psql is None:
            raise SystemExit("there is no server, or no psql: pip install '.[test]' brings both")
        study = prepared(Path(folder), workload, postgres)
        for _ in range(arguments.rounds):
            study.round()
        print("\n".join(report(study)))


def prepared(folder: Path, workload: Workload, postgres: BenchmarkServer) -> Study:
    files, databases = ParquetStore(folder), PostgresStore(folder, postgres)
    for store in (files, databases):
        store.make(workload)
    with open_reader(files.url(PRISTINE)) as reader:
        positions, owners = reader.read("positions"), reader.read("portfolios", ["id"])["id"].sort()
    study = Study(postgres, folder, computed(files.url(PRISTINE)), positions, owners.to_list())
    study.load()
    return study


if __name__ == "__main__":
    main()
