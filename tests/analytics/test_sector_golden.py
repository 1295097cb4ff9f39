"""Sector exposure and concentration repeat the golden snapshot and the legacy batch's own log."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import polars as pl
import pytest

from engine.analytics.concentration.sector import sector
from engine.analytics.job_result import JobResult
from engine.analytics.panels import Portfolios, portfolio_arrays
from engine.core.money import GRAINS_A_CENT, integer
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.core.stored_rows import stored_figures
from engine.pipeline.compute import mark_positions, roll_equity

from .frames import against_golden
from .regressions import GOLDEN, WINDOWS, golden_inputs

KEY = ["portfolio_id", "snapshot_date"]
FIGURES = ("hhi", "effective_num_positions", "top_3_concentration", "top_10_concentration")
TABLE = TABLES["portfolio_snapshots"]
ULPS = 1e-14
"""The log's sums run in the order of the heap."""
World = tuple[pl.DataFrame, pl.DataFrame, Portfolios]


@cache
def golden_days(name: str) -> World:
    inputs, window = golden_inputs(name), WINDOWS[name]
    days = mark_positions(inputs, window, Rules.legacy())
    book, _ = roll_equity(inputs, window, Rules.legacy(), days)
    return book, days, portfolio_arrays(book, len(window.sessions))


def run(name: str, world: World, run_date: Any = None) -> JobResult:
    inputs = golden_inputs(name)
    book, days, portfolios = world
    return sector(
        book,
        days,
        inputs.positions,
        inputs.profiles,
        inputs.has_benchmark,
        portfolios,
        run_date or WINDOWS[name].run_date,
    )


def test_the_snapshot_columns_of_the_run_date_equal_the_golden_table() -> None:
    fresh = run("mixed_today", golden_days("mixed_today")).snapshot
    assert fresh is not None
    fresh = fresh.with_columns(stored_figures(fresh[name], TABLE[name]) for name in FIGURES)
    golden = pl.read_parquet(GOLDEN / "mixed_today" / "outputs" / f"{TABLE.name}.parquet")
    columns = ["sector_exposure", *FIGURES]
    ours = golden.drop(columns).join(fresh, on=KEY, how="left").select(golden.columns)
    found = against_golden("mixed_today", {TABLE.name: ours})
    assert found.equal, found.to_text()
    assert found.total("off_by_one") == 0
    both = fresh.join(golden, on=KEY, suffix="_golden").select("sector_exposure", "sector_exposure_golden")
    assert both.height == 4
    for mine, theirs in both.iter_rows():
        assert json.loads(mine) == json.loads(theirs)  # bit for bit


def test_sessions_before_the_run_date_are_skipped() -> None:
    outcome = run("mixed", golden_days("mixed"))
    assert outcome.snapshot is not None
    assert outcome.snapshot.is_empty()
    assert outcome.status.height == 5 * 63
    assert set(outcome.status.select("status", "reason").iter_rows()) == {("skipped", "historical_session")}


@pytest.mark.parametrize("name", ["mixed", "edge"])
def test_the_last_session_as_if_it_were_the_run_date_equals_the_log(name: str) -> None:
    """The log shows what the legacy batch makes of values after phase 4 and of stored equity."""
    book, days, portfolios = golden_days(name)
    last = WINDOWS[name].sessions[-1]
    after = days.with_columns(opening_value=pl.col("market_value"))
    stored = book.with_columns(equity_grains=pl.col("equity") * integer(GRAINS_A_CENT), holds=pl.lit(True))
    outcome = run(name, (stored, after, portfolios), last)
    assert outcome.snapshot is not None
    ours = {row["portfolio_id"]: row for row in outcome.snapshot.to_dicts()}
    told = _log(name)
    assert {pid for pid, line in told.items() if _succeeded(line)} == set(ours)
    for portfolio, row in ours.items():
        weights = told[portfolio]["sector_exposure"]["portfolio_weights"]
        assert json.loads(row["sector_exposure"]) == pytest.approx(weights, rel=ULPS)
        for column in FIGURES:
            assert row[column] == pytest.approx(told[portfolio]["concentration"][column], rel=ULPS)


def _log(name: str) -> dict[str, dict[str, Any]]:
    lines = (GOLDEN / name / "run" / f"{name}.sector.jsonl").read_text().splitlines()
    return {line["portfolio_id"]: line for line in map(json.loads, lines)}


def _succeeded(line: dict[str, Any]) -> bool:
    return all(line[part] and line[part].get("success") for part in ("sector_exposure", "concentration"))


def test_a_portfolio_alone_has_the_bits_that_it_has_among_others() -> None:
    book, days, portfolios = golden_days("mixed_today")
    among = run("mixed_today", (book, days, portfolios)).snapshot
    assert among is not None
    for number, portfolio in enumerate(portfolios.ids):
        own = pl.col("portfolio_id") == portfolio
        kept = slice(number, number + 1)
        alone = Portfolios(*(getattr(portfolios, name)[kept] for name in ("ids", "equity", "gross", "net")))
        mine = run("mixed_today", (book.filter(own), days.filter(own), alone)).snapshot
        assert mine is not None
        assert among.filter(own).equals(mine)
