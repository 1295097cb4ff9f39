"""P&L by corrected rules: each lot from its entry price to the price at which it ends, and its income."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case
from engine.analyst.explain.lives import LotLife
from engine.analyst.explain.rounding import rounded
from engine.analyst.explain.working import Step, Working, absent, table
from engine.core.calendar import last_session

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
ONLY_EXACT = "only with closed_lots=exact or realized_gains=replace"


def carried(case: Case) -> list[LotLife]:
    """Return the lots that were held before the session, or bought in it."""
    last = _since(case)
    return [life for life in case.lives.values() if life.opening(case.day, last)]


def _since(case: Case) -> date:
    return case.last_snapshot or last_session(case.day - timedelta(days=1))


def lot_gains(case: Case) -> pl.DataFrame:
    """Return P&L and income of each lot in the session: gain is their sum."""
    last, rows = _since(case), []
    for number, life in case.lives.items():
        pnl, income = rounded(life.pnl(), GRAIN), rounded(lot_income(case, life), GRAIN)
        opening = life.opening(case.day, last)
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
    if case.last_snapshot is None:
        return ZERO
    events = (e for e in case.events(life.row["id"]) if not e["quantity_closed"] and _counts(case, e))
    booked = sum((event["realized_pnl"] for event in events if not twice(case, life, event)), ZERO)
    return booked + sum((life.dividend(day) for day in paid_days(case, life)), ZERO)


def _counts(case: Case, event: dict[str, object]) -> bool:
    day = event["trade_date"]
    assert isinstance(day, date)
    return _since(case) < day <= case.day


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
    days = (day for day in sorted(case.dividends.get(name, {})) if _since(case) < day <= case.day)
    return [day for day in days if known and min(known) < day]


def realized(case: Case) -> pl.DataFrame:
    """Return realized events and dividends since the last snapshot, a row each, in cents.

    Args:
        case: Whether cash of a day without a session is booked.
    """
    rows = []
    for number, life in case.lives.items():
        for event in case.events(number):
            if _counts(case, event) and not twice(case, life, event):
                rows.append((event["id"], event["trade_date"], event["realized_pnl"]))
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
    if not case.exact:
        return absent(f"{ask.column} of a lot", ONLY_EXACT)
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
                "pnl: sum of quantity x units x (end - start)", life.pnl(), (), {"parts": _parts(case, life)}
            )


def _parts(case: Case, life: LotLife) -> pl.DataFrame:
    last, rows = case.last_snapshot, []
    for part in life.parts:
        if last is None or (part.end is not None and part.end <= last) or life.entered > case.day:
            continue
        bought = life.entered > last and life.entered > case.founded
        start = life.row["entry_price"] if bought else life.price(part, last)
        end = life.price(part, case.day)
        gain = None if start is None or end is None else part.quantity * life.units * (end - start)
        cells = (None if value is None else f"{value}" for value in (part.quantity, start, end))
        rows.append((*cells, part.end, None if gain is None else f"{gain}"))
    return table(PARTS, rows)
