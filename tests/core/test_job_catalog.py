"""The job catalog: what it declares is what the schema, the computation and the documentation have."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.analytics.job_result import JobResult, first_reasons
from engine.analytics.stress.scenarios import load_scenarios
from engine.core.job_catalog import (
    CORRELATIONS,
    FEW_RETURNS,
    INSUFFICIENT_RETURNS,
    JOBS,
    NO_COMMON_RETURNS,
    NO_CORRELATION,
    NO_POSITIONS_PASS_FILTER,
    AnalyticsJob,
    meaning,
)
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.core.window import PRICE_LOOK_BACK
from engine.pipeline.compute import mark_positions, roll_equity
from engine.pipeline.jobs import run_jobs

RUN_DATE = date(2026, 11, 23)
GOLDEN = Path(__file__).parents[1] / "golden/mixed_today"


@pytest.fixture(scope="module")
def outcomes() -> list[JobResult]:
    """Of the golden set whose session is the run date, so that sectors are computed."""
    inputs = engine.open(f"parquet:///{GOLDEN}/inputs").inputs(RUN_DATE, RUN_DATE, run_date=RUN_DATE)
    rules = Rules.corrected()  # which fill the tables of the engine, too
    days = mark_positions(inputs, inputs.window, rules)
    book, exact = roll_equity(inputs, inputs.window, rules, days)
    return run_jobs(inputs, inputs.closes, inputs.window, rules, load_scenarios(), days, book, exact)


def test_the_schema_names_jobs_of_the_catalog_only() -> None:
    named = {job for table in TABLES.values() for job in table.jobs}
    named |= {column.job for table in TABLES.values() for column in table.columns} - {""}
    assert named == set(JOBS)


def test_a_job_gives_the_tables_and_the_snapshot_columns_that_are_declared(outcomes: list[JobResult]) -> None:
    computed = {outcome.status["job"][0]: outcome for outcome in outcomes}
    assert list(computed) == list(JOBS)[3:], "the first three are phases 3 and 4"
    for name, outcome in computed.items():
        assert set(outcome.tables) == set(JOBS[name].tables), name
        columns = set(outcome.snapshot.columns) if outcome.snapshot is not None else set()
        assert columns - {"portfolio_id", "snapshot_date"} == set(JOBS[name].columns()), name


@pytest.mark.parametrize("job", JOBS.values(), ids=lambda job: str(job.name))
def test_codes_fit_their_column_and_are_a_job_s_own(job: AnalyticsJob) -> None:
    codes = [reason.code for reason in job.reasons]
    assert len(codes) == len(set(codes))
    status = TABLES["analytics_status"]
    assert all(len(code) <= (status["reason"].type.length or 0) for code in codes)
    assert len(job.name) <= (status["job"].type.length or 0)
    assert all(meaning(job.name, reason.code) == reason.meaning for reason in job.reasons)


def test_a_reason_that_is_no_code_stays_as_it_is() -> None:
    assert meaning("pnl", "portfolios.equity_balance is null") == "portfolios.equity_balance is null"
    assert meaning("a job of later", "no_betas") == "no_betas"


def test_prices_reach_back_as_far_as_the_longest_look_back() -> None:
    assert PRICE_LOOK_BACK.days == 401
    assert JOBS["stress"].first_day(RUN_DATE) == date(2026, 2, 14)


def test_the_first_reason_in_the_catalog_s_order_is_taken() -> None:
    cases = {
        INSUFFICIENT_RETURNS: np.array([[True, True, True, False]]),
        NO_COMMON_RETURNS: np.array([[True, True, False, False]]),
        NO_POSITIONS_PASS_FILTER: np.array([[True, False, False, False]]),
        FEW_RETURNS: False,
        NO_CORRELATION: False,
    }
    assert first_reasons(CORRELATIONS, cases, (2, 4)).tolist() == [[1, 2, 3, 0], [1, 2, 3, 0]]
    with pytest.raises(ValueError, match="job correlations: the cases are not those of its reasons"):
        first_reasons(CORRELATIONS, {NO_COMMON_RETURNS: True}, (2, 4))
