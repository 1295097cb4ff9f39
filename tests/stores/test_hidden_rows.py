"""Rows that a window's own filter would hide, and text that not every store can hold: set aside, and told."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import engine
from engine.batch.report import Report
from engine.core.errors import LostReadError
from tests.stores.support import GOLDEN
from writers.retry import ATTEMPTS, with_retries

CLOSES = "market_data_cache"


def run(folder: Path, table: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Report:
    """A backfill of the golden set `edge` with one table changed."""
    inputs = Path(shutil.copytree(GOLDEN / "edge" / "inputs", folder / "inputs"))
    path = inputs / f"{table}.parquet"
    change(pl.read_parquet(path)).write_parquet(path)
    days = {"start": date(2025, 4, 7), "end": date(2025, 4, 8), "run_date": date(2026, 11, 23)}
    return engine.backfill(f"parquet:///{inputs}", f"duckdb:///{folder}/out.duckdb", **days)  # type: ignore[arg-type]


@pytest.mark.parametrize("column", ["date", "symbol"])
def test_a_close_without_its_day_or_symbol_is_quarantined(tmp_path: Path, column: str) -> None:
    def without(frame: pl.DataFrame) -> pl.DataFrame:
        first = (pl.col("symbol") == "SPY") & (pl.col("date") == date(2025, 4, 7))
        return frame.with_columns(pl.when(~first).then(column).alias(column))

    found = run(tmp_path, CLOSES, without).quarantine.filter(pl.col("table") == CLOSES)
    assert found.select("column", "value", "rule").rows() == [(column, "null", "is null")]


def test_a_nul_character_is_refused_with_its_portfolio(tmp_path: Path) -> None:
    def named(frame: pl.DataFrame) -> pl.DataFrame:
        first = pl.col("id") == pl.col("id").min()
        return frame.with_columns(name=pl.when(first).then(pl.lit("a\0b")).otherwise("name"))

    report = run(tmp_path, "portfolios", named)
    assert report.quarantine["rule"].str.starts_with("holds a NUL character").any()
    assert report.portfolios == 5  # of eight: this one, the deleted one, and E2 without an equity


def test_a_read_over_a_lost_connection_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
    tries: list[int] = []
    told: list[str] = []

    def read() -> str:
        tries.append(1)
        if len(tries) < ATTEMPTS:
            raise LostReadError("postgresql://h/d", "server closed the connection unexpectedly")
        return "rows"

    assert with_retries(read, told.append) == "rows"
    assert (len(tries), len(told)) == (ATTEMPTS, ATTEMPTS - 1)
