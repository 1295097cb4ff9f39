"""Risk contributions of factors and positions, one lot and factor after the other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case, PositionLot
from engine.analyst.explain.factor_moves import FactorMoves
from engine.analyst.explain.joint import JointFit, joint_fit
from engine.analyst.explain.pairs import fit
from engine.analyst.explain.weighed import poor
from engine.analyst.explain.working import Step, Working, absent, table
from engine.analytics.factors.attribution import FACTORS
from engine.analytics.factors.joint import FUNDS
from engine.analytics.risk import RULES
from engine.analytics.risk.risk import BY_FACTOR, BY_POSITION, SPECIFIC, TABLE
from engine.core.funds import FUND_FACTORS, MARKET_FUND
from engine.core.job_catalog import (
    EQUITY_NOT_POSITIVE,
    NO_FACTOR_COVARIANCE,
    NO_PREDICTED_RISK,
    NO_RISK_MODEL,
    RISK_NO_ACTIVE_POSITIONS,
    Reason,
)
from engine.numerics.joint_ridge import SMALLEST_RESIDUAL, SMALLEST_VARIANCE

TABLES = (TABLE, BY_FACTOR, BY_POSITION)
YEAR = 252
TOLERANCE = 1e-10
"""Of figures of 14 decimals: regressions on funds that move alike agree to ten digits."""
ONLY = "only with factor_model=joint and factor_covariance=session or session_oas"
LOTS = {
    "symbol": pl.String,
    "position_id": pl.String,
    "weight": pl.Float64,
    "beta_x_pull": pl.Float64,
    "specific_variance": pl.Float64,
    "by_betas": pl.Float64,
    "by_specific": pl.Float64,
}
FACTOR_ROWS = {"factor": pl.String, "exposure": pl.Float64, "variance": pl.Float64, "pull": pl.Float64}


@dataclass(frozen=True)
class LotRisk:
    """A lot with its weight, its betas by factor and the daily variance of its symbol's specific move."""

    lot: PositionLot
    weight: float
    betas: Mapping[str, float]
    specific: float


@dataclass(frozen=True)
class Risk:
    """A portfolio's predicted risk.

    Attributes:
        lots: those with betas.
        covariance: of the factors' daily returns, by two names; of those whose fund moves.
        reason: why there are no figures, None where there are some.
    """

    lots: tuple[LotRisk, ...]
    covariance: Mapping[tuple[str, str], float]
    reason: Reason | None = None

    @property
    def factors(self) -> list[str]:
        """The factors whose fund moves."""
        return [name for name in FACTORS if (name, name) in self.covariance]

    def exposure(self, factor: str) -> float:
        """Return the portfolio's beta to a factor."""
        return math.fsum(one.weight * one.betas.get(factor, 0.0) for one in self.lots)

    def pull(self, factor: str) -> float:
        """Return the covariance of a factor with the portfolio's moves by factors."""
        return math.fsum(self.covariance[factor, name] * self.exposure(name) for name in self.factors)

    def together(self, symbol: str) -> float:
        """Return the weight of all lots of a symbol."""
        return math.fsum(one.weight for one in self.lots if one.lot.symbol == symbol)

    @property
    def of_factors(self) -> float:
        """The daily variance by factors."""
        return math.fsum(self.exposure(name) * self.pull(name) for name in self.factors)

    @property
    def of_specific(self) -> float:
        """The daily variance of the specific moves."""
        symbols = {one.lot.symbol: one.specific for one in self.lots}
        return math.fsum(self.together(symbol) ** 2 * variance for symbol, variance in symbols.items())

    @property
    def volatility(self) -> float:
        """Predicted, a year, as a fraction of equity."""
        return math.sqrt(max(self.of_factors + self.of_specific, 0.0) * YEAR)


def runs(case: Case) -> bool:
    """Return whether the job runs by the case's rules."""
    return case.rules.among(RULES)


def portfolio_risk(case: Case) -> Risk:
    """Return the predicted risk of the session, computed once; of a book by delta."""
    return case.once(("risk",), lambda: _risk(case))


def _risk(case: Case) -> Risk:
    live = [lot for lot in case.lots if lot.live]
    covariance = _covariance(case)
    modelled = [] if poor(case) else [one for lot in live if (one := _lot(case, lot)) is not None]
    known = Risk(tuple(modelled), covariance)
    cases = {
        EQUITY_NOT_POSITIVE: poor(case),
        RISK_NO_ACTIVE_POSITIONS: not live,
        NO_FACTOR_COVARIANCE: not covariance,
        NO_RISK_MODEL: not modelled,
        NO_PREDICTED_RISK: not known.volatility > 0,
    }
    return Risk(known.lots, covariance, next((reason for reason, holds in cases.items() if holds), None))


def _lot(case: Case, lot: PositionLot) -> LotRisk | None:
    """Return a lot's part in the model, None if it has none."""
    market, joint = fit(case, lot.symbol, MARKET_FUND).beta, joint_fit(case, lot.symbol)
    if market is None or joint.reason or not case.valued(lot):
        return None
    names = {fund: FACTORS[number] for number, fund in enumerate(FUNDS)}
    betas = {names[MARKET_FUND]: market} | {names[fund]: joint.beta(fund) or 0.0 for fund in joint.funds}
    weight = float(case.worth(lot)) / float(case.money("equity_balance"))
    return LotRisk(lot, weight, betas, _specific(joint))


def _specific(joint: JointFit) -> float:
    """Return the variance of what the joint regression leaves of a symbol's returns."""
    off = joint.returns - joint.returns.mean(axis=0)
    y, market, funds = off[:, 0], off[:, 1], off[:, 2:]
    beside = funds - np.outer(market, market @ funds / (market @ market))
    z = beside / joint.sigma
    rank = int((np.linalg.eigvalsh(z.T @ z) > SMALLEST_VARIANCE * len(y)).sum()) if funds.size else 0
    left = y - market * float(market @ y) / float(market @ market) - z @ joint.b
    rest = math.fsum(left * left)
    exact = rest <= SMALLEST_RESIDUAL * math.fsum(joint.returns[:, 0] ** 2)
    return 0.0 if exact else rest / (len(y) - rank - 2)


def _covariance(case: Case) -> dict[tuple[str, str], float]:
    """Return the covariances of the market and of what it leaves of the other funds; none without it."""
    moves = FactorMoves(case)
    at = {
        name: moves.names.index(FUND_FACTORS[fund])
        for name, fund in zip(FACTORS, FUNDS, strict=True)
        if FUND_FACTORS[fund] in moves.names
    }
    market = at.get(FACTORS[0])
    if market is None or not moves.covariance[market, market] > 0:
        return {}
    funds, found = moves.covariance, {}
    for one, i in at.items():
        for other, j in at.items():
            explained = funds[i, market] * funds[j, market] / funds[market, market]
            value = float(funds[i, j] - explained)
            if market in (i, j):
                value = float(funds[market, market]) if i == j else 0.0
            found[one, other] = value
    still = {name for name in at if not found[name, name] > 0}
    return {pair: value for pair, value in found.items() if not still & set(pair)}


def figure(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of the tables of risk contributions.

    Args:
        case: a book by delta, where options count with their Greeks.
        ask: a column of one of the tables, with the position or the factor of its row.
    """
    if not runs(case):
        return absent(ask.column, ONLY)
    risk = portfolio_risk(case)
    if risk.reason:
        return absent(ask.column, risk.reason)
    if ask.table == TABLE:
        values, formula = _whole(risk), "the model's variances, a year"
    elif ask.table == BY_FACTOR:
        values, formula = (
            _of_factor(risk, str(ask.part("factor"))),
            "exposure, and what it adds: b C b / sigma",
        )
    else:
        values, formula = _of_lot(risk, ask.position), "what the weight adds: w (beta' C b + W v) / sigma"
    value = values.get(ask.column)
    if value is None:
        return absent(ask.column, "the lot has no betas" if ask.lot else "there is no such figure")
    return Working(f"{ask.column}: {formula}", value, _steps(risk), _frames(risk), tolerance=TOLERANCE)


def _whole(risk: Risk) -> dict[str, float]:
    whole = risk.of_factors + risk.of_specific
    return {
        "volatility": risk.volatility,
        "factor_volatility": math.sqrt(max(risk.of_factors, 0.0) * YEAR),
        "specific_volatility": math.sqrt(risk.of_specific * YEAR),
        "factor_share": risk.of_factors / whole,
    }


def _of_factor(risk: Risk, factor: str) -> dict[str, float]:
    if factor == SPECIFIC:
        own = {"volatility": math.sqrt(risk.of_specific * YEAR)}
        contribution = risk.of_specific * YEAR / risk.volatility
    elif factor in risk.factors:
        marginal, exposure = risk.pull(factor) * YEAR / risk.volatility, risk.exposure(factor)
        variance = risk.covariance[factor, factor]
        own = {"exposure": exposure, "volatility": math.sqrt(variance * YEAR), "marginal": marginal}
        contribution = exposure * marginal
    else:
        return {}
    return {**own, "contribution": contribution, "share": contribution / risk.volatility}


def _of_lot(risk: Risk, lot: PositionLot) -> dict[str, float]:
    own = next((one for one in risk.lots if one.lot.id == lot.id), None)
    if own is None:
        return {}
    scale = YEAR / risk.volatility
    by_betas = scale * math.fsum(own.betas.get(name, 0.0) * risk.pull(name) for name in risk.factors)
    by_specific = scale * risk.together(lot.symbol) * own.specific
    contribution = own.weight * (by_betas + by_specific)
    return {
        "weight": own.weight,
        "marginal": by_betas + by_specific,
        "contribution": contribution,
        "factor_contribution": own.weight * by_betas,
        "specific_contribution": own.weight * by_specific,
        "share": contribution / risk.volatility,
    }


def _steps(risk: Risk) -> tuple[Step, ...]:
    return (
        Step("F", risk.of_factors, "daily variance by factors, b' C b", "frame `factors`"),
        Step("S", risk.of_specific, "daily variance of specific moves, sum of W^2 v", "frame `lots`"),
        Step("sigma", risk.volatility, "a year, sqrt(252 (F + S))"),
    )


def _frames(risk: Risk) -> dict[str, pl.DataFrame]:
    factors = (
        (name, risk.exposure(name), risk.covariance[name, name], risk.pull(name)) for name in risk.factors
    )
    lots = []
    for one in risk.lots:
        pull = math.fsum(one.betas.get(name, 0.0) * risk.pull(name) for name in risk.factors)
        figures = _of_lot(risk, one.lot)
        parts = (figures["factor_contribution"], figures["specific_contribution"])
        lots.append((one.lot.symbol, one.lot.id, one.weight, pull, one.specific, *parts))
    return {"factors": table(FACTOR_ROWS, factors), "lots": table(LOTS, lots)}
