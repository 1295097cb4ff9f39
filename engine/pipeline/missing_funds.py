"""Factor funds without a close in a job's look-back: the job's status names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.core.funds import FACTOR_FUNDS, funds_of_job
from engine.core.job_catalog import FUND_REASONS, JOBS, absent_funds
from engine.core.rules import FactorModel

FundDays = Mapping[str, NDArray[np.datetime64]]
"""Days with a close by factor fund, ascending."""


def fund_days(closes: pl.DataFrame) -> FundDays:
    """Return the days on which each factor fund has a close.

    Args:
        closes: symbol, date, close.
    """
    rows = closes.filter(pl.col("symbol").is_in(FACTOR_FUNDS), pl.col("close") > 0).sort("date")
    return {fund: rows.filter(pl.col("symbol") == fund)["date"].to_numpy() for fund in FACTOR_FUNDS}


def with_missing_funds(status: pl.DataFrame, days: FundDays, factor_model: FactorModel) -> pl.DataFrame:
    """Return the status of a job, with the names of the funds that have no close in its look-back.

    A figure without one of its funds is partial.

    Args:
        status: rows of one job, with calculation_date, status, reason and job.
        days: of `fund_days`.
        factor_model: see `engine.core.rules.Rules`.
    """
    job = "" if status.is_empty() else str(status["job"][0])
    funds = funds_of_job(job, factor_model)
    dates = status["calculation_date"].unique().to_list() if funds else []
    texts = {day: text for day in dates if (text := _text(job, funds, day, days))}
    if not texts:
        return status
    words = pl.col("calculation_date").replace_strict(texts, default=None, return_dtype=pl.String)
    vague = pl.col("reason").is_null() | pl.col("reason").is_in(list(FUND_REASONS))
    named = words.is_not_null() & vague
    return status.with_columns(
        status=pl.when(named & (pl.col("status") == "ok")).then(pl.lit("partial")).otherwise("status"),
        reason=pl.when(named).then(words).otherwise("reason"),
    )


def _text(job: str, funds: Sequence[str], day: date, days: FundDays) -> str:
    """Return the reason that names the funds; empty if each has a close."""
    first, last = np.datetime64(JOBS[job].first_day(day)), np.datetime64(day)
    absent = [
        fund
        for fund in funds
        if days[fund].searchsorted(first, "left") == days[fund].searchsorted(last, "right")
    ]
    return absent_funds(absent, JOBS[job].look_back) if absent else ""
