"""Shocks of scenarios that replay dated history, one fund after the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from engine.analyst.explain.case import Case
from engine.analyst.explain.factor_moves import duration
from engine.analytics.stress.scenarios import RATE_SHOCK, Scenario
from engine.core.funds import FUND_FACTORS, RATE_FUND
from engine.core.job_catalog import MARKET_VALUES


def replayed(case: Case, scenario: Scenario) -> Scenario:
    """Return a scenario with the shocks of its window; without any where the session knows none.

    Args:
        case: Closes of the factor funds, durations, the rule of rates, and the session.
        scenario: One without a window is returned as it is.
    """
    if scenario.window is None:
        return scenario
    first, last = scenario.window
    shocks: dict[str, float] = {}
    for fund, factor in FUND_FACTORS.items() if last <= case.day else ():
        before, after = _close(case, fund, first), _close(case, fund, last)
        if before is None or after is None or before[0] == after[0]:
            continue
        move = after[1] / before[1] - 1.0
        if fund != RATE_FUND:
            shocks[factor] = move
        elif case.rules.rate_shocks == "returns":
            shocks[RATE_SHOCK] = move
        else:
            years = duration(case, RATE_FUND, case.day)
            if years is not None and years[1] > 0:
                shocks[RATE_SHOCK] = -move / years[1]
    return replace(scenario, shocks=shocks)


def computed(case: Case) -> list[Scenario]:
    """Return the active scenarios with a row in stress_test_scenarios, with the shocks of the session.

    Args:
        case: Its scenarios.
    """
    stored = set(case.inputs.scenarios["scenario_id"])
    return [replayed(case, one) for one in case.scenarios.active if one.id in stored]


def _close(case: Case, fund: str, day: date) -> tuple[date, float] | None:
    """Return day and price of a fund's newest close above 0 up to a day, None if there is no recent one."""
    oldest = day - timedelta(days=MARKET_VALUES.look_back)
    rows = case.inputs.replay_closes.filter(symbol=fund).select("date", "close").iter_rows()
    known = [(of, float(close)) for of, close in rows if oldest <= of <= day and close > 0]
    return max(known, default=None)
