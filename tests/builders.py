"""Rows of a hand-made world, with plain values where a test says nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

STAMP = datetime(2025, 1, 2, 12, tzinfo=UTC)


def uid(name: str) -> str:
    """A uuid for a name."""
    return str(uuid5(NAMESPACE_URL, name))


def portfolio(name: str = "P", equity: str | None = "1000.00", **other: Any) -> dict[str, Any]:
    """A row of portfolios."""
    row = {
        "id": uid(name),
        "user_id": uid("user"),
        "name": name,
        "account_name": name,
        "account_type": "taxable",
        "is_active": True,
        "currency": "USD",
        "equity_balance": None if equity is None else Decimal(equity),
        "created_at": STAMP,
        "updated_at": STAMP,
    }
    return row | other


def position(
    symbol: str = "AAA", quantity: str = "10", owner: str = "P", name: str = "", **other: Any
) -> dict[str, Any]:
    """A row of positions."""
    row = {
        "id": uid(f"{owner}/{symbol}/{name}"),
        "portfolio_id": uid(owner),
        "symbol": symbol,
        "position_type": "SHORT" if quantity.startswith("-") else "LONG",
        "quantity": Decimal(quantity),
        "entry_price": Decimal(100),
        "entry_date": date(2025, 1, 2),
        "investment_class": "PUBLIC",
        "created_at": STAMP,
        "updated_at": STAMP,
    }
    return row | other


def close(day: date, price: str, symbol: str = "AAA", **other: Any) -> dict[str, Any]:
    """A row of market_data_cache."""
    row = {
        "id": uid(f"{symbol}/{day}"),
        "symbol": symbol,
        "date": day,
        "close": Decimal(price),
        "data_source": "test",
        "created_at": STAMP,
        "updated_at": STAMP,
    }
    return row | other


def event(day: date, pnl: str, owner: str = "P", symbol: str = "AAA") -> dict[str, Any]:
    """A row of position_realized_events."""
    return {
        "id": uid(f"event/{owner}/{day}"),
        "position_id": uid(f"{owner}/{symbol}/"),
        "portfolio_id": uid(owner),
        "trade_date": day,
        "quantity_closed": Decimal(1),
        "realized_pnl": Decimal(pnl),
        "created_at": STAMP,
    }


def status(job: str, day: date, owner: str = "P") -> dict[str, Any]:
    """A row of analytics_status: a job that went well."""
    return {
        "id": uid(f"status/{owner}/{day}/{job}"),
        "portfolio_id": uid(owner),
        "calculation_date": day,
        "job": job,
        "status": "ok",
        "positions_used": 1,
        "positions_left_out": 0,
    }


def flow(
    day: date, amount: str, kind: str = "CONTRIBUTION", owner: str = "P", **other: Any
) -> dict[str, Any]:
    """A row of equity_changes."""
    row = {
        "id": uid(f"flow/{owner}/{day}/{kind}"),
        "portfolio_id": uid(owner),
        "change_type": kind,
        "amount": Decimal(amount),
        "change_date": day,
        "created_by_user_id": uid("user"),
        "created_at": STAMP,
        "updated_at": STAMP,
    }
    return row | other
