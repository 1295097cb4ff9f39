"""Style betas: regressions of a symbol on each fund spread, and jointly on six style funds (ridge)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl

from engine.analyst.explain import joint
from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case, PositionLot
from engine.analyst.explain.line import line
from engine.analyst.explain.pairs import common
from engine.analyst.explain.working import Sample, Step, Working, absent
from engine.analytics.factors.ridge import PENALTY
from engine.analytics.factors.spreads import FUNDS
from engine.analytics.factors.style_factors import CAP, QUALITY
from engine.core.funds import SPREAD_FUNDS, STYLE_FUNDS
from engine.core.job_catalog import (
    EQUITY_NOT_POSITIVE,
    NO_ETF_DATA,
    NO_FACTOR_DATA,
    NO_SPREAD_DATA,
    RIDGE_FACTORS,
    SPREAD_FACTORS,
    AnalyticsJob,
    Reason,
)
from engine.numerics.arrays import Floats

Series = dict[str, dict[date, float]]
Moves = dict[date, dict[str, float]]


@dataclass(frozen=True)
class StyleModel:
    """Spread or ridge regressions: the job and its funds, in order."""

    funds: tuple[str, ...]
    job: AnalyticsJob


SPREAD = StyleModel(FUNDS, SPREAD_FACTORS)
RIDGE = StyleModel(tuple(STYLE_FUNDS.values()), RIDGE_FACTORS)


@dataclass(frozen=True)
class Aligned:
    """Simple returns of a symbol and of funds on common sessions.

    Attributes:
        names: M funds with closes.
        days: n sessions.
        y: [n] returns of the symbol.
        funds: [n, M] returns of the funds.
        sample: Used and missing sessions of the stocks.
        reason: Reason why there are no returns, else "".
    """

    names: tuple[str, ...]
    days: tuple[date, ...]
    y: Floats
    funds: Floats
    sample: Sample
    reason: str = ""


def style_model(factor: str) -> StyleModel:
    """Return the regression that estimates a factor's betas."""
    return SPREAD if factor in SPREAD_FUNDS else RIDGE


def style_beta(case: Case, ask: Ask) -> Working:
    """Return the working of exposure_value of position_factor_exposures.

    Args:
        case: Closes of the stocks and funds.
        ask: Position and factor.
    """
    lot, model = ask.position, style_model(ask.factor)
    exclusion = _exclusion(case, lot, ask.factor)
    if is_joint(case, ask.factor) and not exclusion:
        return joint.working(case, lot.symbol, ask.factor, "exposure_value")
    data = aligned(case, lot, model)
    if exclusion or data.reason:
        formula = "exposure_value = slope of the returns"
        return absent(formula, exclusion or data.reason, sample=data.sample)
    return _working(data, lot, ask.factor)


def is_joint(case: Case, factor: str) -> bool:
    """Return whether a factor's betas come from the joint model.

    Args:
        case: The rule.
        factor: Name of a spread or ridge factor.
    """
    return case.rules.factor_model == "joint" and factor in STYLE_FUNDS


def quality(case: Case, ask: Ask) -> Working:
    """Return the working of quality_flag, which has one value.

    Args:
        case: Closes of the stocks and funds.
        ask: Position and factor.
    """
    beta, least = style_beta(case, ask), style_model(ask.factor).job.minimum
    if beta.value is None:
        return absent(f"quality_flag = {QUALITY}", beta.reason, sample=beta.sample)
    note = f"fewer than {least} common returns give no row, so there is no other flag"
    return Working(f"quality_flag = {QUALITY}", QUALITY, sample=beta.sample, notes=(note,))


def beta_of(case: Case, lot: PositionLot, factor: str) -> float | None:
    """Return a lot's beta to a factor, limited to [-5, 5] and not rounded; None if it has none.

    Args:
        case: Closes of the stocks and funds.
        lot: Of the portfolio.
        factor: Name of a spread or ridge factor.
    """
    if is_joint(case, factor):
        return joint.joint_fit(case, lot.symbol).beta(STYLE_FUNDS[factor])
    data = aligned(case, lot, style_model(factor))
    if data.reason:
        return None
    if factor in SPREAD_FUNDS:
        slope = line(data.y, _spread_returns(data, factor)).slope
    else:
        solved, fund = case.once(("ridge", lot.symbol), lambda: _solve(data)), STYLE_FUNDS[factor]
        slope = solved.slope(data.names.index(fund)) if fund in data.names else None
    return None if slope is None else _capped(slope)[0]


def fund_reason(case: Case, model: StyleModel) -> Reason | None:
    """Return why the funds allow no figures in the session, None if they do.

    Args:
        case: Closes of the funds.
        model: The spread or the ridge regression.
    """
    funds, _, moves = _frame(case, model.funds, model)
    if not moves:
        return NO_ETF_DATA if model is SPREAD else NO_FACTOR_DATA
    return NO_SPREAD_DATA if model is SPREAD and len(funds) < len(model.funds) else None


def aligned(case: Case, lot: PositionLot, model: StyleModel) -> Aligned:
    """Return returns of a lot's symbol and of the funds on their common sessions.

    Returns are computed in two frames, stocks and funds, and joined by session. Legacy rules align all
    stocks of the portfolio together, so that one stock's gap removes a session for all.

    Args:
        case: Closes of the stocks and funds.
        lot: Whose symbol is regressed.
        model: The spread or the ridge regression.
    """
    if case.rules.alignment == "common":
        return _on_common_days(case, lot, model)
    together = tuple(other.symbol for other in case.lots if other.stock and other.exit_date is None)
    if case.rules.alignment == "symbol":
        together = (lot.symbol,)
    stocks, sample, moves = _frame(case, together, model)
    funds, _, fund_moves = _frame(case, model.funds, model)
    names = tuple(fund for fund in model.funds if fund in funds)
    days = tuple(day for day in moves if day in fund_moves)
    reason = _shortage(lot, model, stocks, names, len(days)) or case.stale(lot.symbol, *names)
    if reason:
        return Aligned(names, (), np.zeros(0), np.zeros(0), sample, reason)
    x = np.array([[fund_moves[day][fund] for fund in names] for day in days])
    return Aligned(names, days, np.array([moves[day][lot.symbol] for day in days]), x, sample)


def _on_common_days(case: Case, lot: PositionLot, model: StyleModel) -> Aligned:
    """Return returns between the sessions on which the symbol and the priced funds have a close."""
    look_back = model.job.look_back
    own = case.series(lot.symbol, look_back)
    series = {fund: case.series(fund, look_back) for fund in model.funds}
    names = tuple(fund for fund, closes in series.items() if closes)
    priced = {lot.symbol: own} if own else {}
    sample = common(case, {**priced, **{fund: series[fund] for fund in names}}, look_back)
    days = sample.used[1:]
    reason = _shortage(lot, model, priced, names, len(days)) or case.stale(lot.symbol, *names)
    if reason:
        return Aligned(names, (), np.zeros(0), np.zeros(0), sample, reason)
    moves = [
        [closes[day] / closes[before] - 1.0 for closes in (own, *(series[fund] for fund in names))]
        for before, day in pairwise(sample.used)
    ]
    returns = np.array(moves)
    return Aligned(names, days, returns[:, 0], returns[:, 1:], sample)


def _shortage(
    lot: PositionLot, model: StyleModel, stocks: Series, funds: Sequence[str], common_returns: int
) -> str:
    if lot.symbol not in stocks:
        return f"no close of {lot.symbol} in {model.job.look_back} days"
    if not funds or (model is SPREAD and len(funds) < len(model.funds)):
        missing = ", ".join(fund for fund in model.funds if fund not in funds)
        return f"no close of {missing} in {model.job.look_back} days"
    if common_returns < model.job.minimum:
        return f"{common_returns} common returns, at least {model.job.minimum} are needed"
    return ""


def _frame(case: Case, symbols: tuple[str, ...], model: StyleModel) -> tuple[Series, Sample, Moves]:
    """Return closes of the priced symbols, their common sessions, and their returns by session."""

    def make() -> tuple[Series, Sample, Moves]:
        every = {symbol: case.series(symbol, model.job.look_back) for symbol in dict.fromkeys(symbols)}
        priced = {symbol: closes for symbol, closes in every.items() if closes}
        sample = common(case, priced, model.job.look_back)
        return priced, sample, _returns(priced, sample.used)

    return case.once(("frame", symbols, model), make)


def _returns(series: Series, days: Sequence[date]) -> Moves:
    """Return simple returns by day between consecutive days of `days`."""
    return {
        day: {symbol: closes[day] / closes[before] - 1.0 for symbol, closes in series.items()}
        for before, day in pairwise(days)
        if series
    }


def _exclusion(case: Case, lot: PositionLot, factor: str) -> str:
    equity = case.snapshot["equity_balance"] if case.snapshot else None
    if equity is None or equity <= 0:
        return str(EQUITY_NOT_POSITIVE)
    if lot.exit_date is not None:
        return "the position is closed"
    if not lot.stock:
        lot_type = f"class {lot.investment_class}, type {lot.position_type}"
        return f"{lot_type}: only PUBLIC stocks have style betas"
    if not case.valued(lot):
        return "an option without Greeks has no value"
    active = case.definitions.filter(name=factor, is_active=True).height > 0
    return "" if active else f"the definition of {factor} is not active"


def _working(data: Aligned, lot: PositionLot, factor: str) -> Working:
    return _spread(data, lot, factor) if factor in SPREAD_FUNDS else _ridge(data, lot, factor)


def _capped(slope: float) -> tuple[float, tuple[str, ...]]:
    beta = min(max(slope, -CAP), CAP)
    note = f"capped: the slope is {slope:.12g}, limited to +-{CAP:g}"
    return beta, (note,) if beta != slope else ()


def _spread_returns(data: Aligned, factor: str) -> Floats:
    long, short = (data.names.index(fund) for fund in SPREAD_FUNDS[factor])
    return np.asarray(data.funds[:, long] - data.funds[:, short])


def _spread(data: Aligned, lot: PositionLot, factor: str) -> Working:
    long, short = SPREAD_FUNDS[factor]
    x = _spread_returns(data, factor)
    fitted = line(data.y, x)
    formula = "exposure_value = min(max({Sxy} / {Sxx}, -5), 5)"
    if fitted.slope is None:
        reason = f"the returns of {long} less those of {short} are constant"
        return absent(formula, reason, sample=data.sample)
    beta, notes = _capped(fitted.slope)
    steps = fitted.steps(lot.symbol, f"{long} less {short}")
    frames = {"returns": pl.DataFrame({"session": data.days, "y": data.y, "x": x})}
    used = tuple(steps[name] for name in ("n", "x_mean", "y_mean", "Sxx", "Sxy"))
    return Working(formula, beta, used, frames, data.sample, notes)


@dataclass(frozen=True)
class Solved:
    """Ridge solution b = (Z'Z + I)^-1 Z'(r - mean r).

    Attributes:
        sigma: [M] population deviations of the funds' returns.
        moment: [M] Z'(r - mean r).
        gram: [M, M] Z'Z + I, with the penalty on its diagonal.
        b: [M] coefficients of the standardised returns.
    """

    sigma: Floats
    moment: Floats
    gram: Floats
    b: Floats

    def slope(self, fund: int) -> float:
        """Return the slope on a fund's unscaled returns; `fund` is its index."""
        return float(self.b[fund] / self.sigma[fund])


def _solve(data: Aligned) -> Solved:
    """Solve the ridge regression on standardised returns; a constant fund is not scaled."""
    mean = data.funds.mean(axis=0)
    flat = (data.funds == data.funds[0]).all(axis=0)
    sigma = np.where(flat, 1.0, np.sqrt(((data.funds - mean) ** 2).mean(axis=0)))
    z = np.where(flat, 0.0, (data.funds - mean) / sigma)
    moment = z.T @ (data.y - data.y.mean())
    gram = z.T @ z + PENALTY * np.eye(len(data.names))
    return Solved(sigma, moment, gram, np.linalg.solve(gram, moment))


def _ridge(data: Aligned, lot: PositionLot, factor: str) -> Working:
    formula, fund = "exposure_value = min(max({b} / {sigma}, -5), 5)", STYLE_FUNDS[factor]
    if fund not in data.names:
        return absent(formula, f"no close of {fund} in {RIDGE.job.look_back} days", sample=data.sample)
    solved, names, at = _solve(data), data.names, data.names.index(fund)
    beta, notes = _capped(solved.slope(at))
    source = "solves (Z'Z + I) b = Z'(r - mean r): frame `system`"
    steps = (
        Step("n", len(data.days), "common returns", "frame `returns`"),
        Step("b", float(solved.b[at]), "of the standardised returns", source),
        Step("sigma", float(solved.sigma[at]), f"population deviation of {fund}", "frame `returns`"),
    )
    columns = {name: data.funds[:, i] for i, name in enumerate(names)}
    rows = {f"Z'Z + I, {name}": solved.gram[:, i] for i, name in enumerate(names)}
    system = {"fund": names, "sigma": solved.sigma, "Z'r": solved.moment, "b": solved.b, **rows}
    frames = {
        "returns": pl.DataFrame({"session": data.days, f"{lot.symbol} (r)": data.y, **columns}),
        "system": pl.DataFrame(system),
    }
    return Working(formula, beta, steps, frames, data.sample, notes)
