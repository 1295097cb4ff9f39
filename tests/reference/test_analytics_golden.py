"""The analytics reference repeats the legacy batch, cell by cell.

For each date: the same rows in every analytics table, each cell equal at its stored
scale (null equals null only, NaN equals NaN only), the same snapshot columns, and the
same outcome of every job. Cells on exempt.json are left out.
"""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import pytest

from .analytics.comparison import (
    Exemptions,
    GoldenTables,
    Tally,
    cell_state,
    compare_date,
    compare_rows,
)
from .analytics.golden import GoldenSet
from .analytics.golden_tags import golden_tags, reference_tags
from .analytics.legacy_log import Said, disagreement, read_log
from .analytics.results import JobResult
from .analytics.returns import nyse_sessions

pytestmark = pytest.mark.thorough

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
WINDOWS = {
    "mixed": (dt.date(2025, 3, 3), dt.date(2025, 5, 30)),
    "edge": (dt.date(2025, 4, 7), dt.date(2025, 4, 11)),
    "mixed_today": (dt.date(2026, 11, 23), dt.date(2026, 11, 23)),
}
MIXED_SAMPLE = {
    "2025-03-03": "the first",
    "2025-03-10": "a missing close, NaN correlations",
    "2025-03-20": "30 common returns: the first ridge rows of ccefd4c8",
    "2025-04-14": "the first price of a new listing, which gives no return",
    "2025-04-17": "no price for five days, older ridge rows in stress",
    "2025-05-05": "the 50 newest exposures end inside a date",
    "2025-05-13": "equity of 80a4ad45 below zero",
    "2025-05-30": "the last",
}
LAST_PLACE_RATE = 1 / 100_000
"""Legacy sums floats in heap order: a cell may fall on the other side of a tie."""

Case = tuple[str, dt.date]


def cases_of(name: str) -> list[Case]:
    """All sessions of a set's window."""
    return [(name, date) for date in nyse_sessions(*WINDOWS[name])]


SAMPLE = (
    [("mixed", dt.date.fromisoformat(day)) for day in MIXED_SAMPLE]
    + cases_of("edge")
    + cases_of("mixed_today")
)
REST = [case for case in cases_of("mixed") if case not in SAMPLE]
CASES = [*SAMPLE, *(pytest.param(case, marks=pytest.mark.slow) for case in REST)]


@lru_cache
def golden_set(name: str) -> GoldenSet:
    """Inputs and state of a set."""
    return GoldenSet(GOLDEN / name, *WINDOWS[name])


@lru_cache
def golden_tables(name: str) -> GoldenTables:
    """Output rows of a set."""
    return GoldenTables(golden_set(name))


@lru_cache
def log(name: str) -> dict[tuple[str, dt.date, str], Said]:
    """What the legacy jobs of a set said."""
    return read_log(GOLDEN / name / "run")


@lru_cache
def compared(case: Case) -> tuple[Tally, dict[str, list[JobResult]]]:
    """The reference's results for a date, and their comparison."""
    name, date = case
    return compare_date(golden_set(name), golden_tables(name), date)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_row_and_cell_of_the_date_is_equal(case: Case) -> None:
    tally, _ = compared(case)
    assert not tally.different, "\n".join(tally.different[:20])
    assert len(tally.last_place) <= LAST_PLACE_RATE * tally.cells.total(), "\n".join(tally.last_place)
    assert tally.cells.total() > 1_000


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_job_of_the_date_ends_as_the_log_says(case: Case) -> None:
    name, date = case
    _, results = compared(case)
    differences = [
        f"{portfolio_id}: {difference}"
        for portfolio_id, of_portfolio in results.items()
        for result in of_portfolio
        if (difference := disagreement(result, log(name)[portfolio_id, date, result.outcome.job]))
    ]
    assert not differences, "\n".join(differences)


def test_sector_tags_of_the_run_date_are_equal() -> None:
    ours, theirs = (
        reference_tags(golden_set("mixed_today")),
        golden_tags(GOLDEN / "mixed_today" / "outputs"),
    )
    assert ours.tags == theirs.tags
    assert ours.links == theirs.links
    assert len(ours.links) > 80


def test_comparison_tells_null_nan_and_the_last_place_apart() -> None:
    assert cell_state("beta", None, math.nan) == "different"
    assert cell_state("beta", math.nan, math.nan) == "equal"
    assert cell_state("beta", Decimal("1.000001"), Decimal("1.000002")) == "last_place"
    assert cell_state("beta", Decimal("1.000001"), 1.000003) == "different"
    assert cell_state("sector_exposure", '{"a": 1.0, "b": 2}', '{"b": 2, "a": 1.0}') == "equal"
    assert cell_state("sector_exposure", '{"a": 1.0}', '{"a": 1.0001}') == "different"


def test_comparison_reports_missing_and_extra_rows() -> None:
    row = {
        "position_id": "p",
        "calculation_date": dt.date(2025, 3, 3),
        "observations": 63,
    }
    other = row | {"position_id": "q"}
    tally = compare_rows("position_volatility", [row], [other], Exemptions(()))
    assert [message.rsplit(": ")[-1] for message in sorted(tally.different)] == [
        "row only in reference",
        "row only in golden",
    ]
