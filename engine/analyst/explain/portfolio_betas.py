"""Betas of a portfolio from the betas of its lots, as ratios and in USD."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Context

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case
from engine.analyst.explain.equity import has_positions, roll_forward
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
"""Arithmetic of exposure_dollar: 28 significant digits, half to even, as in the legacy batch."""
FLAT = "the R2 of one lot is undefined (constant price), so the portfolio's is undefined"
NEW_SNAPSHOT = "the job has no figure: the value written with the new snapshot remains"


def exposure(case: Case, ask: Ask) -> Working:
    """Return the working of exposure_value and exposure_dollar of factor_exposures.

    Args:
        case: Lots with betas, their values, and the stored equity.
        ask: The factor, and one of both columns.
    """
    working = portfolio_beta(case, ask.factor)
    if ask.column == "exposure_value" or not isinstance(working.value, float):
        return working
    equity = case.money("equity_balance")
    dollars = PRODUCT.multiply(exact(working.value), exact(float(equity)))
    step = Step("beta", working.value, "ratio, not rounded", f"explain exposure_value: {working.filled}")
    return Working("exposure_dollar = {beta} * {E}", dollars, (step, _equity(case)), working.frames)


def snapshot_beta(case: Case, ask: Ask) -> Working:
    """Return the working of the three market beta figures and the provider beta of the snapshot.

    Args:
        case: Lots with betas, their values, and the stored equity.
        ask: One of the four columns.
    """
    match ask.column:
        case provider_beta.COLUMN:
            working = portfolio_beta(case, provider_beta.FACTOR, ask.column)
            opening = case.day >= case.run_date and has_positions(case)
            return _opening_provider(case) if working.value is None and opening else working
        case "beta_calculated_90d":
            return portfolio_beta(case, market_beta.FACTOR, ask.column)
        case "beta_calculated_90d_observations":
            return _observations(market(case), ask.column)
        case _:
            return _explained(market(case), ask.column)


def portfolio_beta(case: Case, factor: str, name: str = "exposure_value") -> Working:
    """Explain a portfolio's beta to a factor: sum of value x beta of the lots, over equity.

    Args:
        case: Portfolio and session.
        factor: Factor name.
        name: Name of the figure in the formula.

    Returns:
        Working with an unrounded ratio, or the reason why there is none.
    """
    betas = counted(case, factor)
    if betas.reason:
        return absent(f"{name} = sum of value x beta / equity", betas.reason)
    total = math.fsum(lot.value * lot.beta for lot in betas.lots)
    what = f"frame `lots`: {len(betas.lots)} of {betas.of} lots have a beta"
    steps = (Step("S", total, "USD, sum of value x beta", what), _equity(case))
    equity = float(case.money("equity_balance"))
    return Working(f"{name} = {{S}} / {{E}}", total / equity, steps, {"lots": betas.frame()})


def _equity(case: Case) -> Step:
    source = f"portfolio_snapshots, {case.day}: equity_balance"
    return Step("E", case.money("equity_balance"), "USD, equity as stored", source)


def _observations(betas: Counted, name: str) -> Working:
    if betas.reason:
        return absent(f"{name} = least of the lots' returns", betas.reason)
    least = min(lot.n for lot in betas.lots if lot.n is not None)
    step = Step("least", least, "returns: the smallest number of any lot", "frame `lots`: least n")
    return Working(f"{name} = {{least}}", least, (step,), {"lots": betas.frame()})


def _explained(betas: Counted, name: str) -> Working:
    """Explain the portfolio's R2: mean R2 of the lots, weighted by absolute value."""
    if betas.reason:
        return absent(f"{name} = sum of |value| x r_squared / sum of |value|", betas.reason)
    gross = math.fsum(abs(lot.value) for lot in betas.lots)
    terms = [abs(lot.value) * (math.nan if lot.r_squared is None else lot.r_squared) for lot in betas.lots]
    total = math.nan if any(map(undefined, terms)) else math.fsum(terms)
    steps = (
        Step("S", total, "USD, sum of |value| x r_squared", "frame `lots`"),
        Step("G", gross, "USD, sum of |value|", "frame `lots`"),
    )
    frames = {"lots": betas.frame()}
    if not gross:
        return Working(f"{name} = 0", 0.0, steps, frames, notes=("all lots have a value of 0",))
    notes = (FLAT,) if undefined(total) else ()
    return Working(f"{name} = {{S}} / {{G}}", total / gross, steps, frames, notes=notes)


def _opening_provider(case: Case) -> Working:
    """Explain the provider beta written with a new snapshot, for a session whose job has no figure."""
    betas, equity = provided(case, case.day - timedelta(days=1), after=False), roll_forward(case).equity
    formula = "beta_provider_1y = {S} / {E}"
    if betas.reason or equity <= 0:
        return absent(formula, betas.reason or EQUITY_NOT_POSITIVE)
    total = math.fsum(lot.value * lot.beta for lot in betas.lots)
    steps = (
        Step("S", total, "USD, sum of value x beta, values before the session", "frame `lots`"),
        Step("E", equity, "USD, equity, not rounded", "explain equity_balance"),
    )
    return Working(formula, total / float(equity), steps, {"lots": betas.frame()}, notes=(NEW_SNAPSHOT,))


def job_of_factor(factor: str) -> str:
    """Return the name of the job that computes a factor's exposures."""
    own = {
        market_beta.FACTOR: MARKET_BETA,
        FORMER_MARKET: MARKET_BETA,
        provider_beta.FACTOR: PROVIDER_BETA,
        rate_beta.FACTOR: RATE_BETA,
    }
    style = SPREAD_FACTORS if factor in SPREAD_FUNDS else RIDGE_FACTORS
    return own.get(factor, style).name
