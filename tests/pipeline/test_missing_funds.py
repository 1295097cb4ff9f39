"""The status of a job names the factor funds that have no close in its look-back."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from engine.core.funds import FACTOR_FUNDS
from engine.core.rules import FactorModel
from engine.pipeline.missing_funds import fund_days, with_missing_funds
from tests.builders import close
from tests.memory_store import frame_of

DAY = date(2025, 3, 12)
STATUS = {"calculation_date": pl.Date, "status": pl.String, "reason": pl.String, "job": pl.String}


def named(
    job: str,
    status: str,
    reason: str | None,
    factor_model: FactorModel = "separate",
    **last: date | None,
) -> tuple[str, str | None]:
    """Status and reason of DAY where a fund has its last close on another day, or none."""
    days = {fund: last.get(fund, DAY) for fund in FACTOR_FUNDS}
    closes = frame_of("market_data_cache", [close(day, "100", fund) for fund, day in days.items() if day])
    rows = pl.DataFrame([(DAY, status, reason, job)], schema=STATUS, orient="row")
    return with_missing_funds(rows, fund_days(closes), factor_model).select("status", "reason").row(0)


def test_the_fund_behind_a_failure_is_named() -> None:
    assert named("market_beta", "failed", "no_betas", SPY=None) == (
        "failed",
        "no close of SPY in the 120 days up to the session",
    )
    assert named("spread_factors", "skipped", "no_spread_data", QUAL=None, VTV=None) == (
        "skipped",
        "no close of VTV, QUAL in the 210 days up to the session",
    )


@pytest.mark.parametrize("job", ["rate_beta", "ridge_factors"])
def test_the_joint_model_needs_the_market_for_its_other_factors(job: str) -> None:
    code = {"rate_beta": "no_betas", "ridge_factors": "no_position_betas"}[job]
    assert named(job, "failed", code, SPY=None) == ("failed", code)
    words = "no close of SPY in the 120 days up to the session"
    assert named(job, "failed", code, "joint", SPY=None) == ("failed", words)


def test_a_figure_without_one_of_its_funds_is_partial() -> None:
    expected = ("partial", "no close of USMV in the 120 days up to the session")
    assert named("ridge_factors", "ok", None, USMV=None) == expected


@pytest.mark.parametrize(("age", "known"), [(120, True), (121, False)])
def test_a_close_counts_to_the_end_of_the_look_back(age: int, known: bool) -> None:
    status, reason = named("rate_beta", "failed", "no_betas", TLT=DAY - timedelta(days=age))
    assert (reason == "no_betas") is known
    assert status == "failed"


def test_other_reasons_stay() -> None:
    assert named("market_beta", "failed", "equity_not_positive", SPY=None)[1] == "equity_not_positive"
    assert named("sector", "ok", None, SPY=None) == ("ok", None)
