"""Lots that count in a portfolio's beta: their values and betas, or the reason for none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial

import polars as pl

from engine.analyst.explain.case import Case, PositionLot
from engine.analyst.explain.joint import joint_fit
from engine.analyst.explain.pairs import Fit, fit
from engine.analyst.explain.styles import SPREAD, StyleModel, beta_of, fund_reason, style_model
from engine.analyst.explain.working import table
from engine.analytics.betas.market import FACTOR as MARKET
from engine.analytics.betas.provider import FACTOR as PROVIDER
from engine.analytics.betas.rate import FACTOR as RATE
from engine.analytics.factors.definitions import FORMER_MARKET
from engine.core.funds import MARKET_FUND, RATE_FUND, SPREAD_FUNDS, STYLE_FUNDS
from engine.core.job_catalog import (
    EQUITY_NOT_POSITIVE,
    MARKET_NO_ACTIVE_POSITIONS,
    MARKET_NO_BETAS,
    NO_PUBLIC_POSITIONS,
    PROVIDER_NO_BETAS,
    RATE_NO_BETAS,
    RATE_NO_PUBLIC_POSITIONS,
    RIDGE_NO_POSITION_BETAS,
    SPREAD_NO_POSITION_BETAS,
    Reason,
)

LOTS = {
    "symbol": pl.String,
    "position_id": pl.String,
    "value": pl.Float64,
    "beta": pl.Float64,
    "r_squared": pl.Float64,
    "n": pl.Int64,
    "source": pl.String,
}


@dataclass(frozen=True)
class WeightedLot:
    """A lot with its value in USD, its beta, and the source of the beta."""

    lot: PositionLot
    value: float
    beta: float
    source: str
    r_squared: float | None = None
    n: int | None = None


@dataclass(frozen=True)
class Counted:
    """Lots that count, out of `of` candidates; `reason` is set if there is no figure."""

    lots: tuple[WeightedLot, ...] = ()
    of: int = 0
    reason: Reason | str = ""

    def frame(self) -> pl.DataFrame:
        """Return the lots as a frame, without columns that are null for all."""
        rows = table(
            LOTS, ((w.lot.symbol, w.lot.id, w.value, w.beta, w.r_squared, w.n, w.source) for w in self.lots)
        )
        return rows.drop(name for name in ("r_squared", "n") if rows[name].null_count() == rows.height)


def counted(case: Case, factor: str) -> Counted:
    """Return the lots that count in the portfolio's beta to a factor.

    Args:
        case: Lots and their betas; the result is kept.
        factor: Name of any factor; one that no calculation has gets a reason.
    """
    by_name: dict[str, Callable[[Case], Counted]] = {
        MARKET: market,
        FORMER_MARKET: former_market,
        PROVIDER: provider,
        RATE: rate,
    }
    count = by_name.get(factor, partial(style, factor=factor))
    return case.once(("counted", factor), lambda: count(case))


def poor(case: Case) -> bool:
    """Return whether the session's stored equity is missing or not above 0."""
    equity = case.snapshot["equity_balance"] if case.snapshot else None
    return equity is None or equity <= 0


def _judged(
    case: Case,
    candidates: list[PositionLot],
    no_lots: Reason,
    weighted: Iterable[WeightedLot],
    no_betas: Reason,
) -> Counted:
    """Return the lots that count, or the first reason that applies."""
    if poor(case):
        return Counted(of=len(candidates), reason=EQUITY_NOT_POSITIVE)
    if not candidates:
        return Counted(reason=no_lots)
    lots = tuple(weighted)
    return Counted(lots, len(candidates), "" if lots else no_betas)


def market(case: Case) -> Counted:
    """Return every open lot with a beta to SPY, with its stored value."""
    lots = [lot for lot in case.lots if lot.live]
    weighted = (
        WeightedLot(
            lot, float(case.worth(lot)), beta, _span(fitted, lot, MARKET_FUND), line.r_squared, line.n
        )
        for lot, fitted, beta in _fitted(case, lots, MARKET_FUND)
        for line in [fitted.line]
        if line is not None and case.valued(lot)
    )
    return _judged(case, lots, MARKET_NO_ACTIVE_POSITIONS, weighted, MARKET_NO_BETAS)


def former_market(case: Case) -> Counted:
    """Return the same for the market factor's former name, which counts where it alone is defined."""
    return Counted(reason=f"its name is {MARKET} now") if MARKET in case.factors else market(case)


def rate(case: Case) -> Counted:
    """Return open PUBLIC lots with a beta to TLT; legacy rules use the absolute recomputed value."""
    lots = [lot for lot in case.lots if lot.live and lot.public]
    signed = case.rules.rate_weights == "signed"
    weighted = (
        WeightedLot(lot, value if signed else abs(value), beta, source)
        for lot, beta, source in _rate_betas(case, lots)
        if case.valued(lot)
        for value in [float(case.recomputed(lot))]
    )
    return _judged(case, lots, RATE_NO_PUBLIC_POSITIONS, weighted, RATE_NO_BETAS)


def _rate_betas(case: Case, lots: list[PositionLot]) -> Iterator[tuple[PositionLot, float, str]]:
    """Return the lots with a beta to rates, and the source of each."""
    if case.rules.factor_model == "joint":
        for lot in lots:
            fitted = joint_fit(case, lot.symbol)
            beta = fitted.beta(RATE_FUND)
            if beta is not None:
                yield lot, beta, f"{len(fitted.days)} returns of {lot.symbol} and the factor funds"
        return
    for lot, line, beta in _fitted(case, lots, RATE_FUND):
        yield lot, beta, _span(line, lot, RATE_FUND)


def _fitted(case: Case, lots: list[PositionLot], fund: str) -> Iterable[tuple[PositionLot, Fit, float]]:
    for lot in lots:
        fitted = fit(case, lot.symbol, fund)
        if fitted.beta is not None:
            yield lot, fitted, fitted.beta


def _span(fitted: Fit, lot: PositionLot, fund: str) -> str:
    return f"{len(fitted.sample.used)} sessions of {lot.symbol} and {fund}"


def style(case: Case, factor: str) -> Counted:
    """Return open PUBLIC stocks with a beta to a style factor, deleted ones included.

    Args:
        case: Lots and their betas.
        factor: Name of a spread or ridge factor.
    """
    if factor not in (*SPREAD_FUNDS, *STYLE_FUNDS):
        return Counted(reason="no calculation has this factor")
    if not case.definitions.filter(name=factor, is_active=True).height:
        return Counted(reason=f"the definition of {factor} is not active")
    return style_job(case, style_model(factor), (factor,))


def style_job(case: Case, model: StyleModel, factors: tuple[str, ...] = ()) -> Counted:
    """Return the lots with a beta to any of some factors.

    Args:
        case: Lots and their betas.
        model: The spread or the ridge regression.
        factors: Names; default all of the model.
    """
    wanted = factors or tuple(SPREAD_FUNDS if model is SPREAD else STYLE_FUNDS)
    lots = [lot for lot in case.lots if lot.exit_date is None and lot.stock]
    gate = fund_reason(case, model)
    if lots and gate and not poor(case):
        return Counted(of=len(lots), reason=gate)
    source = f"{model.job.look_back} days of"
    betas = ((lot, next(_betas(case, lot, wanted), None)) for lot in lots)
    weighted = (
        WeightedLot(lot, float(case.worth(lot)), beta, f"{source} {lot.symbol}")
        for lot, beta in betas
        if beta is not None and case.valued(lot)
    )
    no_betas = SPREAD_NO_POSITION_BETAS if model is SPREAD else RIDGE_NO_POSITION_BETAS
    return _judged(case, lots, NO_PUBLIC_POSITIONS, weighted, no_betas)


def _betas(case: Case, lot: PositionLot, factors: tuple[str, ...]) -> Iterator[float]:
    """Return a lot's betas to the given factors; factors without a beta are left out."""
    weighted = (beta_of(case, lot, factor) for factor in factors)
    return (beta for beta in weighted if beta is not None)


def provider(case: Case) -> Counted:
    """Return open PUBLIC stocks with a provider beta, else a stored market beta, with stored values."""
    counted_lots = provided(case.as_held, case.day, after=True)
    return Counted(of=counted_lots.of, reason=EQUITY_NOT_POSITIVE) if poor(case) else counted_lots


def provided(case: Case, last: date, after: bool) -> Counted:
    """Return the lots of the provider beta as of a day.

    Args:
        case: Portfolio and session.
        last: Newest day of the stored market betas to use.
        after: Use values after the session, else before it.

    Returns:
        Lots with a beta and a value other than 0, or the reason for none.
    """
    lots = [lot for lot in case.lots if lot.live and lot.stock]
    profiles = dict(case.inputs.profiles.select("symbol", "beta").iter_rows())
    rows = case.stored["position_market_betas"].filter(pl.col("calc_date") <= last).sort("calc_date")
    newest = {row["position_id"]: row for row in rows.iter_rows(named=True)}
    counted_lots = []
    for lot in lots:
        value = (case.mark(lot) if after else case.opening_mark(lot)).value
        beta, source = profiles.get(lot.symbol), "company_profiles: beta"
        if not beta and lot.id in newest:
            own = newest[lot.id]
            beta, source = own["beta"], f"position_market_betas, {own['calc_date']}: beta"
        if beta and value:
            counted_lots.append(WeightedLot(lot, float(value), float(beta), source))
    reason = PROVIDER_NO_BETAS if lots else NO_PUBLIC_POSITIONS
    return Counted(tuple(counted_lots), len(lots), "" if counted_lots else reason)
