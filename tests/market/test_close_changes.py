"""Which closes a write adds or changes, and which portfolios' stored sessions that concerns; all by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from engine.core.frames import polars_schema
from engine.market_data.close_changes import CHANGED, STALE, ComputedSessions, close_changes, read_computed
from tests.builders import STAMP, portfolio, position, uid
from tests.memory_store import MemoryReader, frame_of

MON, TUE, WED, THU, FRI = (date(2025, 3, day) for day in (10, 11, 12, 13, 14))
WEEK = [MON, TUE, WED, THU, FRI]
PRICES = {"date": pl.Date, "close": pl.Float64}
NOW = datetime(2025, 3, 14, 23, tzinfo=UTC)


def closes(*prices: float, days: list[date] = WEEK) -> pl.DataFrame:
    return pl.DataFrame({"date": days[: len(prices)], "close": prices}, schema=PRICES)


def span(stored: pl.DataFrame, written: pl.DataFrame, fresh: bool = False) -> tuple[Any, ...] | None:
    rows = close_changes(stored, written, fresh).rows()
    return rows[0] if rows else None


def test_an_added_close_is_a_change() -> None:
    gap = closes(10, 11, 13, days=[MON, TUE, THU])
    assert span(gap, closes(10, 11, 12, 13)) == (WED, WED, False)
    assert span(closes(10, 11), closes(10, 11, 12, 13)) == (WED, THU, False)
    assert span(closes(), closes(1, 2), True) == (MON, TUE, True)


def test_the_same_closes_are_none() -> None:
    assert span(closes(10, 11, 12), closes(10, 11, 12)) is None
    # One unit of the last of four decimals.
    assert span(closes(10, 11, 12), closes(10, 11.0001, 12)) is None


def test_a_corrected_bar_changes_two_returns() -> None:
    assert span(closes(10, 11, 12, 13), closes(10, 11.5, 12, 13)) == (TUE, WED, False)
    assert span(closes(10, 11, 12), closes(10, 11, 12.5)) == (WED, WED, False)


@pytest.mark.parametrize("factor", [0.5, 0.98765, 0.9999, 3.0])
def test_one_factor_for_all_stored_closes_is_a_new_basis(factor: float) -> None:
    stored = closes(101.1234, 99.8765, 100.4321, 7.0001)
    based = stored.with_columns((pl.col("close") * factor).round(4))
    assert span(stored, based) is None
    on_the_ex_date = pl.concat([based, closes(100, days=[FRI])])
    assert span(stored, on_the_ex_date) == (FRI, FRI, False)


def test_a_factor_that_ends_inside_the_stored_closes_changes_the_return_there() -> None:
    """A split that the provider applied to older closes an evening late."""
    assert span(closes(100, 102, 51, 52), closes(50, 51, 51, 52)) == (WED, WED, False)


def lots(*rows: dict[str, Any], stored: dict[str, tuple[date, date]], **stale: date) -> ComputedSessions:
    days = {"portfolio_id": pl.String, "oldest": pl.Date, "newest": pl.Date}
    spans = pl.DataFrame([(uid(name), *pair) for name, pair in stored.items()], schema=days, orient="row")
    known = [
        {"portfolio_id": uid(name), "first_session": day, "reason": "BBB from then", "found_at": NOW}
        for name, day in stale.items()
    ]
    held = frame_of("positions", list(rows)).select("portfolio_id", "symbol", "entry_date")
    return ComputedSessions(held, spans, pl.DataFrame(known, schema=polars_schema(STALE)), {})


def changes(symbol: str, first: date, last: date | None = None, fresh: bool = False) -> pl.DataFrame:
    row = {"symbol": symbol, "first": first, "last": last or first, "fresh": fresh}
    return pl.DataFrame([row], schema={"symbol": pl.String, **CHANGED})


def stale(computed: ComputedSessions, change: pl.DataFrame) -> dict[str, tuple[date, str]]:
    rows = computed.stale_rows(change, NOW)
    names = {uid(name): name for name in "PQ"}
    return {names[key]: (day, why) for key, day, why, _ in rows.iter_rows()}


BOTH = {"P": (MON, FRI), "Q": (MON, FRI)}
HELD = (position("AAA", owner="P"), position("BBB", owner="Q"))


def test_only_portfolios_that_hold_the_symbol_are_concerned() -> None:
    assert stale(lots(*HELD, stored=BOTH), changes("AAA", WED)) == {"P": (WED, f"AAA from {WED}")}
    assert stale(lots(*HELD, stored=BOTH), changes("ZZZ", WED)) == {}


def test_a_factor_fund_concerns_every_portfolio() -> None:
    why = WED, f"SPY from {WED}"
    assert stale(lots(*HELD, stored=BOTH), changes("SPY", WED)) == {"P": why, "Q": why}


def test_a_close_after_the_newest_stored_session_concerns_none() -> None:
    assert stale(lots(*HELD, stored={"P": (MON, THU)}), changes("AAA", FRI)) == {}


def test_a_look_back_reaches_a_year() -> None:
    old = date(2024, 3, 12)
    assert stale(lots(*HELD, stored=BOTH), changes("AAA", old)) == {"P": (MON, f"AAA from {MON}")}
    assert stale(lots(*HELD, stored=BOTH), changes("AAA", date(2023, 3, 10), date(2024, 2, 1))) == {}


def test_the_history_of_a_new_lot_concerns_sessions_from_its_entry_on() -> None:
    new = position("NEW", owner="P", entry_date=THU)
    history = changes("NEW", date(2024, 3, 12), FRI, fresh=True)
    assert stale(lots(new, stored=BOTH), history) == {"P": (THU, f"NEW from {THU}")}
    assert stale(lots(new, stored={"P": (MON, WED)}), history) == {}


def test_the_earlier_session_counts_and_both_reasons_are_kept() -> None:
    assert stale(lots(*HELD, stored=BOTH, P=TUE), changes("AAA", WED)) == {
        "P": (TUE, f"BBB from then, AAA from {WED}")
    }
    computed = lots(*HELD, stored=BOTH)
    first = computed.stale_rows(changes("AAA", WED), NOW)
    computed.remember(first)
    assert stale(computed, changes("AAA", WED)) == {"P": (WED, f"AAA from {WED}")}


def test_holdings_are_read_in_any_spelling_without_deleted_lots() -> None:
    rows = [
        position(" aaa "),
        position("GONE", deleted_at=STAMP),
        position("OPT", position_type="LC", underlying_symbol="UND"),
    ]
    frames = {"portfolios": frame_of("portfolios", [portfolio()]), "positions": frame_of("positions", rows)}
    with MemoryReader(frames) as reader:
        computed = read_computed(reader)
    assert computed.holdings["symbol"].sort().to_list() == ["AAA", "OPT", "UND"]
    assert computed.spans.is_empty()
