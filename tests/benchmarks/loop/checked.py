"""The loop's tables held to the engine's, cell by cell."""

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
    """Rows that the loop wrote, whether they are the engine's, and that in words."""

    rows: int
    equal: bool
    told: str


def checked(expected: str, actual: str, start: date, end: date) -> Checked:
    """Compare; exempt is only the volatility of portfolios with two lots of one symbol, in which the
    legacy batch took the one's weight for the other, and the engine does not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "exempt.json"
        path.write_text(json.dumps(_exemptions(expected)), encoding="utf-8")
        found = engine.compare(expected, actual, tables=TABLES, start=start, end=end, exemptions=path)
    rows = found.total("actual_rows")
    cells, exempt = found.total("cells"), found.total("exempt")
    told = [
        f"{found.verdict} to the engine: {cells:,} cells, {exempt:,} exempt, "
        f"{found.total('off_by_one'):,} off by one",
        *found.reasons,
    ]
    return Checked(rows, found.equal, "; ".join(told))


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
