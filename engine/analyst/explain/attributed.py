"""Attribution of a session's P&L to factors, specific return and residual: one lot after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.books import carried, lot_income
from engine.analyst.explain.case import Case
from engine.analyst.explain.equity import roll_forward
from engine.analyst.explain.joint import joint_fit
from engine.analyst.explain.line import line
from engine.analyst.explain.lives import LotLife
from engine.analyst.explain.pairs import fit
from engine.analyst.explain.rounding import rounded
from engine.analyst.explain.working import Step, Working, absent, table
from engine.core.calendar import last_session
from engine.core.funds import FUND_FACTORS, MARKET_FUND, RATE_FUND, STYLE_FUNDS
from engine.core.job_catalog import RIDGE_FACTORS

ZERO = Decimal(0)
GRAIN = 8
NEEDED = {"factor_model": "joint", "closed_lots": "exact"}
FUNDS = {
    FUND_FACTORS[fund].lower().replace(" ", "_"): fund
    for fund in (MARKET_FUND, *STYLE_FUNDS.values(), RATE_FUND)
}
"""Fund of each factor's component."""
PARTS = (*FUNDS, "specific", "residual")
AMOUNTS = {"symbol": pl.String, "position_id": pl.String, "amount": pl.Decimal(38, GRAIN)}
LAST_DIGIT = 1.5e-8
"""USD: a part is stored with eight decimals, the last of which hangs on the order of sums."""
SHARE = 1e-12
"""Of a lot's value, by which doubles may miss a part."""


@dataclass(frozen=True)
class Parts:
    """A lot's P&L of the session in USD.

    Attributes:
        total: P&L and income, exact.
        value: V, at the newest close up to the session before; None where all is residual.
        move: V r.
        betas: By component; 0 where a factor has none.
        moves: Returns of the factors; 0 where one has none.
        reason: Why all is residual, "" if it is not.
    """

    total: Decimal
    value: Decimal | None = None
    move: Decimal = ZERO
    betas: dict[str, float] | None = None
    moves: dict[str, float] | None = None
    reason: str = ""

    def amount(self, name: str) -> Decimal:
        """Return a component, rounded to eight decimals; the residual is what the others leave."""
        if name == "residual":
            return self.total - sum((self.amount(other) for other in PARTS[:-1]), ZERO)
        if self.value is None or self.betas is None or self.moves is None:
            return ZERO
        factors = [float(self.value) * self.betas[one] * self.moves[one] for one in FUNDS]
        own = dict(zip(FUNDS, factors, strict=True)).get(name)
        return rounded(float(self.move) - math.fsum(factors) if own is None else own, GRAIN)


def _lacking(case: Case) -> str:
    lacking = [f"{name}={value}" for name, value in NEEDED.items() if case.rules.record[name] != value]
    return f"only with {', '.join(lacking)}" if lacking else ""


def eve(case: Case) -> Case:
    """Return the session before, with the same closes and lots: nothing of the session is in its betas.

    Args:
        case: Its inputs hold the look-back of the session before, too; the result is kept.
    """
    before = last_session(case.day - timedelta(days=1))
    return case.once(("eve",), lambda: replace(case, day=before))


def factor_moves(case: Case) -> dict[str, float]:
    """Return each factor's return in the session: SPY's, and what SPY leaves of another fund's."""
    return case.once(("attributed moves",), lambda: _factor_moves(case))


def _factor_moves(case: Case) -> dict[str, float]:
    before = eve(case)
    look_back = RIDGE_FACTORS.look_back
    history = {fund: before.series(fund, look_back) for fund in FUNDS.values()}
    now = {fund: case.series(fund, look_back) for fund in FUNDS.values()}
    moves: dict[str, float] = {}
    for name, fund in FUNDS.items():
        start, end = now[fund].get(before.day), now[fund].get(case.day)
        known = start is not None and end is not None
        moves[name] = end / start - 1.0 if known and start and end else math.nan
    some = {fund: closes for fund, closes in history.items() if closes}
    days = [day for day in before.sessions(look_back) if all(day in closes for closes in some.values())]
    for name, fund in list(FUNDS.items())[1:]:
        moves[name] -= _slope(history[fund], history[MARKET_FUND], days) * moves["market"]
    return {name: 0.0 if math.isnan(move) else move for name, move in moves.items()}


def _slope(closes: dict[date, float], market: dict[date, float], days: list[date]) -> float:
    """Return the slope of a fund's returns on SPY's between given sessions; NaN where there is none."""
    if not closes or not market or len(days) <= RIDGE_FACTORS.minimum:
        return math.nan
    y, x = (
        pl.Series([series[day] / series[start] - 1.0 for start, day in pairwise(days)]).to_numpy()
        for series in (closes, market)
    )
    slope = line(y, x).slope
    return math.nan if slope is None else slope


def parts(case: Case, life: LotLife) -> Parts:
    """Return the parts of a lot's P&L.

    Args:
        case: Closes and the lot's events.
        life: Of a lot of the portfolio.
    """
    return case.once(("parts", life.row["id"]), lambda: _parts(case, life))


def _parts(case: Case, life: LotLife) -> Parts:
    total = rounded(life.pnl(), GRAIN) + rounded(lot_income(case, life), GRAIN)
    symbol = life.row["symbol"]
    if case.last_snapshot is None:
        return Parts(total, reason="the portfolio's first session")
    if life.private:
        return Parts(total, reason="private: never moves")
    held = life.opening(case.day, case.booked_until) if life.entered <= case.booked_until else ZERO
    if not held:
        return Parts(total, reason="not held before the session")
    base, close = life.prices()
    if base is None or close is None:
        return Parts(total, reason="no close in the session")
    market = fit(eve(case), symbol, MARKET_FUND).beta
    if market is None:
        return Parts(total, reason=f"no market beta of {symbol} in the session before")
    joint = joint_fit(eve(case), symbol)
    betas = {"market": market} | {
        name: joint.beta(fund) or 0.0 for name, fund in FUNDS.items() if name != "market"
    }
    units = held * life.units
    return Parts(total, units * base, units * (close - base), betas, factor_moves(case))


def of_position(case: Case, ask: Ask) -> Working:
    """Return the working of a part of a lot's P&L.

    Args:
        case: Closes and the lot's events.
        ask: The position, and a component.
    """
    life = case.lives[ask.position.id]
    if missing := _lacking(case):
        return absent(ask.column, missing)
    found = parts(case, life)
    if not any(found.amount(name) for name in PARTS):
        return absent(ask.column, "no part of the lot's P&L is other than 0")
    value = found.amount(ask.column)
    total = Step("P", found.total, "USD, P&L and income of the lot", "explain pnl and income")
    notes = (f"residual altogether: {found.reason}",) if found.reason else ()
    if found.value is None or found.betas is None or found.moves is None:
        formula = f"{ask.column} = {{P}}" if ask.column == "residual" else f"{ask.column} = 0"
        return Working(formula, value, (total,) if ask.column == "residual" else (), notes=notes)
    tolerance = LAST_DIGIT * (9 if ask.column == "residual" else 1) + SHARE * float(abs(found.value))
    steps = (
        Step("V", found.value, "USD, value at the newest close up to the session before"),
        Step("M", found.move, "USD, its move to the session's close"),
    )
    if ask.column in FUNDS:
        fund = FUNDS[ask.column]
        net = "" if fund == MARKET_FUND else f", less its slope on {MARKET_FUND} x {MARKET_FUND}'s"
        more = (
            Step("b", found.betas[ask.column], "beta of the session before"),
            Step("f", found.moves[ask.column], f"return of {fund} in the session{net}"),
        )
        formula = f"{ask.column} = {{V}} * {{b}} * {{f}}"
        return Working(formula, value, (*steps[:1], *more), tolerance=tolerance)
    factors = sum((found.amount(name) for name in FUNDS), ZERO)
    if ask.column == "specific":
        step = Step("F", factors, "USD, the factors' parts")
        return Working("specific = {M} - {F}", value, (steps[1], step), tolerance=tolerance)
    step = Step("S", found.amount("specific"), "USD, the specific part")
    factor = Step("F", factors, "USD, the factors' parts")
    return Working("residual = {P} - {F} - {S}", value, (total, factor, step), tolerance=tolerance)


def of_portfolio(case: Case, ask: Ask) -> Working:
    """Return the working of a component of the portfolio's P&L, in cents.

    Args:
        case: Its lots.
        ask: component and the column amount.
    """
    name = str(ask.part("component"))
    if missing := _lacking(case):
        return absent(ask.column, missing)
    amounts = {number: _of_lots(case, number) for number in PARTS[:-1]}
    if name != "residual":
        frame = amounts[name]
        total = sum(frame["amount"], ZERO)
        step = Step("S", total, "USD, the lots' parts", "frame `lots`: sum of amount")
        return Working("amount = round({S}, 2)", total, (step,), {"lots": frame})
    pnl = rounded(roll_forward(case).T, 2)
    others = sum((rounded(sum(frame["amount"], ZERO), 2) for frame in amounts.values()), ZERO)
    steps = (
        Step("T", pnl, "USD, P&L of the session", "explain daily_pnl"),
        Step("S", others, "USD, the other components, in cents"),
    )
    return Working("amount = {T} - {S}", pnl - others, steps)


def _of_lots(case: Case, name: str) -> pl.DataFrame:
    rows = [
        (life.row["symbol"], life.row["id"], amount)
        for life in carried(case)
        if (amount := parts(case, life).amount(name))
    ]
    return table(AMOUNTS, rows)
