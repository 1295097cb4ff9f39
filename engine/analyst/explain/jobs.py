"""analytics_status: how each job ended, and with how many positions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.analyst.explain import concentrations, matrices, stresses, volatilities
from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case
from engine.analyst.explain.equity import lot_moves
from engine.analyst.explain.exposures import lot_exposures
from engine.analyst.explain.reasons import SKIPS, in_words
from engine.analyst.explain.styles import RIDGE, SPREAD
from engine.analyst.explain.weighed import Counted, market, provider, rate, style_job
from engine.analyst.explain.working import Step, Working


@dataclass(frozen=True)
class Ended:
    """How a job ended: a code of `engine.analyst.explain.reasons`, "" if it did well; positions."""

    used: int
    left_out: int
    reason: str = ""
    skips: tuple[str, ...] = SKIPS

    @property
    def status(self) -> str:
        """ok, skipped or failed."""
        if not self.reason:
            return "ok"
        return "skipped" if self.reason in self.skips else "failed"


def status(case: Case, ask: Ask) -> Working:
    """A column of analytics_status."""
    found = BY_JOB[ask.job](case)
    values = {
        "status": found.status,
        "reason": found.reason or None,
        "positions_used": found.used,
        "positions_left_out": found.left_out,
    }
    words = (in_words(found.reason),) if found.reason else ()
    steps = tuple(Step(name, value, "computed anew", f"job {ask.job}") for name, value in values.items())
    value = values[ask.column]
    if value is None:
        return Working(f"{ask.column} of {ask.job}", None, steps, reason="the job did well")
    return Working(f"{ask.column} of {ask.job}", value, steps, notes=words)


def _pnl(case: Case) -> Ended:
    moves = lot_moves(case)
    still = sum(why.startswith(("private", "no close on")) for why in moves["why_not"])
    return Ended(moves.height - still, still)


def _snapshot(case: Case) -> Ended:
    values = [value for _, value in lot_exposures(case)]
    unvalued = sum(value is None for value in values)
    return Ended(len(values) - unvalued, unvalued)


def _market_values(case: Case) -> Ended:
    markable = [lot for lot in case.lots if lot.live and lot.symbol not in case.never_quoted]
    marked = sum(case.mark(lot).session == case.day for lot in markable)
    return Ended(marked, len(markable) - marked)


def _beta(count: Callable[[Case], Counted]) -> Callable[[Case], Ended]:
    def ended(case: Case) -> Ended:
        found = count(case)
        used = 0 if found.reason else len(found.lots)
        return Ended(used, found.of - used, found.reason)

    return ended


def _sector(case: Case) -> Ended:
    reason = concentrations.reason_against(case)
    buckets = [] if reason else [concentrations.bucket(case, lot) for lot in case.lots if lot.live]
    none = sum(bucket is None for bucket in buckets)
    return Ended(len(buckets) - none, none, reason)


def _volatility(case: Case) -> Ended:
    live = [lot for lot in case.lots if lot.live]
    lots, reason = volatilities.counted(case)
    used = sum(volatilities.enough(case, lot) for lot in lots)
    reason = reason or volatilities.reason_against(case, lots)
    return Ended(used, len(live) - used, reason, (*SKIPS, "no_active_positions"))


def _correlations(case: Case) -> Ended:
    found = matrices.matrix(case)
    used = 0 if found.reason else sum(lot.symbol in found.symbols for lot in found.lots)
    return Ended(used, len(case.lots) - used, found.reason)


def _stress(case: Case) -> Ended:
    reason = stresses.job_reason(case)
    live = [lot for lot in case.lots if lot.live]
    used = 0 if reason else stresses.rates(case)[1].height
    return Ended(used, 0 if reason else len(live) - used, reason)


BY_JOB: dict[str, Callable[[Case], Ended]] = {
    "pnl": _pnl,
    "snapshot": _snapshot,
    "market_values": _market_values,
    "market_beta": _beta(market),
    "provider_beta": _beta(provider),
    "rate_beta": _beta(rate),
    "spread_factors": _beta(lambda case: style_job(case, SPREAD)),
    "ridge_factors": _beta(lambda case: style_job(case, RIDGE)),
    "sector": _sector,
    "volatility": _volatility,
    "correlations": _correlations,
    "stress": _stress,
}
"""Every job that analytics_status knows."""
