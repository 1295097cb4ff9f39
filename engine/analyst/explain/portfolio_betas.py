"""Portfolio betas: what the betas of lots make of a portfolio, as a ratio and in dollars."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Context

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case
from engine.analyst.explain.equity import holds, roll
from engine.analyst.explain.rounding import exact, undefined
from engine.analyst.explain.weighed import Counted, counted, market, provided
from engine.analyst.explain.working import Step, Working, absent
from engine.analytics.betas import market as market_beta
from engine.analytics.betas import provider as provider_beta
from engine.analytics.betas import rate as rate_beta
from engine.analytics.factors.definitions import FORMER_MARKET
from engine.core.funds import SPREAD_FUNDS
from engine.core.job_catalog import (
    EQUITY_NOT_POSITIVE,
    MARKET_BETA,
    PROVIDER_BETA,
    RATE_BETA,
    RIDGE_FACTORS,
    SPREAD_FACTORS,
)

PRODUCT = Context(prec=28, rounding=ROUND_HALF_EVEN)
"""Of exposure_dollar: decimals of 28 digits."""
FLAT = "one lot's R2 is undefined (a flat price), and so is the portfolio's"
MADE_WITH = "the job has no figure: the one that the snapshot was made with stands"


def exposure(case: Case, ask: Ask) -> Working:
    """exposure_value and exposure_dollar of factor_exposures."""
    found = portfolio_beta(case, ask.factor)
    if ask.column == "exposure_value" or not isinstance(found.value, float):
        return found
    equity = case.money("equity_balance")
    dollars = PRODUCT.multiply(exact(found.value), exact(float(equity)))
    step = Step("beta", found.value, "ratio, not rounded", f"explain exposure_value: {found.filled}")
    return Working("exposure_dollar = {beta} * {E}", dollars, (step, _equity(case)), found.frames)


def snapshot_beta(case: Case, ask: Ask) -> Working:
    """The snapshot's three figures of the market beta, and its provider beta."""
    match ask.column:
        case provider_beta.COLUMN:
            found = portfolio_beta(case, provider_beta.FACTOR, ask.column)
            opening = case.day >= case.run_date and holds(case)
            return _opening_provider(case) if found.value is None and opening else found
        case "beta_calculated_90d":
            return portfolio_beta(case, market_beta.FACTOR, ask.column)
        case "beta_calculated_90d_observations":
            return _observations(market(case), ask.column)
        case _:
            return _explained(market(case), ask.column)


def portfolio_beta(case: Case, factor: str, name: str = "exposure_value") -> Working:
    """A portfolio's beta to a factor: values times betas of the lots that have one, over equity."""
    found = counted(case, factor)
    if found.reason:
        return absent(f"{name} = sum of value x beta / equity", found.reason)
    total = math.fsum(lot.value * lot.beta for lot in found.lots)
    what = f"frame `lots`: {len(found.lots)} of {found.of} lots have a beta"
    steps = (Step("S", total, "USD, sum of value x beta", what), _equity(case))
    equity = float(case.money("equity_balance"))
    return Working(f"{name} = {{S}} / {{E}}", total / equity, steps, {"lots": found.frame()})


def _equity(case: Case) -> Step:
    source = f"portfolio_snapshots, {case.day}: equity_balance"
    return Step("E", case.money("equity_balance"), "USD, equity as stored", source)


def _observations(found: Counted, name: str) -> Working:
    if found.reason:
        return absent(f"{name} = least of the lots' returns", found.reason)
    least = min(lot.n for lot in found.lots if lot.n is not None)
    step = Step("least", least, "returns: the fewest of any lot", "frame `lots`: least n")
    return Working(f"{name} = {{least}}", least, (step,), {"lots": found.frame()})


def _explained(found: Counted, name: str) -> Working:
    """The lots' R2, weighed by size."""
    if found.reason:
        return absent(f"{name} = sum of |value| x r_squared / sum of |value|", found.reason)
    gross = math.fsum(abs(lot.value) for lot in found.lots)
    terms = [abs(lot.value) * (math.nan if lot.r_squared is None else lot.r_squared) for lot in found.lots]
    total = math.nan if any(map(undefined, terms)) else math.fsum(terms)
    steps = (
        Step("S", total, "USD, sum of |value| x r_squared", "frame `lots`"),
        Step("G", gross, "USD, sum of |value|", "frame `lots`"),
    )
    frames = {"lots": found.frame()}
    if not gross:
        return Working(f"{name} = 0", 0.0, steps, frames, notes=("the lots are worth nothing",))
    notes = (FLAT,) if undefined(total) else ()
    return Working(f"{name} = {{S}} / {{G}}", total / gross, steps, frames, notes=notes)


def _opening_provider(case: Case) -> Working:
    """The beta that a snapshot of the run date is made with, where only the job itself fails."""
    found, equity = provided(case, case.day - timedelta(days=1), after=False), roll(case).equity
    formula = "beta_provider_1y = {S} / {E}"
    if found.reason or equity <= 0:
        return absent(formula, found.reason or EQUITY_NOT_POSITIVE)
    total = math.fsum(lot.value * lot.beta for lot in found.lots)
    steps = (
        Step("S", total, "USD, sum of value x beta, as the session finds them", "frame `lots`"),
        Step("E", equity, "USD, equity, not rounded", "explain equity_balance"),
    )
    return Working(formula, total / float(equity), steps, {"lots": found.frame()}, notes=(MADE_WITH,))


def job_of_factor(factor: str) -> str:
    """The job that computes a factor's exposures."""
    own = {
        market_beta.FACTOR: MARKET_BETA,
        FORMER_MARKET: MARKET_BETA,
        provider_beta.FACTOR: PROVIDER_BETA,
        rate_beta.FACTOR: RATE_BETA,
    }
    style = SPREAD_FACTORS if factor in SPREAD_FUNDS else RIDGE_FACTORS
    return own.get(factor, style).name
