"""The gate's decisions, on frames of a few rows; weights are arithmetic by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from engine.batch.gate import NO_CLOSE, CloseData, Decisions, Policy, decide, quoted_lots, spans
from tests.builders import STAMP, position, uid
from tests.memory_store import frame_of

MON, TUE, WED, THU, FRI, NEXT = (date(2025, 3, day) for day in (10, 11, 12, 13, 14, 17))
WEEK = [MON, TUE, WED, THU, FRI]


def lots(*rows: dict[str, Any]) -> pl.DataFrame:
    return quoted_lots(frame_of("positions", list(rows)))


def due(*days: date, owner: str = "P") -> pl.DataFrame:
    return pl.DataFrame({"portfolio_id": uid(owner), "date": pl.Series(days, dtype=pl.Date)})


def data(newest: dict[str, date] | None = None, /, **closes: list[tuple[date, float]]) -> CloseData:
    rows = [(symbol, day, price) for symbol, prices in closes.items() for day, price in prices]
    frame = pl.DataFrame(
        rows, schema={"symbol": pl.String, "date": pl.Date, "close": pl.Float64}, orient="row"
    )
    last = frame.group_by("symbol").agg(newest=pl.col("date").max())
    if newest is not None:
        last = pl.DataFrame(
            list(newest.items()), schema={"symbol": pl.String, "newest": pl.Date}, orient="row"
        )
    return CloseData(frame, newest=last, first=frame["date"].min())  # type: ignore[arg-type]


def all_week(price: float, days: list[date] = WEEK) -> list[tuple[date, float]]:
    return [(day, price) for day in days]


def rows(frame: pl.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return frame.select(columns).rows()


TWO = lots(position("AAA", "10"), position("BBB", "1"))
"""Worth 1,000 and 100 where a share costs 100: BBB is 9.1 %."""


def test_a_session_with_all_closes_is_computed() -> None:
    found = decide(due(*WEEK), TWO, data(AAA=all_week(100), BBB=all_week(100)), Policy(FRI))
    for frame in (found.never, found.held_back, found.partial, found.unpriced):
        assert frame.is_empty()


def test_too_little_of_the_value_is_waited_for_and_holds_back_the_later_sessions() -> None:
    late = data(AAA=all_week(100), BBB=all_week(100, [MON, TUE, WED]))
    found = decide(due(*WEEK), TWO, late, Policy(FRI))
    why = "closes cover 90.9% of the value of the quoted lots, less than 95%; waiting for BBB (9.1%)"
    assert rows(found.held_back, "date", "reason") == [
        (THU, why),
        (FRI, f"waits for the session of {THU}: {why}"),
    ]
    assert found.partial.is_empty()
    assert rows(found.unpriced, "date", "symbol", "awaited") == [(THU, "BBB", True), (FRI, "BBB", True)]
    assert found.unpriced["weight"].to_list() == pytest.approx([1 / 11, 1 / 11])


def test_enough_of_the_value_is_computed_and_the_lot_is_named() -> None:
    late = data(AAA=all_week(100), BBB=all_week(100, WEEK[:4]))
    found = decide(due(*WEEK), TWO, late, Policy(FRI, threshold=0.9))
    assert found.held_back.is_empty()
    assert found.partial.is_empty()
    assert rows(found.unpriced, "date", "symbol") == [(FRI, "BBB")]


@pytest.mark.parametrize(
    ("hold", "allow_stale"), [(False, False), (True, True)], ids=["a window is named", "stale is allowed"]
)
def test_a_session_that_does_not_wait_is_partial(hold: bool, allow_stale: bool) -> None:
    late = data(AAA=all_week(100), BBB=all_week(100, WEEK[:4]))
    found = decide(due(*WEEK), TWO, late, Policy(FRI, hold=hold, allow_stale=allow_stale))
    assert found.held_back.is_empty()
    assert rows(found.partial, "date", "reason") == [
        (FRI, "closes cover 90.9% of the value of the quoted lots, less than 95%; no close of BBB (9.1%)")
    ]


def test_a_hole_with_a_later_close_is_final() -> None:
    gap = data(AAA=all_week(100), BBB=all_week(100, [MON, TUE, THU, FRI]))
    found = decide(due(*WEEK), TWO, gap, Policy(FRI))
    assert found.held_back.is_empty()
    assert found.partial["date"].to_list() == [WED]


def test_a_hole_that_the_provider_has_confirmed_is_final() -> None:
    late = data(AAA=all_week(100), BBB=all_week(100, WEEK[:4]))
    absent = pl.DataFrame({"symbol": ["BBB"], "date": [FRI]})
    confirmed = CloseData(late.closes, newest=late.newest, absent=absent, first=MON)
    assert decide(due(FRI), TWO, confirmed, Policy(FRI)).held_back.is_empty()
    unknown = CloseData(late.closes, newest=late.newest, unknown=frozenset({"BBB"}), first=MON)
    assert decide(due(FRI), TWO, unknown, Policy(FRI)).partial["date"].to_list() == [FRI]


@pytest.mark.parametrize(("run_date", "held"), [(TUE, True), (FRI, True), (NEXT, False)])
def test_a_close_is_waited_for_three_sessions(run_date: date, held: bool) -> None:
    late = data(AAA=all_week(100), BBB=[(MON, 100.0)])
    found = decide(due(TUE), TWO, late, Policy(run_date))
    assert found.held_back.height == held
    assert found.partial.height == 1 - held


def test_a_symbol_without_closes_for_longer_does_not_hold_back() -> None:
    """Four sessions without a close lie before Friday: the symbol is not traded any more."""
    gone = data({"AAA": FRI, "BBB": date(2025, 3, 7)}, AAA=all_week(100))
    assert decide(due(FRI), TWO, gone, Policy(FRI)).partial["date"].to_list() == [FRI]
    assert decide(due(THU), TWO, gone, Policy(FRI)).held_back["date"].to_list() == [THU]


def test_a_lot_without_any_close_weighs_by_its_entry_price() -> None:
    new = lots(position("AAA", "10"), position("NEW", "5", entry_price=Decimal(40), entry_date=FRI))
    found = decide(due(*WEEK), new, data(AAA=all_week(100)), Policy(FRI))
    assert found.held_back["date"].to_list() == [FRI]
    # 5 x 40 of 10 x 100 + 5 x 40.
    assert found.unpriced["weight"].to_list() == pytest.approx([1 / 6])


def test_only_open_quoted_lots_count() -> None:
    others = lots(
        position("AAA", "10"),
        position("SOLD", "10", exit_date=FRI),
        position("LATER", "10", entry_date=NEXT),
        position("HOUSE", "10", investment_class="PRIVATE"),
        position("AAPL250321C00100000", "10", position_type="LC"),
        position("GONE", "10", deleted_at=STAMP),
    )
    found = decide(due(FRI), others, data(AAA=all_week(100)), Policy(FRI))
    assert found.unpriced.is_empty()


def test_shorts_and_options_weigh_by_their_absolute_value() -> None:
    mixed = lots(position("AAA", "-10"), position("OPT", "1", position_type="LC"))
    found = decide(due(FRI), mixed, data({"OPT": THU}, AAA=all_week(10)), Policy(FRI))
    # One contract of 100 shares at its entry price of 100 against 10 x 10.
    assert found.unpriced["weight"].to_list() == pytest.approx([10_000 / 10_100])


def test_sessions_without_closes_before_the_first_and_after_the_run_date_are_never_computed() -> None:
    closes = data(AAA=all_week(100, [TUE, THU]), ZZZ=[(WED, 5.0)])
    found = decide(due(*WEEK), lots(position("AAA", "10")), closes, Policy(THU))
    assert found.never.rows() == [
        (MON, f"before {TUE}, the first close of the store"),
        (WED, NO_CLOSE),
        (FRI, f"after {THU}, the run date"),
    ]
    allowed = decide(due(*WEEK), lots(position("AAA", "10")), closes, Policy(THU, allow_stale=True))
    assert allowed.never["date"].to_list() == [FRI]
    assert allowed.partial["date"].to_list() == [MON, WED]


def test_nothing_quoted_is_not_gated_by_closes() -> None:
    house = lots(position("HOUSE", "10", investment_class="PRIVATE"))
    assert decide(due(*WEEK), house, data(), Policy(THU)).never["date"].to_list() == [FRI]
    sold = lots(position("AAA", "10", exit_date=THU))
    assert decide(due(THU, FRI), sold, data(AAA=all_week(100, WEEK[:3])), Policy(FRI)).never.is_empty()


def test_the_closes_of_another_portfolio_open_a_session() -> None:
    both = lots(position("AAA", "10"), position("BBB", "1", owner="Q"))
    found = decide(due(FRI, owner="Q"), both, data({}, AAA=all_week(100)), Policy(FRI, hold=False))
    assert found.never.is_empty()
    assert found.partial["reason"].to_list() == [
        "closes cover 0.0% of the value of the quoted lots, less than 95%; no close of BBB (100.0%)"
    ]


def test_a_spelling_of_a_symbol_is_no_hole() -> None:
    assert decide(
        due(FRI), lots(position(" aaa ", "1")), data(AAA=all_week(1)), Policy(FRI)
    ).unpriced.is_empty()


def test_lines_name_runs_of_days_with_one_reason() -> None:
    assert spans([(MON, "x"), (TUE, "x"), (WED, "y")]) == [
        f"2 sessions, {MON} to {TUE}: x",
        f"1 session, {WED} to {WED}: y",
    ]
    assert Decisions().never.is_empty()
