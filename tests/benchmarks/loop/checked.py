"""Compare the loop's tables with the engine's, cell by cell."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

import engine
from loaders import open_reader

TABLES = (
    "portfolio_snapshots",
    "position_market_betas",
    "position_interest_rate_betas",
    "position_factor_exposures",
    "factor_exposures",
    "position_volatility",
    "correlation_calculations",
    "pairwise_correlations",
    "stress_test_results",
)
VOLATILITY = (
    "realized_volatility_21d",
    "realized_volatility_63d",
    "expected_volatility_21d",
    "volatility_trend",
    "volatility_percentile",
)


@dataclass(frozen=True)
class Checked:
    """Rows that the loop wrote, whether they equal the engine's, and a note for people."""

    rows: int
    equal: bool
    note: str


def checked(expected: str, actual: str, start: date, end: date) -> Checked:
    """Compare two stores; only the volatility of portfolios with two lots of one symbol is exempt.

    There the legacy batch used the weight of one lot for the other.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "exempt.json"
        path.write_text(json.dumps(_exemptions(expected)), encoding="utf-8")
        comparison = engine.compare(expected, actual, tables=TABLES, start=start, end=end, exemptions=path)
    rows = comparison.total("actual_rows")
    cells, exempt = comparison.total("cells"), comparison.total("exempt")
    parts = [
        f"{comparison.verdict} to the engine: {cells:,} cells, {exempt:,} exempt, "
        f"{comparison.total('off_by_one'):,} off by one",
        *comparison.reasons,
    ]
    return Checked(rows, comparison.equal, "; ".join(parts))


def _exemptions(url: str) -> list[dict[str, object]]:
    with open_reader(url) as reader:
        lots = reader.read("positions", ["portfolio_id", "symbol", "exit_date", "deleted_at"])
    held = lots.filter(pl.col("exit_date").is_null() & pl.col("deleted_at").is_null())
    twice = held.group_by("portfolio_id", "symbol").len().filter(pl.col("len") > 1)
    owners = twice["portfolio_id"].unique().sort().to_list()
    reason = "two lots of one symbol: the row order decided"
    where = {"portfolio_id": owners}
    entry = {"table": "portfolio_snapshots", "columns": VOLATILITY, "where": where, "reason": reason}
    return [entry] if owners else []
