"""The joint factor model: a symbol regressed on the market and on what it leaves of styles and rates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case
from engine.analyst.explain.pairs import common, exclusion_of, regression
from engine.analyst.explain.working import Sample, Step, Working, absent
from engine.analytics.betas.rate import FACTOR as RATE
from engine.analytics.factors.joint import CAP, FUNDS
from engine.core.funds import MARKET_FUND, RATE_FUND, STYLE_FUNDS
from engine.core.job_catalog import RIDGE_FACTORS
from engine.numerics.arrays import Floats
from engine.numerics.joint_ridge import SMALLEST_VARIANCE

FUND_OF = {**STYLE_FUNDS, RATE: RATE_FUND}
"""The fund of each factor of the joint model besides the market."""


@dataclass(frozen=True)
class JointFit:
    """Joint regression of a symbol; without figures where `reason` is set.

    Attributes:
        funds: k funds besides the market's with a coefficient.
        days: Sessions in which the n returns end.
        returns: [n, k + 2] simple returns: the symbol, SPY, and the funds.
        sigma: [k] population deviations of the funds' residuals.
        penalty: n / F.
        b: [k] coefficients of the standardised residuals.
        sample: Used and missing sessions.
        reason: Reason why there is no fit, "" if there is one.
    """

    funds: tuple[str, ...]
    days: tuple[date, ...]
    returns: Floats
    sigma: Floats
    penalty: float
    b: Floats
    sample: Sample
    reason: str = ""

    def beta(self, fund: str) -> float | None:
        """Return the beta to a fund's residual, limited to [-5, 5]; None if it has none."""
        if self.reason or fund not in self.funds:
            return None
        at = self.funds.index(fund)
        if not np.isfinite(self.sigma[at]):
            return 0.0
        return min(max(float(self.b[at] / self.sigma[at]), -CAP), CAP)


def joint_fit(case: Case, symbol: str) -> JointFit:
    """Return the joint regression of a symbol in the session, computed once.

    Args:
        case: Closes of the symbol and the funds.
        symbol: As market data is stored under it.
    """
    return case.once(("joint", symbol), lambda: _joint_fit(case, symbol))


def _joint_fit(case: Case, symbol: str) -> JointFit:
    look_back = RIDGE_FACTORS.look_back
    series = {fund: case.series(fund, look_back) for fund in FUNDS}
    funds = tuple(fund for fund in FUNDS if series[fund])
    own = case.series(symbol, look_back)
    sample = common(case, {symbol: own, **{fund: series[fund] for fund in funds}}, look_back)
    n = max(len(sample.used) - 1, 0)
    reason = "" if n >= RIDGE_FACTORS.minimum else f"{n} common returns, at least {RIDGE_FACTORS.minimum}"
    if not own or MARKET_FUND not in funds:
        reason = f"no close of {symbol if not own else MARKET_FUND} in {look_back} days"
    reason = reason or case.stale(symbol, *funds)
    blank = np.zeros(0)
    if reason:
        return JointFit((), (), blank, blank, 0.0, blank, sample, reason)
    closes = [own, *(series[fund] for fund in funds)]
    moves = [[level[day] / level[before] - 1.0 for level in closes] for before, day in pairwise(sample.used)]
    returns = np.array(moves)
    off = returns - returns.mean(axis=0)
    off[:, (returns == returns[0]).all(axis=0)] = 0.0
    market, others = off[:, 1], off[:, 2:]
    if not market.any():
        return JointFit(
            (), (), blank, blank, 0.0, blank, sample, f"the returns of {MARKET_FUND} are constant"
        )
    residual = others - np.outer(market, market @ others / (market @ market))
    size, whole = np.sqrt((residual**2).mean(axis=0)), np.sqrt((others**2).mean(axis=0))
    sigma = np.where(size > np.sqrt(SMALLEST_VARIANCE) * whole, size, np.inf)
    b, penalty = _solve(residual / sigma, market, off[:, 0])
    return JointFit(funds[1:], sample.used[1:], returns, sigma, penalty, b, sample)


def _solve(z: Floats, market: Floats, y: Floats) -> tuple[Floats, float]:
    """Return the ridge coefficients [k] of y on z, and the penalty n / F."""
    n = len(y)
    values, vectors = np.linalg.eigh(z.T @ z)
    kept = vectors[:, values > SMALLEST_VARIANCE * n]
    parts = z @ kept
    design = np.column_stack((market, parts))
    left = y - design @ np.linalg.lstsq(design, y)[0]
    alone = y - market * (market @ y) / (market @ market)
    rank = kept.shape[1]
    explained = float(alone @ alone - left @ left)
    variance = float(left @ left) / (n - rank - 2)
    if explained <= 0:
        return np.zeros(z.shape[1]), 0.0
    penalty = n * rank * variance / explained
    gram = parts.T @ parts + penalty * np.eye(rank)
    return np.asarray(kept @ np.linalg.solve(gram, parts.T @ y)), penalty


def working(case: Case, symbol: str, factor: str, name: str) -> Working:
    """Return the working of a symbol's beta to a style or to rates.

    Args:
        case: Closes of the symbol and the funds.
        symbol: As market data is stored under it.
        factor: A key of FUND_OF.
        name: Name of the figure in the formula.
    """
    fitted, fund = joint_fit(case, symbol), FUND_OF[factor]
    formula = f"{name} = min(max({{b}} / {{sigma}}, -5), 5)"
    beta = fitted.beta(fund)
    if beta is None:
        reason = fitted.reason or f"no close of {fund} in {RIDGE_FACTORS.look_back} days"
        return absent(formula, reason, sample=fitted.sample)
    at = fitted.funds.index(fund)
    source = "solves (Z'Z + p I) b = Z'(r - mean r)"
    steps = (
        Step("n", len(fitted.days), "common returns", "frame `returns`"),
        Step("p", fitted.penalty, "penalty, n / F", "F of the residuals given the market"),
        Step("b", float(fitted.b[at]), "of the standardised residual", source),
        Step("sigma", float(fitted.sigma[at]), f"deviation of what SPY leaves of {fund}", "frame `returns`"),
    )
    columns = dict(zip((f"{symbol} (r)", MARKET_FUND, *fitted.funds), fitted.returns.T, strict=True))
    frames = {"returns": pl.DataFrame({"session": fitted.days, **columns})}
    return Working(formula, beta, steps, frames, fitted.sample)


def rate_figure(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of position_interest_rate_betas.

    Args:
        case: Closes of the symbol and the funds, and the rule.
        ask: The position, and a column of the table.
    """
    if case.rules.factor_model == "separate":
        return regression(case, ask)
    exclusion = exclusion_of(case, ask, ask.position)
    if exclusion or ask.column == "r_squared":
        return absent(ask.column, exclusion or "the joint fit has no R2 of rates alone")
    return working(case, ask.position.symbol, RATE, ask.column)
