"""Gain of each optimisation of Parquet stores: python -m tests.benchmarks.parquet_store GOLDEN_DEMO

GOLDEN_DEMO is the folder of the golden set `demo`. One run writes a folder; then each plain way and its fast
way work on it in turn, in pairs. The gain is the median difference of the pairs, as a share of the processor
time of a whole run from a folder into another one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from unittest.mock import patch

import polars as pl

from engine.benchmarks.processes import engine_command, run
from engine.benchmarks.workloads import FIRST, LAST
from engine.core.frames import empty
from engine.core.schema import TABLES, Table
from engine.core.store_url import StoreURL
from loaders import open_reader
from loaders.duckdb.connect import connect_memory
from loaders.parquet import reader
from loaders.parquet.reader import ParquetReader
from tests.benchmarks.optimisations import Optimisation, options, print_gains
from tests.benchmarks.reference_window import RUN_DATE
from writers import Scope
from writers.parquet import ParquetWriter


def whole_run(inputs: str, folder: Path, rounds: int) -> float:
    """Return the median processor time of `engine backfill` over the reference window into a new folder."""
    days = ["--start", f"{FIRST}", "--end", f"{LAST}", "--run-date", f"{RUN_DATE}", "--quiet"]
    took = []
    for _ in range(rounds):
        shutil.rmtree(folder, ignore_errors=True)
        command = engine_command("backfill", "--from", inputs, "--to", f"parquet:///{folder}", *days)
        took.append(run(command, folder.parent).cpu)
    return median(took)


class SearchingWriter(ParquetWriter):
    """Looks for rows in files that have none, too."""

    def merge(
        self, table: Table, frame: pl.DataFrame, keep: Collection[str] = (), by_id: bool = False
    ) -> None:
        key = (table.primary_key,) if by_id else table.key
        fresh = frame.join(self._frame(self._common(table), table), on=key, how="anti")
        self._update(table, frame.drop(keep), key)
        self.insert(table, fresh)

    def delete(self, table: Table, scope: Scope) -> None:
        gone = self._in_scope(table, scope)
        for path in self._files(table):
            self._frame(path, table).filter(~gone)


def fill_new_store(kind: type[ParquetWriter], folder: Path) -> None:
    """Replace and merge empty tables of a new store, as a run does before its rows go in; nothing is kept."""
    dated = {name: empty(table) for name, table in TABLES.items() if table.date and table.role == "output"}
    ledger = [table for table in TABLES.values() if table.role == "engine"]
    with kind(StoreURL.parse(f"parquet:///{folder}")) as writer:
        writer.begin()
        writer.create_missing()
        writer.replace(dated, Scope((), FIRST, LAST))
        for table in ledger:
            writer.merge(table, empty(table))
        writer.rollback()


def read_all(url: str) -> None:
    """Read each table whole."""
    with open_reader(url) as opened:
        for name in opened.tables():
            opened.read(name)


def all_columns(url: StoreURL) -> None:
    """Ask a transaction's reader for the columns of each table."""
    with ParquetReader(url, checked=False) as opened:
        for name in opened.tables():
            opened.columns[name]


def optimisations(inputs: str, store: str, folder: Path) -> Sequence[Optimisation]:
    """The rows of the table."""

    def without(change: Callable[[], AbstractContextManager[object]], work: Callable[[], object]) -> None:
        with change():
            work()

    def open_both() -> None:
        for url in (inputs, store):
            open_reader(url).close()

    url = StoreURL.parse(store)
    return [
        Optimisation(
            "one DuckDB for a run's readers",
            lambda: without(lambda: patch.object(reader, "connect_shared", connect_memory), open_both),
            open_both,
        ),
        Optimisation(
            "unadapted files read by Polars",
            lambda: without(
                lambda: patch.object(reader, "rows_as_written", lambda *_: None), lambda: read_all(store)
            ),
            lambda: read_all(store),
        ),
        Optimisation(
            "a transaction's columns at once",
            lambda: without(lambda: patch.object(ParquetReader, "_all_types", {}), lambda: all_columns(url)),
            lambda: all_columns(url),
        ),
        Optimisation(
            "files without rows passed over",
            lambda: fill_new_store(SearchingWriter, folder / "new"),
            lambda: fill_new_store(ParquetWriter, folder / "new"),
        ),
    ]


def main() -> None:
    known = options(__doc__)
    pl.Config.set_engine_affinity("in-memory")
    inputs = f"parquet:///{known.golden.resolve() / 'inputs'}"
    with TemporaryDirectory(prefix="parquet-store-") as name:
        folder = Path(name)
        whole = whole_run(inputs, folder / "store", known.rounds)
        print_gains(whole, optimisations(inputs, f"parquet:///{folder / 'store'}", folder), known.rounds)


if __name__ == "__main__":
    main()
