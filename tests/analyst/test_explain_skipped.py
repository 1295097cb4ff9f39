"""Explanations of a session after one that nothing has a close of, and that no run computes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import engine
from engine.core.rules import Rules
from tests.builders import flow, uid
from tests.small_stores import SESSIONS, database, rising, run, world

SKIPPED, NEXT = SESSIONS[4], SESSIONS[5]  # a Friday and the Monday after it
SATURDAY = SKIPPED + timedelta(days=1)
LEGACY, BOOKED = "legacy", "legacy,off_session_cash=next_session"


@pytest.mark.parametrize(("rules", "paid"), [(LEGACY, "70.00"), (BOOKED, "75.00")])
def test_the_next_session_books_the_cash(rules: str, paid: str, tmp_path: Path) -> None:
    flows = [flow(SKIPPED, "50.00"), flow(SATURDAY, "5.00"), flow(NEXT, "20.00")]
    closes = [row for row in rising() if row["date"] != SKIPPED]
    url = database(tmp_path / "x.duckdb", world(market_data_cache=closes, equity_changes=flows))
    report = run(url, rules=Rules.parse(rules))
    assert report.window is not None
    assert report.window.skipped == (SKIPPED,)
    found = engine.explain(url, uid("P"), NEXT, "daily_capital_flow")
    assert found.computed == Decimal(paid)
    assert found.verdict == "equal", found.to_text()
