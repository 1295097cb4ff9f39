"""P&L and equity: the roll-forward from the previous snapshot to the session's snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import polars as pl

from engine.analyst.explain import books
from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case, PositionLot
from engine.analyst.explain.rounding import WIDE
from engine.analyst.explain.session_quotes import session_quote
from engine.analyst.explain.working import Step, Working, absent, table
from engine.core.job_catalog import PNL

ZERO = Decimal(0)
TOTALS = {"cumulative_pnl": "T", "cumulative_realized_pnl": "R", "cumulative_capital_flow": "F"}
"""Sum that each running total accumulates."""
FRAMES = {"U": "moves", "R": "realized", "F": "flows"}
"""Frame that each sum runs over."""
MOVES = {
    "symbol": pl.String,
    "quantity": pl.Decimal(38, 4),
    "units": pl.Int64,
    "previous_close": pl.Decimal(38, 4),
    "of": pl.Date,
    "close": pl.Decimal(38, 4),
    "gain": pl.Decimal(38, 8),
    "why_not": pl.String,
}
FIRST = "a portfolio's first session has no market moves"
NONE_HELD = "no position is open that session"


@dataclass(frozen=True)
class RollForward:
    """RollForward-forward of a session in USD, not rounded.

    Attributes:
        U: Market moves.
        R: Realized gains.
        F: Capital paid in less capital paid out.
        E0: Previous equity.
        origin: Source of E0.
        frames: Rows behind U, R and F.
        replaced: Whether R is a part of U, so that it is not added.
        previous: Previous equity as stored, in cents.
    """

    U: Decimal
    R: Decimal
    F: Decimal
    E0: Decimal
    origin: str
    frames: dict[str, pl.DataFrame]
    replaced: bool
    previous: Decimal

    @property
    def _sum(self) -> str:
        return "U" if self.replaced else f"U + R = {self.U} + {self.R}"

    @property
    def T(self) -> Decimal:
        """P&L of the session."""
        return self.U if self.replaced else self.U + self.R

    @property
    def equity(self) -> Decimal:
        """Equity after the session: E0 + T + F."""
        return self.E0 + self.T + self.F

    def steps(self, names: str) -> tuple[Step, ...]:
        """Return the steps of these letters; the letter 0 is E0."""
        steps = {
            "U": Step("U", self.U, "USD, market moves of the lots held", "frame `moves`: sum of gain"),
            "R": Step("R", self.R, "USD, realized gains", "frame `realized`: sum of amount"),
            "F": Step("F", self.F, "USD, capital paid in less paid out", "frame `flows`: sum of amount"),
            "T": Step(
                "T",
                self.T,
                "USD, the session's P&L",
                "U" if self.replaced else f"U + R = {self.U} + {self.R}",
            ),
            "0": Step("E0", self.E0, "USD, previous equity, as stored", self.origin),
            "p": Step("E", self.previous, "USD, previous equity, as stored", self.origin),
        }
        return tuple(steps[name] for name in names)


def roll_forward(case: Case) -> RollForward:
    """Return the roll-forward of the session, computed once."""
    return case.once(("roll",), lambda: _roll(case))


def _roll(case: Case) -> RollForward:
    moves = books.lot_gains(case) if case.by_lot else lot_moves(case)
    frames = {"moves": moves, "realized": books.realized(case), "flows": _flows(case)}
    previous, origin = _previous_equity(case)
    start = previous
    if case.by_lot:
        start, source = books.unrounded(case, "equity", previous)
        origin = source or origin
    moved = sum(frames["moves"]["gain"], ZERO)
    realized, flow = (sum(frames[name]["amount"], ZERO) for name in ("realized", "flows"))
    replaced = case.rules.realized_gains == "replace"
    return RollForward(moved, realized, flow, start, origin, frames, replaced, previous)


def pnl(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of the roll-forward: T = U + R, E = E0 + T + F.

    Args:
        case: Its lots, realized events, flows and the previous snapshot.
        ask: A P&L, return or equity column of the snapshot.
    """
    forward, column = roll_forward(case), ask.column
    match column:
        case "daily_pnl":
            names, formula = ("U", "{U}") if forward.replaced else ("UR", "{U} + {R}")
            return _working(case, f"daily_pnl = {formula}", forward.T, names)
        case "daily_realized_pnl":
            return _working(case, "daily_realized_pnl = {R}", forward.R, "R")
        case "daily_capital_flow":
            return _working(case, "daily_capital_flow = {F}", forward.F, "F")
        case "daily_return" if forward.previous > 0:
            value = WIDE.divide(forward.T, forward.previous)
            return _working(case, "daily_return = {T} / {E}", value, "URTp")
        case "daily_return":
            note = "previous equity is not above 0"
            return _working(case, "daily_return = 0", ZERO, "URT0", notes=(note,))
        case "total_value" if not has_positions(case):
            return Working("total_value = 0", ZERO, notes=(NONE_HELD,))
        case "total_value" | "equity_balance":
            return _working(case, f"{column} = {{E0}} + {{T}} + {{F}}", forward.equity, "URT0F")
        case _:
            return _running_total(case, column)


def unrounded(column: str) -> Callable[[Case, Ask], Working]:
    """Return the function that explains a figure of engine_portfolio_pnl.

    Args:
        column: The figure of the snapshot that is the same, rounded.
    """

    def explain(case: Case, ask: Ask) -> Working:
        if not case.by_lot:
            return absent(ask.column, books.ONLY_BY_LOT)
        return pnl(case, replace(ask, column=column))

    return explain


def _running_total(case: Case, column: str) -> Working:
    name, before = TOTALS[column], case.previous
    start: Decimal = (before[column] if before else None) or ZERO
    source = f"portfolio_snapshots, {before['snapshot_date']}: {column}" if before else "no earlier snapshot"
    if case.by_lot and name == "T":
        start, exact = books.unrounded(case, column, start)
        source = exact or source
    step = Step("before", start, "USD, the total so far, as stored", source)
    value = start + getattr(roll_forward(case), name)
    names = "URT" if name == "T" else name
    return _working(case, f"{column} = {{before}} + {{{name}}}", value, names, more=(step,))


def _working(
    case: Case,
    formula: str,
    value: Decimal,
    names: str,
    more: tuple[Step, ...] = (),
    notes: tuple[str, ...] = (),
) -> Working:
    forward = roll_forward(case)
    frames = {FRAMES[name]: forward.frames[FRAMES[name]] for name in names if name in FRAMES}
    first = (FIRST,) if case.previous is None and "U" in names else ()
    return Working(formula, value, (*forward.steps(names), *more), frames, notes=(*notes, *first))


def has_positions(case: Case) -> bool:
    """Return whether any position counts in the session's snapshot."""
    return any(in_snapshot(case, lot) for lot in case.lots)


def in_snapshot(case: Case, lot: PositionLot) -> bool:
    """Return whether a position is entered, not closed and not deleted in the session.

    Args:
        case: Its session counts.
        lot: Of the portfolio.
    """
    if case.by_session:
        return bool(lot.quantity)
    closed = lot.exit_date is not None and lot.exit_date <= case.day
    return lot.entry_date <= case.day and not closed and not lot.deleted


def _previous_equity(case: Case) -> tuple[Decimal, str]:
    before = case.previous
    if before is not None and before["equity_balance"]:
        return before["equity_balance"], f"portfolio_snapshots, {before['snapshot_date']}: equity_balance"
    ledger = case.inputs.first_equity.filter(portfolio_id=case.portfolio)
    if ledger.height:
        return ledger["equity_balance"][0], "engine_portfolio_openings: equity_balance"
    own = case.inputs.portfolios.filter(id=case.portfolio)["equity_balance"][0] or ZERO
    if case.own_inputs or case.previous is not None:
        return own, "portfolios: equity_balance, as it was before the run"
    oldest = case.snapshots[0]
    value = oldest["equity_balance"] - (oldest["daily_pnl"] or 0) - (oldest["daily_capital_flow"] or 0)
    source = (
        f"portfolio_snapshots, {oldest['snapshot_date']}: equity_balance - daily_pnl - daily_capital_flow"
    )
    return value, f"{source}, because engine_portfolio_openings has no row"


def lot_moves(case: Case) -> pl.DataFrame:
    """Return the gain of each lot from its price move, or the reason why it has none."""
    return table(MOVES, (_move(case, lot) for lot in earning_lots(case)))


def earning_lots(case: Case) -> list[PositionLot]:
    """Return the lots of the session's P&L."""
    return [lot for lot in case.table_lots if _earns(case, lot)]


def _earns(case: Case, lot: PositionLot) -> bool:
    stopped = lot.exit_date is not None and lot.exit_date <= case.day and case.rules.closed_lots == "stop"
    expired = case.rules.expiry == "settled" and case.lives[lot.id].life(case.day) == "expired"
    return lot.entry_date <= case.day and not lot.deleted and not stopped and not expired


def _move(case: Case, lot: PositionLot) -> tuple[object, ...]:
    quote = session_quote(case, lot.symbol)
    close, before = quote.close, quote.base
    reason, gain = "", ZERO
    if lot.private:
        reason = "private: never moves"
    elif close is None:
        reason = f"no close on {case.day}"
    elif case.previous is None:
        reason = "the portfolio's first session"
    elif before is None:
        recent = f" in the {PNL.look_back} days" if case.rules.price_gaps == "ten_days" else ""
        reason = f"no close{recent} before"
    else:
        gain = (close - before) * lot.quantity * lot.units
    of = quote.base_day if before is not None else None
    return (lot.symbol, lot.quantity, lot.units, before, of, close, gain, reason)


def _flows(case: Case) -> pl.DataFrame:
    rows = case.inputs.equity_changes.filter(portfolio_id=case.portfolio)
    paid = pl.when(pl.col("change_type") == "CONTRIBUTION").then("amount").otherwise(-pl.col("amount"))
    return _booked(case, rows.select("id", "change_type", day="change_date", amount=paid))


def _booked(case: Case, rows: pl.DataFrame) -> pl.DataFrame:
    """Keep the cash of the session and of skipped ones before it, or of all days since the last."""
    due = (pl.col("day") > case.booked_until) & (pl.col("day") <= case.day)
    days = rows.filter(due).sort("day", "id")
    if case.rules.off_session_cash == "next_session":
        return days
    return days.filter(pl.col("day").is_in([case.day, *case.inputs.window.skipped]))
