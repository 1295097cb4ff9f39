"""Helpers of the tests of stores: golden inputs, and looking at stores without the engine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import psycopg

from engine.batch.copy import copy
from engine.core.progress import Quiet
from engine.core.schema import TABLES
from tests.small_stores import content, unequal

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
NOT_TABLES = ("stress_scenarios",)


def golden(name: str, side: str = "inputs") -> str:
    return f"parquet:///{GOLDEN / name / side}"


def files(folder: Path) -> dict[str, pl.DataFrame]:
    """Every Parquet file of a folder, by table."""
    return {path.stem: pl.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}


def folder_of(url: str) -> Path:
    return Path(url.removeprefix("parquet:///"))


def copied(source: str, target: str, batch_rows: int = 5_000) -> dict[str, int]:
    return copy(source, target, batch_rows, Quiet())


DIGEST = "select count(*)::text || md5(string_agg(t::text, '|' order by t::text)) from {} t"


RUNS = ("engine_runs", "engine_settings", "engine_shards")
"""The ledger tells one run from another, and is no result of either."""


def whole(url: str) -> dict[str, object]:
    """Return a digest of each table by the store's own driver: equal if no cell has changed."""
    if url.startswith("parquet"):
        found = folder_of(url).glob("*.parquet")
        return {path.name: path.read_bytes() for path in found if path.stem not in RUNS}
    catalog = (
        "select table_name::text from information_schema.tables where table_schema in ('main', 'public')"
    )
    names = [name for (name,) in run_sql(url, catalog) if name not in RUNS]
    return {name: run_sql(url, DIGEST.format(name)) for name in names}


def assert_same_but_clock(url: str, clean: str) -> None:
    """Two stores hold the same rows; stamps of the clock aside, and the ledger."""
    assert unequal(content(url), content(clean)) == []


def run_sql(url: str, text: str) -> list[tuple[Any, ...]]:
    """One statement on a database, by its own driver."""
    if url.startswith("duckdb"):
        with duckdb.connect(url.removeprefix("duckdb:///")) as local:
            return local.execute(text).fetchall()
    with psycopg.connect(url, autocommit=True) as remote:
        cursor = remote.execute(text.encode())
        return cursor.fetchall() if cursor.description else []


def in_place(url: str, start: date, end: date, run_date: date, *more: str) -> list[str]:
    """The command that computes a window of a store in place, whatever kind it is of."""
    days = ["--start", f"{start}", "--end", f"{end}", "--run-date", f"{run_date}"]
    return [sys.executable, "-m", "engine", "backfill", "--from", url, "--to", url, *days, "--quiet", *more]


@dataclass(frozen=True)
class Ended:
    """A finished command."""

    code: int
    out: str
    err: str
    results: str

    @property
    def everything(self) -> str:
        return self.out + self.err + self.results


def command(folder: Path, *arguments: str, **environment: str) -> Ended:
    """`python -m engine ...` in a folder of its own, with what it printed and recorded."""
    known: Mapping[str, str] = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(
        [sys.executable, "-m", "engine", *arguments],
        cwd=folder,
        env=known,
        capture_output=True,
        text=True,
        timeout=60,
    )
    record = folder / "run_results.json"
    return Ended(done.returncode, done.stdout, done.stderr, record.read_text() if record.exists() else "")


def texts(url: str, table: str, columns: Sequence[str]) -> list[tuple[str | None, ...]]:
    """Columns of a table as their own store spells them, in order: equal across kinds of stores."""
    wanted = ", ".join(f'"{name}"::text' for name in columns)
    if url.startswith("parquet"):
        source = f"read_parquet('{folder_of(url)}/{table}.parquet')"
        found = duckdb.connect().execute(f"select {wanted} from {source}").fetchall()
    else:
        found = run_sql(url, f"select {wanted} from {table}")
    return sorted(found, key=repr)


def plain_columns(table: str) -> list[str]:
    """The columns that all stores spell alike, but for row ids and moments of writing."""
    return [
        column.name
        for column in TABLES[table].columns
        if column.compared and not column.nan and column.type.kind not in ("json", "timestamp")
    ]
