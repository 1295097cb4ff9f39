"""Cell-by-cell comparison with the golden tables."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from .golden import GoldenSet
from .numbers import stored
from .results import JobResult, Row

JSON_RELATIVE = 1e-12
"""JSON columns hold unrounded floats: legacy summed them in heap order."""

KEYS = {
    "position_market_betas": ("portfolio_id", "position_id", "calc_date"),
    "position_interest_rate_betas": ("portfolio_id", "position_id", "calculation_date"),
    "position_factor_exposures": ("position_id", "factor_id", "calculation_date"),
    "factor_exposures": ("portfolio_id", "factor_id", "calculation_date"),
    "position_volatility": ("position_id", "calculation_date"),
    "correlation_calculations": ("portfolio_id", "calculation_date"),
    "pairwise_correlations": (
        "portfolio_id",
        "calculation_date",
        "symbol_1",
        "symbol_2",
    ),
    "stress_test_results": ("portfolio_id", "scenario_id", "calculation_date"),
    "portfolio_snapshots": ("portfolio_id", "snapshot_date"),
}
JSON_COLUMNS = frozenset({"factor_impacts", "calculation_metadata", "sector_exposure"})
SNAPSHOT_COLUMNS = (
    "beta_calculated_90d",
    "beta_calculated_90d_r_squared",
    "beta_calculated_90d_observations",
    "beta_provider_1y",
    "realized_volatility_21d",
    "realized_volatility_63d",
    "expected_volatility_21d",
    "volatility_trend",
    "volatility_percentile",
    "sector_exposure",
    "hhi",
    "effective_num_positions",
    "top_3_concentration",
    "top_10_concentration",
)
Key = tuple[Any, ...]


@dataclass
class Tally:
    """Cells compared, by table, and every cell or row that is not equal."""

    cells: Counter[str] = field(default_factory=Counter)
    last_place: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    exempt: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Take in another tally."""
        self.cells += other.cells
        self.exempt += other.exempt
        self.last_place += other.last_place
        self.different += other.different


@dataclass(frozen=True)
class Exemptions:
    """exempt.json: cells that the legacy batch left to chance."""

    entries: tuple[Mapping[str, Any], ...]

    @classmethod
    def read(cls, folder: Path) -> Exemptions:
        """The exemptions of a golden set; none without the file."""
        path = folder / "exempt.json"
        return cls(tuple(json.loads(path.read_text())) if path.exists() else ())

    def covers(self, table: str, column: str, row: Row) -> bool:
        """Whether a cell is on the list."""
        return any(
            e["table"] == table
            and (e["columns"] == "*" or column in e["columns"])
            and all(str(row[name]) in values for name, values in e["where"].items())
            for e in self.entries
        )


def json_equal(a: Any, b: Any) -> bool:
    """The same keys, texts and numbers, in any key order; floats to 1e-12."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(json_equal(a[k], b[k]) for k in a)
    if isinstance(a, float) or isinstance(b, float):
        return math.isclose(a, b, rel_tol=JSON_RELATIVE, abs_tol=JSON_RELATIVE)
    return bool(a == b)


def parsed(value: Any) -> Any:
    """JSON text as an object."""
    return json.loads(value) if isinstance(value, str) else value


def cell_state(column: str, ours: Any, golden: Any) -> str:
    """Equal, one unit off in the last place, or different; null is not NaN."""
    if column in JSON_COLUMNS:
        return "equal" if json_equal(parsed(ours), parsed(golden)) else "different"
    if isinstance(ours, float) and math.isnan(ours):
        return "equal" if golden is not None and math.isnan(golden) else "different"
    if isinstance(ours, Decimal) and not ours.is_finite():
        return "different"
    if isinstance(ours, Decimal) and isinstance(golden, float) and not math.isnan(golden):
        golden = stored(golden, -int(ours.as_tuple().exponent))
    if isinstance(ours, Decimal) and isinstance(golden, Decimal) and ours != golden:
        ulp = Decimal(1).scaleb(int(golden.as_tuple().exponent))
        return "last_place" if abs(ours - golden) <= ulp else "different"
    return "equal" if ours == golden else "different"


def compare_rows(table: str, ours: Iterable[Row], golden: Iterable[Row], exempt: Exemptions) -> Tally:
    """Every cell that the reference produces; a row too many or too few differs."""
    tally = Tally()
    own, old = ({tuple(r[k] for k in KEYS[table]): r for r in rows} for rows in (list(ours), list(golden)))
    for key in own.keys() | old.keys():
        if key not in own or key not in old:
            tally.different.append(f"{table} {key}: row only in {'golden' if key in old else 'reference'}")
            continue
        for column in own[key].keys() - set(KEYS[table]):
            compare_cell(tally, table, column, own[key], old[key], exempt)
    return tally


def compare_cell(tally: Tally, table: str, column: str, own: Row, old: Row, exempt: Exemptions) -> None:
    """Count one cell, and name it if it is not equal."""
    if exempt.covers(table, column, old):
        tally.exempt[table] += 1
        return
    tally.cells[table] += 1
    state = cell_state(column, own[column], old[column])
    if state != "equal":
        key = tuple(str(own[k]) for k in KEYS[table])
        message = f"{table}.{column} {key}: {own[column]!r} != golden {old[column]!r}"
        (tally.last_place if state == "last_place" else tally.different).append(message)


def date_column(table: str) -> str:
    """The part of a table's key that is its date."""
    return next(k for k in KEYS[table] if k in {"calculation_date", "calc_date", "snapshot_date"})


class GoldenTables:
    """The golden output rows by table and date, with natural keys."""

    def __init__(self, golden: GoldenSet) -> None:
        """Read the output tables once."""
        self._by_date: dict[str, dict[dt.date, list[Row]]] = {}
        headers = {}
        for table in KEYS:
            rows = golden.outputs(table)
            for row in rows:
                if table == "correlation_calculations":
                    row["calculation_date"] = row["calculation_date"].date()
                    headers[row["id"]] = (row["portfolio_id"], row["calculation_date"])
                if table == "pairwise_correlations":
                    row["portfolio_id"], row["calculation_date"] = headers[row["correlation_calculation_id"]]
                self._by_date.setdefault(table, {}).setdefault(row[date_column(table)], []).append(row)

    def rows(self, table: str, date: dt.date) -> list[Row]:
        """The rows of one date."""
        return self._by_date.get(table, {}).get(date, [])


def snapshot_row(golden: GoldenSet, portfolio_id: str, date: dt.date, results: list[JobResult]) -> Row:
    """The analytics columns of a snapshot: null where no job set them.

    Source: 02 §9, 03 §1.8, §3.4.
    """
    row: Row = dict.fromkeys(SNAPSHOT_COLUMNS)
    row |= {"portfolio_id": portfolio_id, "snapshot_date": date}
    for result in results:
        row |= result.snapshot
    return row | golden.concentration(portfolio_id, date)


def reference_rows(
    golden: GoldenSet, results: dict[str, list[JobResult]], date: dt.date
) -> dict[str, list[Row]]:
    """All rows that the reference produces for a date, by table."""
    rows: dict[str, list[Row]] = {table: [] for table in KEYS}
    for portfolio_id, of_portfolio in results.items():
        for result in of_portfolio:
            for table, written in result.rows.items():
                rows[table] += written
        rows["portfolio_snapshots"].append(snapshot_row(golden, portfolio_id, date, of_portfolio))
    return rows


def compare_date(
    golden: GoldenSet, tables: GoldenTables, date: dt.date
) -> tuple[Tally, dict[str, list[JobResult]]]:
    """Run the reference for a date and compare every table."""
    results = {pid: golden.jobs(pid, date) for pid in golden.portfolio_ids}
    exempt = Exemptions.read(golden.folder)
    tally = Tally()
    for table, rows in reference_rows(golden, results, date).items():
        tally.add(compare_rows(table, rows, tables.rows(table, date), exempt))
    return tally, results
