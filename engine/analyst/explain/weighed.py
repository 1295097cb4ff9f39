"""The lots that count in a portfolio's beta: their values, their betas, and why there are none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial

import polars as pl

from engine.analyst.explain.case import Case, Lot
from engine.analyst.explain.pairs import Fit, fit
from engine.analyst.explain.styles import SPREAD, Kind, beta_of, fund_gate, kind_of
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
class Weighed:
    """A lot that counts: its value in USD, its beta, and where that comes from."""

    lot: Lot
    value: float
    beta: float
    source: str
    r_squared: float | None = None
    n: int | None = None


@dataclass(frozen=True)
class Counted:
    """The lots that count, of as many as the job looks at; a reason where there is no figure."""

    lots: tuple[Weighed, ...] = ()
    of: int = 0
    reason: Reason | str = ""

    def frame(self) -> pl.DataFrame:
        """The lots as a frame; columns that none fills are left out."""
        rows = table(
            LOTS, ((w.lot.symbol, w.lot.id, w.value, w.beta, w.r_squared, w.n, w.source) for w in self.lots)
        )
        return rows.drop(name for name in ("r_squared", "n") if rows[name].null_count() == rows.height)


def counted(case: Case, factor: str) -> Counted:
    """The lots that count in the portfolio's beta to a factor."""
    by_name: dict[str, Callable[[Case], Counted]] = {
        MARKET: market,
        FORMER_MARKET: market,
        PROVIDER: provider,
        RATE: rate,
    }
    count = by_name.get(factor, partial(style, factor=factor))
    return case.once(("counted", factor), lambda: count(case))


def poor(case: Case) -> bool:
    """Whether the session's equity cannot be divided by."""
    equity = case.snapshot["equity_balance"] if case.snapshot else None
    return equity is None or equity <= 0


def _judged(
    case: Case, looked_at: list[Lot], no_lots: Reason, found: Iterable[Weighed], no_betas: Reason
) -> Counted:
    """Return the lots that count, or the first reason that holds."""
    if poor(case):
        return Counted(of=len(looked_at), reason=EQUITY_NOT_POSITIVE)
    if not looked_at:
        return Counted(reason=no_lots)
    lots = tuple(found)
    return Counted(lots, len(looked_at), "" if lots else no_betas)


def market(case: Case) -> Counted:
    """Every open lot with a beta to SPY, by its stored value."""
    lots = [lot for lot in case.lots if lot.live]
    found = (
        Weighed(lot, float(case.worth(lot)), beta, _span(fitted, lot, MARKET_FUND), line.r_squared, line.n)
        for lot, fitted, beta in _fitted(case, lots, MARKET_FUND)
        for line in [fitted.line]
        if line is not None
    )
    return _judged(case, lots, MARKET_NO_ACTIVE_POSITIONS, found, MARKET_NO_BETAS)


def rate(case: Case) -> Counted:
    """Open PUBLIC lots with a beta to TLT, by their recomputed value without its sign."""
    lots = [lot for lot in case.lots if lot.live and lot.public]
    signed = case.rules.rate_weights == "signed"
    found = (
        Weighed(lot, value if signed else abs(value), beta, _span(fitted, lot, RATE_FUND))
        for lot, fitted, beta in _fitted(case, lots, RATE_FUND)
        for value in [float(case.recomputed(lot))]
    )
    return _judged(case, lots, RATE_NO_PUBLIC_POSITIONS, found, RATE_NO_BETAS)


def _fitted(case: Case, lots: list[Lot], fund: str) -> Iterable[tuple[Lot, Fit, float]]:
    for lot in lots:
        found = fit(case, lot.symbol, fund)
        if found.beta is not None:
            yield lot, found, found.beta


def _span(fitted: Fit, lot: Lot, fund: str) -> str:
    return f"{len(fitted.sample.used)} sessions of {lot.symbol} and {fund}"


def style(case: Case, factor: str) -> Counted:
    """Open PUBLIC stocks with a beta to a style factor, deleted ones too."""
    if factor not in (*SPREAD_FUNDS, *STYLE_FUNDS):
        return Counted(reason="no calculation has such a factor")
    if not case.definitions.filter(name=factor, is_active=True).height:
        return Counted(reason=f"the definition of {factor} is not active")
    return style_job(case, kind_of(factor), (factor,))


def style_job(case: Case, kind: Kind, factors: tuple[str, ...] = ()) -> Counted:
    """Lots with a beta to any of these factors; by default to any of the kind's."""
    wanted = factors or tuple(SPREAD_FUNDS if kind is SPREAD else STYLE_FUNDS)
    lots = [lot for lot in case.lots if lot.exit_date is None and lot.stock]
    gate = fund_gate(case, kind)
    if lots and gate and not poor(case):
        return Counted(of=len(lots), reason=gate)
    source = f"{kind.job.look_back} days of"
    betas = ((lot, next(_betas(case, lot, wanted), None)) for lot in lots)
    found = (
        Weighed(lot, float(case.worth(lot)), beta, f"{source} {lot.symbol}")
        for lot, beta in betas
        if beta is not None
    )
    no_betas = SPREAD_NO_POSITION_BETAS if kind is SPREAD else RIDGE_NO_POSITION_BETAS
    return _judged(case, lots, NO_PUBLIC_POSITIONS, found, no_betas)


def _betas(case: Case, lot: Lot, factors: tuple[str, ...]) -> Iterator[float]:
    """A lot's betas to those of the factors that it has one to."""
    found = (beta_of(case, lot, factor) for factor in factors)
    return (beta for beta in found if beta is not None)


def provider(case: Case) -> Counted:
    """Open PUBLIC stocks with a provider's beta, or else a stored market beta, by their stored value."""
    found = provided(case, case.day, after=True)
    return Counted(of=found.of, reason=EQUITY_NOT_POSITIVE) if poor(case) else found


def provided(case: Case, last: date, after: bool) -> Counted:
    """The same, with market betas up to a day, and values as the session leaves or finds them."""
    lots = [lot for lot in case.lots if lot.live and lot.stock]
    profiles = dict(case.inputs.profiles.select("symbol", "beta").iter_rows())
    rows = case.stored["position_market_betas"].filter(pl.col("calc_date") <= last).sort("calc_date")
    newest = {row["position_id"]: row for row in rows.iter_rows(named=True)}
    found = []
    for lot in lots:
        value = (case.mark(lot) if after else case.found(lot)).value
        beta, source = profiles.get(lot.symbol), "company_profiles: beta"
        if not beta and lot.id in newest:
            own = newest[lot.id]
            beta, source = own["beta"], f"position_market_betas, {own['calc_date']}: beta"
        if beta and value:
            found.append(Weighed(lot, float(value), float(beta), source))
    reason = PROVIDER_NO_BETAS if lots else NO_PUBLIC_POSITIONS
    return Counted(tuple(found), len(lots), "" if found else reason)
