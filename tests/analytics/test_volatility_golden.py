"""Volatility and correlations repeat the golden tables, cell by cell, outside the exempt cells."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from typing import Any

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

ROW_KEY = ("position_id", "calculation_date")
E2 = "5ad941fe-fac8-5c6a-b70b-eda85ce24818"
"""Null equity: the engine refuses it (golden/README)."""


@cache
def outcomes(name: str) -> tuple[JobResult, JobResult]:
    inputs, window, rules = golden_inputs(name), WINDOWS[name], Rules.legacy()
    days = mark_positions(inputs, window, rules)
    portfolios = portfolio_arrays(roll_equity(inputs, window, rules, days)[0], len(window.sessions))
    panel = build_price_panel(inputs.closes, inputs.visible, window)
    dates = pl.Series("date", window.sessions, dtype=pl.Date)
    return (
        volatility(open_positions(days, portfolios), portfolios, panel, dates, rules),
        correlations(days, portfolios, panel, inputs.closes, dates, "used"),
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


FAILURES = {
    "no_position_volatility": "No position volatilities calculated (insufficient data?).",
    "no_portfolio_volatility": "Failed to compute portfolio-level volatility.",
}
"""By reason of a failure, the legacy job's message."""


@pytest.mark.parametrize("name", WINDOWS)
def test_volatility_ends_as_the_log_says(name: str) -> None:
    """The message, the lots with a row, and of the others why they have none."""
    rows = {row[:2] for row in outcomes(name)[0].tables["position_volatility"].select(ROW_KEY).iter_rows()}
    status = outcomes(name)[0].status.to_dicts()
    told = {(row["portfolio_id"], row["calculation_date"]): row for row in status}
    log = _log(name, "Volatility Analytics")
    assert set(log) == set(told)
    for key, line in log.items():
        reason, details = told[key]["reason"], line["details"] or {}
        assert line["success"] == (told[key]["status"] != "failed")
        skipped = f"Skipped: {reason}" if told[key]["status"] == "skipped" else None
        assert FAILURES.get(reason, skipped) == line["message"]
        assert told[key]["positions_used"] == (details.get("positions_processed") or 0)
        failed = [each["position_id"] for each in details.get("failure_reasons") or []]
        assert not any((lot, key[1]) in rows for lot in failed)


@pytest.mark.parametrize("name", WINDOWS)
def test_correlations_never_fail_in_the_log(name: str) -> None:
    status = outcomes(name)[1].status.select("portfolio_id", "calculation_date", "status").rows()
    log = _log(name, "Correlations")
    assert {row[:2] for row in status} == set(log)
    assert all(line["success"] and not line["message"] for line in log.values())
    assert {row[2] for row in status} <= {"ok", "partial", "skipped"}


def _log(name: str, job: str) -> dict[tuple[str, date], dict[str, Any]]:
    """The legacy job's lines by portfolio and session."""
    (path,) = (GOLDEN / name / "run").glob("*.jobs.jsonl")
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    return {
        (line["portfolio"], date.fromisoformat(line["date"])): line
        for line in lines
        if line["job"] == job and line["portfolio"] != E2
    }
