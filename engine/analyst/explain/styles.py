"""Style betas: a position's symbol on fund spreads, one by one, and on six style funds jointly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case, Lot
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
class Kind:
    """Spread or ridge: the job and its funds, in order."""

    funds: tuple[str, ...]
    job: AnalyticsJob


SPREAD = Kind(FUNDS, SPREAD_FACTORS)
RIDGE = Kind(tuple(STYLE_FUNDS.values()), RIDGE_FACTORS)


@dataclass(frozen=True)
class Aligned:
    """Returns of a symbol and of funds in the sessions that both frames have.

    days: [n]. y: [n]. funds: [n, M] of the funds in `names`. sample: the stocks' frame.
    """

    names: tuple[str, ...]
    days: tuple[date, ...]
    y: Floats
    funds: Floats
    sample: Sample
    reason: str = ""


def kind_of(factor: str) -> Kind:
    """How a factor's betas are made."""
    return SPREAD if factor in SPREAD_FUNDS else RIDGE


def style_beta(case: Case, ask: Ask) -> Working:
    """exposure_value of position_factor_exposures."""
    lot, kind = ask.position, kind_of(ask.factor)
    barred, found = _barred(case, lot, ask.factor), aligned(case, lot, kind)
    if barred or found.reason:
        formula = "exposure_value = slope of the returns"
        return absent(formula, barred or found.reason, sample=found.sample)
    return _working(found, lot, ask.factor)


def quality(case: Case, ask: Ask) -> Working:
    """The one flag there is."""
    beta, least = style_beta(case, ask), kind_of(ask.factor).job.minimum
    if beta.value is None:
        return absent(f"quality_flag = {QUALITY}", beta.reason, sample=beta.sample)
    note = f"a fit on fewer than {least} common returns is not made, so there is no other flag"
    return Working(f"quality_flag = {QUALITY}", QUALITY, sample=beta.sample, notes=(note,))


def beta_of(case: Case, lot: Lot, factor: str) -> float | None:
    """A lot's beta to a factor, capped and unrounded; None where there is none."""
    found = aligned(case, lot, kind_of(factor))
    if found.reason:
        return None
    if factor in SPREAD_FUNDS:
        slope = line(found.y, _spread_returns(found, factor)).slope
    else:
        solved, fund = case.once(("ridge", lot.symbol), lambda: _solve(found)), STYLE_FUNDS[factor]
        slope = solved.slope(found.names.index(fund)) if fund in found.names else None
    return None if slope is None else _capped(slope)[0]


def fund_gate(case: Case, kind: Kind) -> Reason | None:
    """Return why the funds end the job for a whole session, None if they do not."""
    funds, _, moves = _frame(case, kind.funds, kind)
    if not moves:
        return NO_ETF_DATA if kind is SPREAD else NO_FACTOR_DATA
    return NO_SPREAD_DATA if kind is SPREAD and len(funds) < len(kind.funds) else None


def aligned(case: Case, lot: Lot, kind: Kind) -> Aligned:
    """The common sessions of two frames: of the stocks that are aligned together, and of the funds."""
    together = tuple(other.symbol for other in case.lots if other.stock and other.exit_date is None)
    if case.rules.alignment == "symbol":
        together = (lot.symbol,)
    stocks, sample, moves = _frame(case, together, kind)
    funds, _, fund_moves = _frame(case, kind.funds, kind)
    names = tuple(fund for fund in kind.funds if fund in funds)
    days = tuple(day for day in moves if day in fund_moves)
    reason = _too_little(lot, kind, stocks, names, len(days))
    if reason:
        return Aligned(names, (), np.zeros(0), np.zeros(0), sample, reason)
    x = np.array([[fund_moves[day][fund] for fund in names] for day in days])
    return Aligned(names, days, np.array([moves[day][lot.symbol] for day in days]), x, sample)


def _too_little(lot: Lot, kind: Kind, stocks: Series, funds: Sequence[str], common_returns: int) -> str:
    if lot.symbol not in stocks:
        return f"no close of {lot.symbol} in {kind.job.look_back} days"
    if not funds or (kind is SPREAD and len(funds) < len(kind.funds)):
        missing = ", ".join(fund for fund in kind.funds if fund not in funds)
        return f"no close of {missing} in {kind.job.look_back} days"
    if common_returns < kind.job.minimum:
        return f"{common_returns} common returns, at least {kind.job.minimum} are needed"
    return ""


def _frame(case: Case, symbols: tuple[str, ...], kind: Kind) -> tuple[Series, Sample, Moves]:
    """The symbols that have any close in the look-back, their common sessions, and their returns."""

    def make() -> tuple[Series, Sample, Moves]:
        every = {symbol: case.series(symbol, kind.job.look_back) for symbol in dict.fromkeys(symbols)}
        priced = {symbol: closes for symbol, closes in every.items() if closes}
        sample = common(case, priced, kind.job.look_back)
        return priced, sample, _returns(priced, sample.used)

    return case.once(("frame", symbols, kind), make)


def _returns(series: Series, days: Sequence[date]) -> Moves:
    """Simple returns over consecutive days of those in which every series has a close."""
    return {
        day: {symbol: closes[day] / closes[before] - 1.0 for symbol, closes in series.items()}
        for before, day in pairwise(days)
        if series
    }


def _barred(case: Case, lot: Lot, factor: str) -> str:
    equity = case.snapshot["equity_balance"] if case.snapshot else None
    if equity is None or equity <= 0:
        return str(EQUITY_NOT_POSITIVE)
    if lot.exit_date is not None:
        return "the position is closed"
    if not lot.stock:
        kind = f"class {lot.investment_class}, type {lot.position_type}"
        return f"{kind}: only PUBLIC stocks have style betas"
    active = case.definitions.filter(name=factor, is_active=True).height > 0
    return "" if active else f"the definition of {factor} is not active"


def _working(found: Aligned, lot: Lot, factor: str) -> Working:
    return _spread(found, lot, factor) if factor in SPREAD_FUNDS else _ridge(found, lot, factor)


def _capped(slope: float) -> tuple[float, tuple[str, ...]]:
    beta = min(max(slope, -CAP), CAP)
    note = f"capped: the slope is {slope:.12g}, its size is limited to {CAP:g}"
    return beta, (note,) if beta != slope else ()


def _spread_returns(found: Aligned, factor: str) -> Floats:
    long, short = (found.names.index(fund) for fund in SPREAD_FUNDS[factor])
    return np.asarray(found.funds[:, long] - found.funds[:, short])


def _spread(found: Aligned, lot: Lot, factor: str) -> Working:
    long, short = SPREAD_FUNDS[factor]
    x = _spread_returns(found, factor)
    fitted = line(found.y, x)
    formula = "exposure_value = min(max({Sxy} / {Sxx}, -5), 5)"
    if fitted.slope is None:
        reason = f"the returns of {long} less those of {short} are constant"
        return absent(formula, reason, sample=found.sample)
    beta, notes = _capped(fitted.slope)
    steps = fitted.steps(lot.symbol, f"{long} less {short}")
    frames = {"returns": pl.DataFrame({"session": found.days, "y": found.y, "x": x})}
    used = tuple(steps[name] for name in ("n", "x_mean", "y_mean", "Sxx", "Sxy"))
    return Working(formula, beta, used, frames, found.sample, notes)


@dataclass(frozen=True)
class Solved:
    """b = (Z'Z + I)^-1 Z'(r - mean r): sigma, moment, b [M]; gram [M, M], the penalty on its diagonal."""

    sigma: Floats
    moment: Floats
    gram: Floats
    b: Floats

    def slope(self, fund: int) -> float:
        """Of the returns as they are."""
        return float(self.b[fund] / self.sigma[fund])


def _solve(found: Aligned) -> Solved:
    """Ridge on standardised returns; a constant fund is not scaled."""
    mean = found.funds.mean(axis=0)
    flat = (found.funds == found.funds[0]).all(axis=0)
    sigma = np.where(flat, 1.0, np.sqrt(((found.funds - mean) ** 2).mean(axis=0)))
    z = np.where(flat, 0.0, (found.funds - mean) / sigma)
    moment = z.T @ (found.y - found.y.mean())
    gram = z.T @ z + PENALTY * np.eye(len(found.names))
    return Solved(sigma, moment, gram, np.linalg.solve(gram, moment))


def _ridge(found: Aligned, lot: Lot, factor: str) -> Working:
    formula, fund = "exposure_value = min(max({b} / {sigma}, -5), 5)", STYLE_FUNDS[factor]
    if fund not in found.names:
        return absent(formula, f"no close of {fund} in {RIDGE.job.look_back} days", sample=found.sample)
    solved, names, at = _solve(found), found.names, found.names.index(fund)
    beta, notes = _capped(solved.slope(at))
    source = "solves (Z'Z + I) b = Z'(r - mean r): frame `system`"
    steps = (
        Step("n", len(found.days), "common returns", "frame `returns`"),
        Step("b", float(solved.b[at]), "of the standardised returns", source),
        Step("sigma", float(solved.sigma[at]), f"population deviation of {fund}", "frame `returns`"),
    )
    columns = {name: found.funds[:, i] for i, name in enumerate(names)}
    rows = {f"Z'Z + I, {name}": solved.gram[:, i] for i, name in enumerate(names)}
    system = {"fund": names, "sigma": solved.sigma, "Z'r": solved.moment, "b": solved.b, **rows}
    frames = {
        "returns": pl.DataFrame({"session": found.days, f"{lot.symbol} (r)": found.y, **columns}),
        "system": pl.DataFrame(system),
    }
    return Working(formula, beta, steps, frames, found.sample, notes)
