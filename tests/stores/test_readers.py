"""Readers during a run see a portfolio's old rows or its new ones, never some of both."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import psycopg
import pytest

import engine
from engine.core.errors import BusyFileError
from loaders import open_reader
from tests.stores.support import ROOT, in_place

pytestmark = pytest.mark.thorough

START, END, RUN_DATE = date(2025, 3, 3), date(2025, 3, 14), date(2026, 11, 23)
TABLES = ("portfolio_snapshots", "factor_exposures", "correlation_calculations", "stress_test_results")
CORRECTED = "update market_data_cache set close = close * 1.01 where symbol = 'SPY' and date = '2025-03-05'"
DIGESTS = " union all ".join(
    f"select portfolio_id::text, '{table}', count(*)::text || md5(string_agg(t::text, '|' order by id)) "
    f"from {table} t group by 1"
    for table in TABLES
)
Seen = dict[str, frozenset[tuple[str, str]]]
"""By portfolio: a digest of its rows in each table."""


def run(url: str) -> None:
    engine.backfill(url, url, start=START, end=END, run_date=RUN_DATE, shard_size=1)


def writing(url: str) -> subprocess.Popen[bytes]:
    """The same run, a portfolio at a time, in another process."""
    command = in_place(url, START, END, RUN_DATE, "--shard-size", "1")
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)


def by_portfolio(rows: list[tuple[str, str, str]]) -> Seen:
    return {owner: frozenset((t, d) for o, t, d in rows if o == owner) for owner, _, _ in rows}


def seen_in_postgres(url: str) -> Seen:
    """All tables as of one moment."""
    with psycopg.connect(url) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return by_portfolio(reader.execute(DIGESTS.encode()).fetchall())


def seen_in_a_file(url: str) -> Seen:
    """Through the engine: snapshots, of one file at one moment."""
    with open_reader(url) as reader:
        rows = reader.read("portfolio_snapshots").sort("id")
    return by_portfolio(
        [
            (str(owner), "portfolio_snapshots", mine.write_csv())
            for (owner,), mine in rows.group_by("portfolio_id", maintain_order=True)
        ]
    )


def correct(url: str) -> None:
    """A close that every beta, and so every portfolio, rests on."""
    if url.startswith("postgresql"):
        with psycopg.connect(url) as hand:
            hand.execute(CORRECTED)
        return
    path = Path(url.removeprefix("parquet:///")) / "market_data_cache.parquet"
    right = (pl.col("symbol") == "SPY") & (pl.col("date") == date(2025, 3, 5))
    close = pl.col("close").cast(pl.Float64)
    prices = pl.read_parquet(path)
    moved = pl.when(right).then(close * 1.01).otherwise(close).round(4).cast(prices.schema["close"])
    prices.with_columns(close=moved).write_parquet(path)


@pytest.mark.parametrize(
    ("kind", "look"),
    [("postgres", seen_in_postgres), ("parquet", seen_in_a_file)],
    ids=["postgres", "parquet"],
)
def test_a_reader_that_polls_sees_whole_portfolios(
    kind: str, look: Callable[[str], Seen], fresh: Callable[[str], str]
) -> None:
    url = fresh(kind)
    run(url)
    before = look(url)
    correct(url)
    writer = writing(url)
    looks = []
    while writer.poll() is None:
        looks.append(look(url))
        time.sleep(0.005)
    assert writer.returncode == 0
    after = look(url)
    assert before != after
    assert before.keys() == after.keys()
    for seen in looks:
        assert seen.keys() == before.keys()
        assert all(rows in (before[owner], after[owner]) for owner, rows in seen.items())
    print(f"{kind}: {len(looks)} looks, {len({frozenset(seen.items()) for seen in looks})} different states")


def test_a_run_waits_for_those_who_look_at_a_duckdb_file(fresh: Callable[[str], str]) -> None:
    """Nobody can open the file while it is written, and a run goes on when it is closed again."""
    url = fresh("duckdb")
    run(url)
    before = seen_in_a_file(url)
    writer = writing(url)
    looks = refused = 0
    while writer.poll() is None:
        try:
            assert seen_in_a_file(url) == before
            looks += 1
        except BusyFileError:
            refused += 1
        time.sleep(0.2)
    print(f"duckdb: {looks} looks, {refused} refused")
    assert writer.returncode == 0
    assert looks
    assert seen_in_a_file(url) == before
