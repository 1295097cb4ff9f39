"""Scenarios that replay dated history: their shocks are what the factor funds did between two days."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl

from engine.analytics.stress.durations import newest_durations
from engine.analytics.stress.scenarios import RATE_SHOCK, Scenario
from engine.core.errors import UsageError
from engine.core.funds import FUND_FACTORS, RATE_FUND
from engine.core.job_catalog import MARKET_VALUES
from engine.numerics.arrays import Bools

LOOK_BACK = timedelta(days=MARKET_VALUES.look_back)
"""Age at which a close no longer stands for an end of a window: that of a close that marks a lot."""
REPLAYED = (*(name for fund, name in FUND_FACTORS.items() if fund != RATE_FUND), RATE_SHOCK)
"""Factors that a window shocks. Spreads are differences of the same funds: their moves would count twice."""


class DatedScenario(NamedTuple):
    """A scenario with the shocks that it has in some sessions.

    Attributes:
        scenario: its shocks are given, or those of its window.
        sessions: [D] whether it has these shocks in a session.
    """

    scenario: Scenario
    sessions: Bools


def require_past(scenarios: Iterable[Scenario], run_date: date) -> None:
    """Refuse windows that have not ended.

    Args:
        scenarios: those to compute.
        run_date: what counts as today.

    Raises:
        UsageError: If a window ends after the run date.
    """
    for one in scenarios:
        if one.window is not None and one.window[1] > run_date:
            problem = f"scenario {one.id}: its window ends on {one.window[1]}, after the run date {run_date}"
            raise UsageError(problem, "Choose a window that has passed")


def dated_scenarios(
    scenarios: Iterable[Scenario], dates: pl.Series, closes: pl.DataFrame, durations: pl.DataFrame | None
) -> list[DatedScenario]:
    """Return each scenario with its shocks, several times where these differ between sessions.

    Args:
        scenarios: those to compute.
        dates: [D] sessions.
        closes: symbol, date, close of the factor funds at the ends of the windows.
        durations: symbol, asof_date, duration, sorted by both, where a shock of rates is a change of yield;
            None where it is a return of their fund.

    Returns:
        In the order of `scenarios`; a window is missing where no session knows a shock of it.
    """
    dated = []
    for scenario in scenarios:
        if scenario.window is None:
            dated.append(DatedScenario(scenario, np.ones(len(dates), dtype=np.bool_)))
        else:
            dated += _replays(scenario, scenario.window, dates, closes, durations)
    return dated


def _replays(
    scenario: Scenario,
    window: tuple[date, date],
    dates: pl.Series,
    closes: pl.DataFrame,
    durations: pl.DataFrame | None,
) -> list[DatedScenario]:
    """Return a window's shocks: one set, or one for each duration of the rates' fund as of the sessions."""
    returns = window_returns(closes, window)
    rates = returns.pop(RATE_FUND, None)
    shocks = {FUND_FACTORS[fund]: returns[fund] for fund in FUND_FACTORS if fund in returns}
    # A session before the window's end must not know it.
    past = (dates >= window[1]).to_numpy()
    if rates is None:
        variants = [(past, shocks)]
    elif durations is None:
        variants = [(past, {**shocks, RATE_SHOCK: rates})]
    else:
        (years,) = newest_durations(durations, pl.Series([RATE_FUND]), dates)
        variants = [
            (past & (years == one), {**shocks, RATE_SHOCK: -rates / one})
            for one in np.unique(years[past & (years > 0)]).tolist()
        ]
        variants.append((past & ~(years > 0), shocks))
    return [
        DatedScenario(replace(scenario, shocks=moves), sessions)
        for sessions, moves in variants
        if moves and sessions.any()
    ]


def window_returns(closes: pl.DataFrame, window: tuple[date, date]) -> dict[str, float]:
    """Return the return of each fund that has closes of its own at both ends of a window, as fractions.

        r = P_to / P_from - 1,  P_d the last close of [d - 5 days, d]

    One close that is the last at both ends says nothing of the window.

    Args:
        closes: symbol, date, close; a close that is not above 0 counts as none.
        window: first and last day.
    """
    start, end = (_last_closes(closes, day) for day in window)
    both = start.join(end, on="symbol", suffix="_end").filter(pl.col("date") < pl.col("date_end"))
    return dict(both.select("symbol", pl.col("close_end") / pl.col("close") - 1.0).iter_rows())


def _last_closes(closes: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return symbol, date, close: the newest of each fund up to a day, of the days of `LOOK_BACK`."""
    recent = closes.filter(pl.col("date").is_between(day - LOOK_BACK, day) & (pl.col("close") > 0))
    newest = recent.sort("date").group_by("symbol", maintain_order=True).last()
    return newest.with_columns(pl.col("close").cast(pl.Float64))
