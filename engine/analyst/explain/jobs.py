"""analytics_status: result of each job and its numbers of positions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.analyst.explain import concentrations, matrices, portfolio_betas, stresses, volatilities
from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case
from engine.analyst.explain.equity import lot_moves
from engine.analyst.explain.exposures import lot_exposures
from engine.analyst.explain.styles import RIDGE, SPREAD
from engine.analyst.explain.weighed import Counted, market, provider, rate, style_job
from engine.analyst.explain.working import Step, Working
from engine.core import job_catalog
from engine.core.job_catalog import JOBS, Reason
from engine.core.schema import TABLES


@dataclass(frozen=True)
class JobOutcome:
    """Numbers of positions used and left out by a job; the reason if it has no figures."""

    used: int
    left_out: int
    reason: Reason | str | None = None


def status(case: Case, ask: Ask) -> Working:
    """Return the working of a column of analytics_status.

    Args:
        case: the inputs of the job.
        ask: job, and status, reason, positions_used or positions_left_out.
    """
    if ask.job not in BY_JOB:
        return documented(case, ask)
    outcome = BY_JOB[ask.job](case)
    reason = outcome.reason if isinstance(outcome.reason, Reason) else _inconsistency(case, ask.job)
    values = {
        "status": reason.status if reason else "ok",
        "reason": reason.code if reason else None,
        "positions_used": outcome.used,
        "positions_left_out": outcome.left_out,
    }
    words = (reason.meaning,) if reason else ()
    steps = tuple(Step(name, value, "recomputed", f"job {ask.job}") for name, value in values.items())
    value = values[ask.column]
    if value is None:
        return Working(f"{ask.column} of {ask.job}", None, steps, reason="the job succeeded")
    return Working(f"{ask.column} of {ask.job}", value, steps, notes=words)


def _inconsistency(case: Case, job: str) -> Reason | None:
    """Return the reason of a job that values an inconsistent row; None if there is no such row."""
    codes = case.inputs.grave.filter(portfolio_id=case.portfolio)["code"].to_list()
    return next((reason for reason in JOBS[job].reasons if reason.code in codes), None)


def documented(case: Case, ask: Ask) -> Working:
    """Return the stored value of a figure that is not recomputed, and the page of its job.

    Args:
        case: not used.
        ask: column, stored row, and the table or job that names the page.
    """
    del case
    value = ask.row[ask.column] if ask.row else None
    note = f"not recomputed; its calculation is on the page docs/{JOBS[job_of(ask)].page}"
    return Working(f"{ask.column} as stored", value, notes=(note,), checked=False)


def job_of(ask: Ask) -> str:
    """Return the job whose status belongs to a figure, "" where none does."""
    table = TABLES[ask.table]
    job = table[ask.column].job or (table.jobs[0] if len(table.jobs) == 1 else ask.job)
    return job or (portfolio_betas.job_of_factor(ask.factor) if ask.factor else "")


def _pnl(case: Case) -> JobOutcome:
    moves = lot_moves(case)
    # A first session or a missing earlier close counts as used: the job has looked at the lot's close.
    unmoved = sum(why.startswith(("private", "no close on")) for why in moves["why_not"])
    return JobOutcome(moves.height - unmoved, unmoved)


def _snapshot(case: Case) -> JobOutcome:
    values = [value for _, value in lot_exposures(case)]
    unvalued = sum(value is None for value in values)
    return JobOutcome(len(values) - unvalued, unvalued)


def _market_values(case: Case) -> JobOutcome:
    markable = [lot for lot in case.lots if lot.live and lot.symbol not in case.never_quoted]
    marked = sum(case.mark(lot).session == case.day for lot in markable)
    return JobOutcome(marked, len(markable) - marked)


def _beta(count: Callable[[Case], Counted]) -> Callable[[Case], JobOutcome]:
    def outcome(case: Case) -> JobOutcome:
        counted = count(case)
        used = 0 if counted.reason else len(counted.lots)
        return JobOutcome(used, counted.of - used, counted.reason)

    return outcome


def _sector(case: Case) -> JobOutcome:
    reason = concentrations.reason_against(case)
    buckets = [] if reason else [concentrations.bucket(case, lot) for lot in case.lots if lot.live]
    none = sum(bucket is None for bucket in buckets)
    return JobOutcome(len(buckets) - none, none, reason)


def _volatility(case: Case) -> JobOutcome:
    live = [lot for lot in case.lots if lot.live]
    lots, reason = volatilities.eligible_lots(case)
    used = sum(volatilities.has_minimum(case, lot) for lot in lots)
    reason = reason or volatilities.reason_against(case, lots)
    return JobOutcome(used, len(live) - used, reason)


def _correlations(case: Case) -> JobOutcome:
    matrix = matrices.matrix(case)
    used = 0 if matrix.reason else sum(lot.symbol in matrix.symbols for lot in matrix.lots)
    return JobOutcome(used, len(case.lots) - used, matrix.reason)


def _stress(case: Case) -> JobOutcome:
    reason = stresses.job_reason(case)
    live = [lot for lot in case.lots if lot.live]
    used = 0 if reason else stresses.rates(case)[1].height
    return JobOutcome(used, 0 if reason else len(live) - used, reason)


BY_JOB: dict[str, Callable[[Case], JobOutcome]] = {
    job_catalog.PNL.name: _pnl,
    job_catalog.SNAPSHOT.name: _snapshot,
    job_catalog.MARKET_VALUES.name: _market_values,
    job_catalog.MARKET_BETA.name: _beta(market),
    job_catalog.PROVIDER_BETA.name: _beta(provider),
    job_catalog.RATE_BETA.name: _beta(rate),
    job_catalog.SPREAD_FACTORS.name: _beta(lambda case: style_job(case, SPREAD)),
    job_catalog.RIDGE_FACTORS.name: _beta(lambda case: style_job(case, RIDGE)),
    job_catalog.SECTOR.name: _sector,
    job_catalog.VOLATILITY.name: _volatility,
    job_catalog.CORRELATIONS.name: _correlations,
    job_catalog.STRESS.name: _stress,
}
"""Functions that recompute the status of each job."""
