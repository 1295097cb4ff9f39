"""P&L of each lot: its parts from where the session starts to its close or to their end, and its income."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case
from engine.analyst.explain.lives import LotLife
from engine.analyst.explain.rounding import rounded
from engine.analyst.explain.working import Step, Working, absent, table

ZERO = Decimal(0)
LOTS = {
    "symbol": pl.String,
    "position_id": pl.String,
    "life": pl.String,
    "opening": pl.Decimal(38, 4),
    "held": pl.Decimal(38, 4),
    "pnl": pl.Decimal(38, 8),
    "income": pl.Decimal(38, 8),
    "gain": pl.Decimal(38, 8),
}
PARTS = {"quantity": pl.String, "start": pl.String, "end": pl.String, "ended_on": pl.Date, "gain": pl.String}
CASH = {"id": pl.String, "day": pl.Date, "amount": pl.Decimal(38, 2)}
GRAIN = 8
ONLY_BY_LOT = "only with closed_lots=exact or realized_gains=replace"


def carried(case: Case) -> list[LotLife]:
    """Return the lots that were held before the session, or bought in it."""
    return [life for life in case.lives.values() if life.opening(case.day, case.booked_until)]


def lot_gains(case: Case) -> pl.DataFrame:
    """Return P&L and income of each lot in the session: gain is their sum."""
    rows = []
    for number, life in case.lives.items():
        pnl, income = rounded(life.pnl(), GRAIN), rounded(lot_income(case, life), GRAIN)
        opening = life.opening(case.day, case.booked_until)
        if opening or income:
            held = life.held(case.day)
            figures = (life.life(case.day), opening, held, pnl, income, pnl + income)
            rows.append((life.row["symbol"], number, *figures))
    return table(LOTS, rows)


def lot_income(case: Case, life: LotLife) -> Decimal:
    """Return the income of a lot since the last snapshot: events of quantity 0, and dividends.

    Args:
        case: Its session; the first one of a portfolio has none.
        life: Of the lot.
    """
    if case.last_snapshot is None or case.rules.realized_gains == "added":
        return ZERO
    events = (e for e in case.events(life.row["id"]) if not e["quantity_closed"] and _counts(case, e))
    booked = sum((event["realized_pnl"] for event in events if not twice(case, life, event)), ZERO)
    return booked + sum((life.dividend(day) for day in paid_days(case, life)), ZERO)


def _counts(case: Case, event: dict[str, object]) -> bool:
    day = event["trade_date"]
    assert isinstance(day, date)
    return case.booked_until < day <= case.day


def twice(case: Case, life: LotLife, event: dict[str, object]) -> bool:
    """Return whether an event of quantity 0 equals the dividend of its day.

    Args:
        case: Whether its closes are the quoted ones.
        life: Of the event's lot.
        event: Of position_realized_events.
    """
    day = event["trade_date"]
    if case.rules.closes == "adjusted" or event["quantity_closed"] or not isinstance(day, date):
        return False
    cash = life.dividend(day)
    return bool(cash) and rounded(cash, 2) == event["realized_pnl"]


def paid_days(case: Case, life: LotLife) -> list[date]:
    """Return the ex-dates since the last snapshot whose dividend the lot's closes do not hold.

    Args:
        case: Its quoted closes.
        life: Of the lot.
    """
    if case.rules.closes == "adjusted":
        return []
    name = life.row["symbol"].upper()
    known: list[date] = case.inputs.raw_closes.filter(symbol=name)["date"].to_list()
    days = (day for day in sorted(case.dividends.get(name, {})) if case.booked_until < day <= case.day)
    return [day for day in days if known and min(known) < day]


def realized(case: Case) -> pl.DataFrame:
    """Return realized events and dividends since the last snapshot, a row each, in cents.

    Args:
        case: Whether cash of a day without a session is booked.
    """
    rows = []
    # An event counts for its portfolio, also if the row of its position was set aside.
    for event in case.inputs.realized_events.filter(portfolio_id=case.portfolio).iter_rows(named=True):
        life = case.lives.get(event["position_id"])
        if _counts(case, event) and not (life and twice(case, life, event)):
            rows.append((event["id"], event["trade_date"], event["realized_pnl"]))
    for life in case.lives.values():
        for day in paid_days(case, life):
            if cash := rounded(life.dividend(day), 2):
                rows.append((f"dividend of {life.row['symbol']}", day, cash))
    if case.rules.off_session_cash == "lost":
        rows = [row for row in rows if row[1] in (case.day, *case.inputs.window.skipped)]
    return table(CASH, sorted(rows, key=lambda row: (row[1], row[0])))


def unrounded(case: Case, column: str, stored: Decimal) -> tuple[Decimal, str]:
    """Return a balance before the session with all its decimals, and its source.

    Args:
        case: The unrounded balances of the snapshot before.
        column: equity or cumulative_pnl.
        stored: The same, rounded to cents: it counts where the unrounded one is not of that snapshot.
    """
    day = pl.col("calculation_date")
    rows = case.stored["engine_portfolio_pnl"].filter(day == pl.lit(case.last_snapshot, pl.Date))
    for row in rows.iter_rows(named=True):
        if rounded(row[column], 2) == stored:
            return row[column], f"engine_portfolio_pnl, {row['calculation_date']}: {column}"
    return stored, ""


def lot(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of engine_lot_pnl.

    Args:
        case: Its events and closes.
        ask: The position, and pnl, income, quantity or life.
    """
    life = case.lives[ask.position.id]
    if not case.by_lot:
        return absent(f"{ask.column} of a lot", ONLY_BY_LOT)
    if ask.row is None and not lot_gains(case).filter(position_id=ask.position.id).height:
        return absent(f"{ask.column} of a lot", "the lot is not held in the session")
    match ask.column:
        case "life":
            return Working("life after the session", life.life(case.day))
        case "quantity":
            rest = Step("q", life.held(case.day), "shares or contracts, later events added back", "positions")
            return Working("quantity = {q}", life.held(case.day), (rest,))
        case "income":
            return Working("income: events of quantity 0, and dividends", lot_income(case, life))
        case _:
            return Working(
                "pnl: sum of quantity x units x (end - start)", life.pnl(), (), {"parts": _parts(life)}
            )


def _parts(life: LotLife) -> pl.DataFrame:
    rows = []
    for move in life.moves():
        known = move.start is not None and move.end is not None
        gain = move.part.quantity * life.units * (move.end - move.start) if known else None  # type: ignore[operator]
        start, end, gained = (None if value is None else f"{value}" for value in (move.start, move.end, gain))
        rows.append((f"{move.part.quantity}", start, end, move.part.end, gained))
    return table(PARTS, rows)
