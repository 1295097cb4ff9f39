"""The reference repeats the legacy batch, cell by cell.

For every golden set: the same rows, and in each of them every column that
Phases 3 and 4 write, as equal Decimals. None equals None only. `mixed_today` is
one session on the run date, half a year after the newest earlier snapshot.
"""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import pytest

from .daily import run
from .golden import RUN_DATE, golden_dir, nyse_sessions, read_output, read_world
from .prices import Row

SNAPSHOT_COLUMNS = (
    "total_value",
    "cash_value",
    "long_value",
    "short_value",
    "gross_exposure",
    "net_exposure",
    "daily_pnl",
    "daily_return",
    "cumulative_pnl",
    "daily_realized_pnl",
    "cumulative_realized_pnl",
    "daily_capital_flow",
    "cumulative_capital_flow",
    "portfolio_delta",
    "portfolio_gamma",
    "portfolio_theta",
    "portfolio_vega",
    "num_positions",
    "num_long_positions",
    "num_short_positions",
    "equity_balance",
    "is_complete",
)

#: Columns to compare, and the key of a row, by table.
COLUMNS = {
    "portfolio_snapshots": SNAPSHOT_COLUMNS,
    "positions": ("last_price", "market_value", "unrealized_pnl"),
    "portfolios": ("equity_balance",),
}
KEYS = {
    "portfolio_snapshots": ("portfolio_id", "snapshot_date"),
    "positions": ("id",),
    "portfolios": ("id",),
}

Tables: TypeAlias = dict[str, list[Row]]
Difference: TypeAlias = tuple[tuple[object, ...], str, object, object]


@dataclass(frozen=True)
class GoldenSet:
    """A golden set, its window, and how many cells there are to compare."""

    name: str
    start: date
    end: date
    cells: int


GOLDEN_SETS = (
    GoldenSet("mixed", date(2025, 3, 3), date(2025, 5, 30), cells=7199),
    GoldenSet("edge", date(2025, 4, 7), date(2025, 4, 11), cells=715),
    GoldenSet("mixed_today", RUN_DATE, RUN_DATE, cells=382),
)

#: The column that names the portfolio of a row.
OWNERS = {
    "portfolio_snapshots": "portfolio_id",
    "positions": "portfolio_id",
    "portfolios": "id",
}

#: The portfolio E2 of `edge` has a null equity. README: legacy left half-written
#: rows for it, which were taken out of every output, so golden is silent on it.
E2 = "5ad941fe-fac8-5c6a-b70b-eda85ce24818"


def run_window(folder: Path, start: date, end: date) -> Tables:
    """The reference on the inputs of a golden set."""
    return run(read_world(folder), nyse_sessions(start, end), RUN_DATE)


@lru_cache
def computed(golden: GoldenSet) -> Tables:
    """The reference's tables of a golden set, computed once."""
    return run_window(golden_dir(golden.name), golden.start, golden.end)


def by_key(table: str, rows: list[Row]) -> dict[tuple[object, ...], Row]:
    """Rows of a table by their key, without those of E2."""
    return {tuple(row[column] for column in KEYS[table]): row for row in rows if row[OWNERS[table]] != E2}


def differences(table: str, ours: list[Row], theirs: list[Row]) -> list[Difference]:
    """Cells that differ; a row that one side lacks is a difference as well."""
    mine, golden = by_key(table, ours), by_key(table, theirs)
    lone: list[Difference] = [(key, "row", key in mine, key in golden) for key in mine.keys() ^ golden.keys()]
    return lone + [
        (key, column, mine[key][column], golden[key][column])
        for key in mine.keys() & golden.keys()
        for column in COLUMNS[table]
        if mine[key][column] != golden[key][column]
    ]


@pytest.mark.parametrize("table", COLUMNS)
@pytest.mark.parametrize("golden", GOLDEN_SETS, ids=lambda golden: golden.name)
def test_every_cell_equals_the_golden_one(golden: GoldenSet, table: str) -> None:
    """Same rows, same values."""
    theirs = read_output(golden_dir(golden.name), table)
    assert theirs
    assert differences(table, computed(golden)[table], theirs) == []


@pytest.mark.parametrize("golden", GOLDEN_SETS, ids=lambda golden: golden.name)
def test_the_comparison_covers_all_cells(golden: GoldenSet) -> None:
    """No table went missing, and no column was forgotten."""
    cells = sum(
        len(read_output(golden_dir(golden.name), table)) * len(columns) for table, columns in COLUMNS.items()
    )
    assert cells == golden.cells


def test_a_portfolio_without_equity_is_refused() -> None:
    """E2: no snapshots, and its rows stay as they were (Q28)."""
    edge = GOLDEN_SETS[1]
    opening = read_world(golden_dir("edge"))
    tables = computed(edge)
    snapshots = tables["portfolio_snapshots"]
    assert [row for row in snapshots if row["portfolio_id"] == E2] == []
    for table in ("portfolios", "positions"):
        before = [row for row in opening[table] if row[OWNERS[table]] == E2]
        after = [row for row in tables[table] if row[OWNERS[table]] == E2]
        assert before
        assert after == before
