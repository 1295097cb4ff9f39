"""Values that a run writes to the rows of positions and portfolios."""

from __future__ import annotations

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case
from engine.analyst.explain.equity import pnl
from engine.analyst.explain.working import Step, Working, absent


def position_mark(case: Case, ask: Ask) -> Working:
    """Return the working of last_price, market_value and unrealized_pnl after the session.

    Args:
        case: closes of the position's symbol.
        ask: the position, and one of these columns.
    """
    lot = ask.position
    mark = case.mark(lot)
    if case.by_session and ask.column != "last_price" and case.lives[lot.id].gone(case.day):
        life = case.lives[lot.id].life(case.day)
        value = mark.value if ask.column == "market_value" else mark.gain
        return Working(f"{ask.column} = 0", value, notes=(f"the lot is {life}: it is worth 0",))
    value = {"last_price": mark.price, "market_value": mark.value, "unrealized_pnl": mark.gain}[ask.column]
    if mark.quote is None or mark.session is None:
        why = "closed or deleted" if not lot.live else "no session has a close that is recent enough"
        if lot.symbol in case.never_quoted:
            why = "the symbol has no market price"
        if value is None:
            return absent(f"{ask.column} = null", f"never marked: {why}")
        step = Step("kept", value, "the value before the first session", f"positions, {lot.id}: {ask.column}")
        return Working(f"{ask.column} = {{kept}}", value, (step,), notes=(f"never marked: {why}",))
    steps = (
        Step("q", lot.quantity, "shares or contracts", f"positions, {lot.id}: quantity"),
        Step(
            "P", mark.quote.price, "USD a share", f"market_data_cache, {lot.symbol}, {mark.quote.day}: close"
        ),
        Step("m", lot.units, "shares for one unit", f"position_type {lot.position_type}"),
        Step("C", lot.entry_price, "USD a share, at entry", f"positions, {lot.id}: entry_price"),
    )
    q, p, m, c = lot.quantity, mark.quote.price, lot.units, lot.entry_price
    formula, unrounded, used = {
        "last_price": ("last_price = {P}", p, steps[1:2]),
        "market_value": ("market_value = {q} * {P} * {m}", q * p * m, steps[:3]),
        "unrealized_pnl": ("unrealized_pnl = {q} * ({P} - {C}) * {m}", q * (p - c) * m, steps),
    }[ask.column]
    return Working(formula, unrounded, used, notes=_notes(case, mark.session, mark.quote.day))


def _notes(case: Case, session: object, quoted: object) -> tuple[str, ...]:
    carried = f"carried: last marked in the session of {session}" if session != case.day else ""
    older = f"marked with an older close: {session} has none" if quoted != session else ""
    return tuple(filter(None, (carried, older)))


def portfolio_equity(case: Case, ask: Ask) -> Working:
    """Return the working of the portfolio's equity_balance: that of the session's snapshot.

    Args:
        case: the roll-forward of its session.
        ask: not used; there is one column.
    """
    working = pnl(case, Ask("portfolio_snapshots", "equity_balance"))
    return Working(working.formula, working.value, working.steps, working.frames, notes=working.notes)
