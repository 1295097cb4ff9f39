"""Volatility and correlations repeat the golden tables, cell by cell, outside the exempt cells."""

from __future__ import annotations

from functools import cache

import polars as pl
import pytest

from engine.analytics.correlations.correlation_rows import correlations
from engine.analytics.job_result import JobResult
from engine.analytics.panels import build_price_panel, open_positions, portfolio_arrays
from engine.analytics.volatility.position_volatility import volatility
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.core.stored_rows import stored_rows
from engine.pipeline.compute import mark_positions, roll_equity

from .frames import against_golden
from .regressions import GOLDEN, WINDOWS, golden_inputs

SNAPSHOT_COLUMNS = (
    "realized_volatility_21d",
    "realized_volatility_63d",
    "expected_volatility_21d",
    "volatility_trend",
    "volatility_percentile",
)
CELLS = {
    "position_volatility": {"mixed": 47_333, "edge": 660, "mixed_today": 748},
    "correlation_calculations": {"mixed": 1_560, "edge": 200, "mixed_today": 30},
    "pairwise_correlations": {"mixed": 239_421, "edge": 465, "mixed_today": 4_167},
}


@cache
def outcomes(name: str) -> tuple[JobResult, JobResult]:
    inputs, window, rules = golden_inputs(name), WINDOWS[name], Rules.legacy()
    days = mark_positions(inputs, window, rules)
    portfolios = portfolio_arrays(roll_equity(inputs, window, rules, days), len(window.sessions))
    panel = build_price_panel(inputs.closes, inputs.visible, window)
    dates = pl.Series("date", window.sessions, dtype=pl.Date)
    return (
        volatility(open_positions(days, portfolios), portfolios, panel, dates, rules.synthetic_prefix),
        correlations(days, portfolios, panel, inputs.closes, dates),
    )


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("table", CELLS)
def test_rows_equal_the_golden_tables(name: str, table: str) -> None:
    tables = outcomes(name)[table != "position_volatility"].tables
    rows = {t: stored_rows(TABLES[t], frame, WINDOWS[name].stamp) for t, frame in tables.items()}
    comparison = against_golden(name, rows)
    assert comparison.equal, comparison.to_text()
    counts = comparison.tables.filter(table=table).row(0, named=True)
    assert counts["equal"] == counts["cells"] == CELLS[table][name]


@pytest.mark.parametrize("name", WINDOWS)
def test_snapshot_columns_equal_the_golden_tables(name: str) -> None:
    golden = pl.read_parquet(GOLDEN / name / "outputs" / "portfolio_snapshots.parquet")
    key = ["portfolio_id", "snapshot_date"]
    fresh = stored_rows(TABLES["portfolio_snapshots"], outcomes(name)[0].snapshot, WINDOWS[name].stamp)
    assert fresh.join(golden, on=key, how="anti").is_empty()
    ours = golden.drop(SNAPSHOT_COLUMNS).join(fresh.select(*key, *SNAPSHOT_COLUMNS), on=key, how="left")
    comparison = against_golden(name, {"portfolio_snapshots": ours.select(golden.columns)})
    assert comparison.equal, comparison.to_text()
    columns = comparison.columns.filter(pl.col("column").is_in(SNAPSHOT_COLUMNS))
    assert columns["off_by_one"].sum() == 0
    assert columns["exempt"].sum() == {"mixed": 5 * 63, "edge": 0, "mixed_today": 5}[name]
