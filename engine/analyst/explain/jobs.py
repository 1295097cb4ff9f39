"""analytics_status: result of each job and its numbers of positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

import polars as pl

from engine.analyst.explain import (
    books,
    concentrations,
    holdings,
    matrices,
    portfolio_betas,
    risk,
    stresses,
    volatilities,
)
from engine.analyst.explain.ask import Ask
from engine.analyst.explain.by_delta import by_delta
from engine.analyst.explain.case import PRIVATE, Case, PositionLot
from engine.analyst.explain.equity import earning_lots, in_snapshot, lot_moves
from engine.analyst.explain.exposures import lot_exposures
from engine.analyst.explain.rounding import rounded
from engine.analyst.explain.styles import RIDGE, SPREAD, StyleModel
from engine.analyst.explain.weighed import Counted, market, provider, rate, style_job
from engine.analyst.explain.working import Step, Working, absent
from engine.analytics.betas.market import FACTOR as MARKET
from engine.analytics.factors.definitions import FORMER_MARKET
from engine.core import job_catalog
from engine.core.funds import SPREAD_FUNDS, STYLE_FUNDS, funds_of_job
from engine.core.instruments import unquoted
from engine.core.job_catalog import (
    FUND_REASONS,
    HISTORICAL_SESSION,
    JOBS,
    LOW_COVERAGE,
    NO_ACTIVE_DEFINITION,
    NO_DEFINITION,
    NO_POSITIONS,
    UNMEASURED_FACTOR,
    Reason,
    absent_funds,
)
from engine.core.schema import TABLES

RISK_JOBS = (
    *("market_beta", "rate_beta", "spread_factors", "ridge_factors"),
    *("volatility", "stress", "risk"),
)
"""Jobs in which options count by their Greeks where the rules say so."""
VALUED = (job_catalog.PNL.name, job_catalog.SNAPSHOT.name, job_catalog.MARKET_VALUES.name)


@dataclass(frozen=True)
class JobOutcome:
    """Numbers of positions used and left out by a job; the reason if it has no figures, or partial ones.

    Attributes:
        used: Number of positions used.
        left_out: Number of positions that the job looked at and could not use.
        reason: Why there is no figure.
        rested: USD of the lots that entered the figure.
        due: USD of the lots that it is about.
        doubt: Why the figure is partial, besides too low a coverage.
    """

    used: int
    left_out: int
    reason: Reason | str | None = None
    rested: Decimal = Decimal(0)
    due: Decimal = Decimal(0)
    doubt: Reason | None = None

    @property
    def coverage(self) -> Decimal | None:
        """Fraction of the value due that entered the figure; None if nothing is due."""
        if not self.due:
            return None
        return Decimal(0) if isinstance(self.reason, Reason) else self.rested / self.due


def status(case: Case, ask: Ask) -> Working:
    """Return the working of a column of analytics_status.

    Args:
        case: the inputs of the job.
        ask: job, and status, reason, positions_used, positions_left_out or coverage.
    """
    if ask.job not in BY_JOB:
        return documented(case, ask)
    if ask.job == job_catalog.RISK.name and not risk.runs(case):
        return absent(f"{ask.column} of {ask.job}", risk.ONLY)
    outcome = BY_JOB[ask.job](by_delta(case) if ask.job in RISK_JOBS else case)
    reason = outcome.reason if isinstance(outcome.reason, Reason) else _doubt(case, ask.job, outcome)
    reason = _named_funds(case, ask.job, reason)
    values = {
        "status": reason.status if reason else "ok",
        "reason": _words(case, ask.job, reason),
        "positions_used": outcome.used,
        "positions_left_out": outcome.left_out,
        "coverage": None if outcome.coverage is None else rounded(outcome.coverage, 6),
    }
    words = (reason.meaning,) if reason else ()
    steps = tuple(Step(name, value, "recomputed", f"job {ask.job}") for name, value in values.items())
    value = values[ask.column]
    if value is None:
        why = "no lot is due" if ask.column == "coverage" else "the job succeeded"
        return Working(f"{ask.column} of {ask.job}", None, steps, reason=why)
    return Working(f"{ask.column} of {ask.job}", value, steps, notes=words)


def _named_funds(case: Case, job: str, reason: Reason | None) -> Reason | None:
    """Return the reason that names factor funds without a close in the look-back, if any."""
    if reason and reason.code not in FUND_REASONS:
        return reason
    first = JOBS[job].first_day(case.day)
    absent = [
        fund
        for fund in funds_of_job(job, case.rules.factor_model)
        if not any(first <= day <= case.day and close > 0 for day, close in case.closes.get(fund, {}).items())
    ]
    if not absent:
        return reason
    words = absent_funds(absent, JOBS[job].look_back)
    return Reason(words, reason.status if reason else "partial", words)


def _words(case: Case, job: str, reason: Reason | None) -> str | None:
    """Return the reason as stored: of too few closes a sentence with the lots, else the reason's code."""
    if reason is None or reason.code != LOW_COVERAGE:
        return reason.code if reason else None
    return _sentence(case, job) or reason.code


def _sentence(case: Case, job: str) -> str:
    """Return the stored sentence that names the lots of which a run had too few closes; else ""."""
    stored = case.rows("analytics_status").filter(job=job)["reason"].to_list()
    codes = {known.code for known in JOBS[job].reasons}
    return next((text for text in stored if text and text not in codes), "")


def _doubt(case: Case, job: str, outcome: JobOutcome) -> Reason | None:
    """Return the reason of a partial figure: the first in the order of the job's reasons."""
    codes = set(case.inputs.grave.filter(portfolio_id=case.portfolio)["code"])
    if outcome.doubt:
        codes.add(outcome.doubt.code)
    if outcome.coverage is not None and outcome.coverage < Decimal(str(JOBS[job].floor)):
        codes.add(LOW_COVERAGE)
    first = next((r for r in JOBS[job].reasons if r.status == "partial" and r.code in codes), None)
    # The gate of a run counts closes of the day alone, and only for the jobs that value lots.
    if first is None and job in VALUED and (sentence := _sentence(case, job)):
        return Reason(sentence, "partial", "the run found too few closes of the session")
    return first


def _value(case: Case, lots: Iterable[PositionLot]) -> Decimal:
    """Return what lots count in a coverage, in USD: their absolute values."""
    return sum((abs(case.worth(lot)) for lot in lots), Decimal(0))


def _classless(lot: PositionLot) -> bool:
    """Return whether a lot has no class that a job knows."""
    return not lot.public and (lot.investment_class or "").upper() not in ("OPTIONS", PRIVATE)


def _stock_or_classless(lot: PositionLot) -> bool:
    return lot.stock or (_classless(lot) and lot.position_type in ("LONG", "SHORT"))


def _quoted(lots: Iterable[PositionLot]) -> list[PositionLot]:
    """Return the lots that a market quotes, under whatever rules."""
    kept = [lot for lot in lots if not lot.private]
    symbols = pl.DataFrame({"symbol": [lot.symbol for lot in kept]}, schema={"symbol": pl.String})
    never = symbols.select(unquoted("symbol", "none")).to_series()
    return [lot for lot, is_never in zip(kept, never, strict=True) if not is_never]


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


def _pnl_of_lots(case: Case) -> JobOutcome:
    """Return the outcome of the P&L of lots: used are those with a close, or a part that ended."""
    by_id = {lot.id: lot for lot in case.every_lot}
    lives = {life.row["id"]: life for life in books.carried(case)}
    lots = [by_id[number] for number in lives]
    booked = [lot for lot in lots if lives[lot.id].priced()]
    quoted = _quoted(lots)
    rested = _value(case, (lot for lot in quoted if lot in booked))
    return JobOutcome(len(booked), len(lots) - len(booked), None, rested, _value(case, quoted))


def _pnl(case: Case) -> JobOutcome:
    if case.by_lot:
        return _pnl_of_lots(case)
    lots, moves = earning_lots(case), lot_moves(case)["why_not"]
    unmoved = ("private", "no close")
    # In the portfolio's first session a close counts as used, although nothing moves.
    booked = [lot.id for lot, why in zip(lots, moves, strict=True) if not why.startswith(unmoved)]
    # A lot earns with the quantity of the table, and weighs what it is worth in the session.
    held = {lot.id: lot for lot in case.every_lot}
    quoted = [held[lot.id] for lot in _quoted(lots)]
    rested = _value(case, (lot for lot in quoted if lot.id in booked))
    return JobOutcome(len(booked), len(lots) - len(booked), None, rested, _value(case, quoted))


def _snapshot(case: Case) -> JobOutcome:
    exposures = lot_exposures(case)
    valued = [lot for lot, value in exposures if value is not None]
    due = _value(case, (lot for lot, _ in exposures))
    return JobOutcome(len(valued), len(exposures) - len(valued), None, _value(case, valued), due)


def _market_values(case: Case) -> JobOutcome:
    markable = [lot for lot in case.lots if lot.live and lot.symbol not in case.never_quoted]
    marked = [lot for lot in markable if case.mark(lot).session == case.day]
    rested, due = (_value(case, (lot for lot in lots if not lot.private)) for lots in (marked, markable))
    return JobOutcome(len(marked), len(markable) - len(marked), None, rested, due)


def _weighed(case: Case, counted: Counted, due: list[PositionLot], classless: bool = True) -> JobOutcome:
    """Return the outcome of a job of weighted betas.

    Args:
        case: the inputs of the job.
        counted: the lots with a beta.
        due: the lots that the figure is about, those without a class included.
        classless: whether lots without a class are left out.
    """
    used = [] if counted.reason else [weighted.lot for weighted in counted.lots]
    left_out = counted.of - len(used) + (sum(map(_classless, due)) if classless else 0)
    rested = _value(case, (lot for lot in used if lot in due))
    return JobOutcome(len(used), left_out, counted.reason or None, rested, _value(case, due))


def _market(case: Case) -> JobOutcome:
    due = [lot for lot in case.lots if lot.live and not lot.private]
    doubt = None if {MARKET, FORMER_MARKET} & case.factors.keys() else NO_DEFINITION
    return replace(_weighed(case, market(case), due, classless=False), doubt=doubt)


def _provider(case: Case) -> JobOutcome:
    due = [lot for lot in case.lots if lot.live and _stock_or_classless(lot)]
    return _weighed(case, provider(case), due)


def _rate(case: Case) -> JobOutcome:
    due = [lot for lot in case.lots if lot.live and (lot.public or _classless(lot))]
    return _weighed(case, rate(case), due)


def _style(case: Case, model: StyleModel) -> JobOutcome:
    due = [lot for lot in case.lots if lot.exit_date is None and _stock_or_classless(lot)]
    outcome = _weighed(case, style_job(case, model), due)
    factors = SPREAD_FUNDS if model is SPREAD else STYLE_FUNDS
    if outcome.reason or case.definitions.filter(pl.col("name").is_in(list(factors)), is_active=True).height:
        return outcome
    left_out = outcome.used + outcome.left_out
    return replace(outcome, used=0, left_out=left_out, reason=NO_ACTIVE_DEFINITION)


def _sector(case: Case) -> JobOutcome:
    reason = concentrations.reason_against(case)
    if reason in (HISTORICAL_SESSION, NO_POSITIONS):
        return JobOutcome(0, 0, reason)
    values = concentrations.values(case)
    if concentrations.every_session(case):
        held = [lot for lot in case.lots if in_snapshot(case, lot)]
        valued = [lot for lot in held if lot in values and not reason]
        out = 0 if reason else len(held) - len(valued)
        return JobOutcome(len(valued), out, reason, _value(case, valued), _value(case, held))
    in_bucket = [lot for lot in values if concentrations.bucket(case, lot) is not None]
    rested = sum((values[lot] for lot in in_bucket), Decimal(0))
    used = 0 if reason else len(in_bucket)
    left_out = 0 if reason else len(values) - used
    return JobOutcome(used, left_out, reason, rested, sum(values.values(), Decimal(0)))


def _volatility(case: Case) -> JobOutcome:
    live = [lot for lot in case.lots if lot.live]
    lots, reason = volatilities.eligible_lots(case)
    used = [lot for lot in lots if volatilities.has_minimum(case, lot)]
    reason = reason or volatilities.reason_against(case, lots)
    values = _value(case, used), _value(case, lots)
    return JobOutcome(len(used), len(live) - len(used), reason, *values)


def _correlations(case: Case) -> JobOutcome:
    matrix = matrices.matrix(case)
    used = [] if matrix.obstacle else [lot for lot in matrix.lots if lot.symbol in matrix.counted]
    values = _value(case, used), _value(case, matrix.lots)
    return JobOutcome(len(used), len(case.lots) - len(used), matrix.obstacle, *values, matrix.no_pair)


def _stress(case: Case) -> JobOutcome:
    reason = stresses.job_reason(case)
    live = [lot for lot in case.lots if lot.live]
    with_beta = holdings.lots_with_rates(case)
    due = [lot for lot in live if lot.public or _classless(lot)]
    values = _value(case, (lot for lot in with_beta if lot in due)), _value(case, due)
    used = 0 if reason else len(with_beta)
    doubt = UNMEASURED_FACTOR if holdings.without_exposure(case) else None
    return JobOutcome(used, 0 if reason else len(live) - used, reason, *values, doubt)


def _risk(case: Case) -> JobOutcome:
    found = risk.portfolio_risk(case)
    live = [lot for lot in case.lots if lot.live]
    due = [lot for lot in live if not lot.private]
    used = [] if found.reason else [one.lot for one in found.lots]
    values = _value(case, (lot for lot in used if lot in due)), _value(case, due)
    return JobOutcome(len(used), len(live) - len(used), found.reason, *values)


BY_JOB: dict[str, Callable[[Case], JobOutcome]] = {
    job_catalog.PNL.name: _pnl,
    job_catalog.SNAPSHOT.name: _snapshot,
    job_catalog.MARKET_VALUES.name: _market_values,
    job_catalog.MARKET_BETA.name: _market,
    job_catalog.PROVIDER_BETA.name: _provider,
    job_catalog.RATE_BETA.name: _rate,
    job_catalog.SPREAD_FACTORS.name: partial(_style, model=SPREAD),
    job_catalog.RIDGE_FACTORS.name: partial(_style, model=RIDGE),
    job_catalog.SECTOR.name: _sector,
    job_catalog.VOLATILITY.name: _volatility,
    job_catalog.CORRELATIONS.name: _correlations,
    job_catalog.STRESS.name: _stress,
    job_catalog.RISK.name: _risk,
}
"""Functions that recompute the status of each job."""
