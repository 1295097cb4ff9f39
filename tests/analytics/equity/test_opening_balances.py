"""Opening balances: from the snapshot before, the ledger, or the portfolio's own row."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from engine.analytics.equity.opening_balances import open_book, openings
from engine.core.window import Window
from tests.analytics.small import table
from tests.builders import portfolio, uid

MON, TUE, WED = date(2025, 6, 2), date(2025, 6, 3), date(2025, 6, 4)
FRI = date(2025, 5, 30)
NEW = Window(MON, WED, WED)
RERUN = Window(MON, WED, WED, known=(MON, TUE))


def snapshot(day: date, equity: str | None, **other: str) -> dict[str, Any]:
    row = {"portfolio_id": uid("P"), "snapshot_date": day, "equity_balance": equity and Decimal(equity)}
    return row | {name: Decimal(value) for name, value in other.items()}


def opened(
    window: Window,
    own: str = "1000.00",
    previous: dict[str, Any] | None = None,
    newest: str | None = None,
    ledger: tuple[date, str] | None = None,
    first: dict[str, Any] | None = None,
) -> dict[str, Any]:
    amount = pl.Decimal(16, 2)
    newest_equity = [(uid("P"), Decimal(newest))] if newest else []
    entry = [(uid("P"), ledger[0], Decimal(ledger[1]))] if ledger else []
    keyed = {"portfolio_id": pl.String(), "equity_balance": amount}
    dated = {"portfolio_id": pl.String(), "first_session": pl.Date(), "equity_balance": amount}
    frame = openings(
        table("portfolios", portfolio(equity=own)),
        table("portfolio_snapshots", *([previous] if previous else [])),
        pl.DataFrame(newest_equity, schema=keyed, orient="row"),
        pl.DataFrame(entry, schema=dated, orient="row"),
        table("portfolio_snapshots", *([first] if first else [])),
        window,
    )
    return frame.row(0, named=True)


def test_a_new_portfolio_opens_with_its_own_row() -> None:
    found = opened(NEW)
    assert (found["opening_equity"], found["opening_pnl"], found["has_previous"]) == (100_000, 0, False)
    assert (found["first_session"], found["founding"]) == (MON, Decimal("1000.00"))


def test_the_previous_snapshot_gives_equity_and_totals() -> None:
    before = snapshot(FRI, "1100.00", cumulative_pnl="100.00", cumulative_capital_flow="5.00")
    found = opened(NEW, own="1100.00", previous=before, newest="1100.00", ledger=(FRI, "1000.00"))
    assert (found["opening_equity"], found["opening_pnl"], found["opening_flow"]) == (110_000, 10_000, 500)
    assert (found["has_previous"], found["opening_realized"]) == (True, 0)
    assert (found["first_session"], found["founding"]) == (FRI, Decimal("1000.00"))


def test_a_previous_equity_of_0_leaves_the_balance_of_the_row() -> None:
    found = opened(NEW, own="40.00", previous=snapshot(FRI, "0.00"), newest="40.00")
    assert found["opening_equity"] == 4000


def test_a_rerun_of_all_sessions_opens_with_the_ledgers_founding_equity() -> None:
    found = opened(RERUN, own="1234.00", ledger=(MON, "1000.00"), first=snapshot(MON, "1010.00"))
    assert found["opening_equity"] == 100_000  # the row is ahead of the window


def test_without_a_ledger_the_oldest_snapshot_less_its_moves_is_the_founding_equity() -> None:
    oldest = snapshot(MON, "1010.00", daily_pnl="7.00", daily_capital_flow="3.00")
    found = opened(RERUN, own="1234.00", first=oldest)
    assert (found["first_session"], found["founding"]) == (MON, Decimal("1000.00"))
    assert found["opening_equity"] == 100_000


def test_the_book_has_a_row_for_each_portfolio_and_session() -> None:
    balances = pl.DataFrame({"portfolio_id": ["a", "b"], "has_previous": [False, True]})
    book = open_book(balances, [MON, TUE])
    assert book.select("portfolio", "session", "date", "has_previous").rows() == [
        (0, 0, MON, False),
        (0, 1, TUE, True),
        (1, 0, MON, True),
        (1, 1, TUE, True),
    ]
