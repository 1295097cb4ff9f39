"""Section 3: P&L of a portfolio on a day, and the roll-forward of its equity."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .prices import (
    PNL_LOOKBACK_DAYS,
    Prices,
    Row,
    latest_before,
    positive_close,
)
from .rounding import ZERO, to_money, to_return

OPTION_TYPES = frozenset({"LC", "LP", "SC", "SP"})


@dataclass(frozen=True)
class Rollforward:
    """The unrounded figures of 3.6 for one portfolio and day."""

    previous: Row | None
    previous_equity: Decimal
    unrealized: Decimal
    realized: Decimal
    flow: Decimal

    @property
    def pnl(self) -> Decimal:
        """T = U + R."""
        return self.unrealized + self.realized

    @property
    def equity(self) -> Decimal:
        """E = previous equity + T + F, unrounded (0.5)."""
        return self.previous_equity + self.pnl + self.flow

    @property
    def daily_return(self) -> Decimal:
        """T / previous equity, or 0 unless that is above 0 (3.6, Q44)."""
        if self.previous_equity <= 0:
            return ZERO
        return self.pnl / self.previous_equity


def multiplier(position: Row) -> int:
    """100 for the four option types, whatever the class (3.3 rule 5)."""
    return 100 if position["position_type"] in OPTION_TYPES else 1


def previous_snapshot(snapshots: list[Row], portfolio_id: str, day: date) -> Row | None:
    """Newest earlier snapshot with an equity, of any age, complete or not (3.2, Q33).

    Rows without an equity are the application's place-holders, which the legacy batch took for sessions
    (Q31, outside the batch).
    """
    earlier = [
        row
        for row in snapshots
        if row["portfolio_id"] == portfolio_id
        and row["snapshot_date"] < day
        and row["equity_balance"] is not None
    ]
    return max(earlier, key=lambda row: row["snapshot_date"], default=None)


def previous_equity(previous: Row | None, portfolio: Row) -> Decimal:
    """Equity of the snapshot; a missing, null or zero one is falsy (3.2, Q10)."""
    if previous is not None and previous["equity_balance"]:
        return previous["equity_balance"]  # type: ignore[no-any-return]
    return portfolio["equity_balance"] or ZERO


def pnl_positions(positions: list[Row], portfolio_id: str, day: date) -> list[Row]:
    """Positions that earn P&L: exit_date is not looked at (3.3, Q1)."""
    return [
        position
        for position in positions
        if position["portfolio_id"] == portfolio_id
        and position["entry_date"] <= day
        and position["deleted_at"] is None
    ]


def is_private_any_case(position: Row) -> bool:
    """Class PRIVATE in any case: the test of 3.3, not the one of 4.3."""
    return (position["investment_class"] or "").upper() == "PRIVATE"


def position_pnl(position: Row, prices: Prices, previous: Row | None, day: date) -> Decimal:
    """p(pos) = (C - P) x quantity x m (3.3)."""
    if is_private_any_case(position):
        return ZERO
    symbol = position["symbol"]
    current = positive_close(prices, symbol, day)
    if current is None or previous is None:
        return ZERO
    before = latest_before(prices, symbol, day, PNL_LOOKBACK_DAYS)
    if before is None:
        return ZERO
    quantity: Decimal = position["quantity"]
    return (current - before) * quantity * multiplier(position)


def realized_component(events: list[Row], portfolio_id: str, day: date) -> Decimal:
    """R: events dated exactly on the day (3.4, Q5)."""
    return sum(
        (
            event["realized_pnl"]
            for event in events
            if event["portfolio_id"] == portfolio_id and event["trade_date"] == day
        ),
        ZERO,
    )


def signed_flow(change: Row) -> Decimal:
    """Amount of a contribution, minus that of a withdrawal (3.5)."""
    amount: Decimal = change["amount"]
    return amount if change["change_type"] == "CONTRIBUTION" else -amount


def capital_flow(changes: list[Row], portfolio_id: str, day: date) -> Decimal:
    """F: flows dated exactly on the day and not deleted (3.5, Q5)."""
    return sum(
        (
            signed_flow(change)
            for change in changes
            if change["portfolio_id"] == portfolio_id
            and change["change_date"] == day
            and change["deleted_at"] is None
        ),
        ZERO,
    )


def cumulative(previous: Row | None, column: str, today: Decimal) -> Decimal:
    """Stored cumulative of the previous snapshot, or 0, plus today's (3.6)."""
    stored = previous[column] if previous is not None else None
    return (stored or ZERO) + today


def pnl_columns(rolled: Rollforward) -> Row:
    """Columns of 3.6, each rounded once from unrounded figures."""
    previous = rolled.previous
    pnl, realized, flow = rolled.pnl, rolled.realized, rolled.flow
    return {
        "daily_pnl": to_money(pnl),
        "daily_return": to_return(rolled.daily_return),
        "cumulative_pnl": to_money(cumulative(previous, "cumulative_pnl", pnl)),
        "daily_realized_pnl": to_money(realized),
        "cumulative_realized_pnl": to_money(cumulative(previous, "cumulative_realized_pnl", realized)),
        "daily_capital_flow": to_money(flow),
        "cumulative_capital_flow": to_money(cumulative(previous, "cumulative_capital_flow", flow)),
        "equity_balance": to_money(rolled.equity),
    }
