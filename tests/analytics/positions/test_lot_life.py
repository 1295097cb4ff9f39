"""The life of a lot: quantities by session, rebuilt from realized events, by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from engine.analytics.positions.lot_life import NOTICES, REASONS, LotLives, lot_lives
from engine.core.rules import Expiry, RealizedGains
from tests.analytics.small import table
from tests.builders import event, position

THU, FRI, SAT, MON, TUE = (date(2025, 3, day) for day in (6, 7, 8, 10, 11))
WEDNESDAY_BEFORE, WED = date(2025, 3, 5), date(2025, 3, 12)
DAYS = [THU, FRI, MON, TUE]


def closing(day: date, quantity: str, pnl: str = "1.00") -> dict[str, Any]:
    return event(day, pnl) | {"id": f"{day} {quantity}", "quantity_closed": Decimal(quantity)}


def lives(
    lot: dict[str, Any],
    *events: dict[str, Any],
    realized_gains: RealizedGains = "replace",
    expiry: Expiry = "settled",
) -> LotLives:
    rows = table("position_realized_events", *events)
    since = pl.Series([WEDNESDAY_BEFORE])
    return lot_lives(table("positions", lot), rows, DAYS, since, realized_gains, expiry)


def quantities(found: LotLives) -> list[float]:
    return [units / 10_000 for units in found.quantity[0].tolist()]


def reasons(found: LotLives) -> list[str]:
    return [REASONS[number] for number in found.reason[0].tolist()]


def test_an_open_lot_had_its_quantity_and_what_later_events_closed() -> None:
    found = lives(position(quantity="100"), closing(FRI, "30"), closing(WED, "5"))
    assert quantities(found) == [135, 105, 105, 105]
    assert found.opening[0].tolist() == [1_350_000, 1_350_000, 1_050_000, 1_050_000]
    assert reasons(found) == ["open"] * 4


def test_a_short_lot_has_the_sign_of_its_side_whatever_the_event_says() -> None:
    for quantity in ("30", "-30"):
        assert quantities(lives(position(quantity="-100"), closing(FRI, quantity))) == [
            -130,
            -100,
            -100,
            -100,
        ]


def test_a_lot_is_bought_on_its_entry_date_or_the_next_session() -> None:
    found = lives(position(quantity="7", entry_date=SAT))
    assert quantities(found) == [0, 0, 7, 7]
    assert reasons(found) == ["not yet bought", "not yet bought", "open", "open"]


def test_a_closed_lot_keeps_its_quantity_and_the_event_of_all_of_it_is_not_added() -> None:
    lot = position(quantity="100", exit_date=MON, exit_price=Decimal(9))
    found = lives(lot, closing(FRI, "20"), closing(MON, "100"))
    assert quantities(found) == [120, 100, 0, 0]
    assert reasons(found) == ["open", "open", "closed", "closed"]
    assert found.ends[0].tolist() == [False, False, True, False]


def test_two_events_that_close_all_of_it_on_one_day_are_not_added_either() -> None:
    found = lives(position(quantity="100", exit_date=MON), closing(MON, "60"), closing(MON, "40"))
    assert quantities(found) == [100, 100, 0, 0]
    assert found.events["notice"].to_list() == ["several_events"] * 2


def test_a_lot_of_quantity_0_is_rebuilt_from_its_events() -> None:
    lot = position(quantity="0", position_type="SHORT", exit_date=TUE)
    found = lives(lot, closing(FRI, "40"), closing(TUE, "60"))
    assert quantities(found) == [-100, -60, -60, 0]
    without = lives(lot)
    assert quantities(without) == [0] * 4
    assert without.end["notice"].to_list() == ["unknown_quantity"]


def test_an_option_expires_and_a_deleted_lot_goes_on_the_day() -> None:
    option = position(quantity="2", position_type="LC", expiration_date=SAT)
    assert reasons(lives(option)) == ["open", "open", "expired", "expired"]
    assert reasons(lives(option, expiry="ignored")) == ["open"] * 4
    gone = position(deleted_at=datetime(2025, 3, 7, 23, 59, tzinfo=UTC))
    assert reasons(lives(gone)) == ["open", "deleted", "deleted", "deleted"]


def test_the_first_of_several_ends_counts() -> None:
    lot = position(position_type="LC", expiration_date=TUE, exit_date=FRI)
    assert reasons(lives(lot)) == ["open", "closed", "closed", "closed"]


def test_quantities_of_the_table_stay_without_the_rule() -> None:
    assert (
        quantities(lives(position(quantity="100"), closing(FRI, "30"), realized_gains="added")) == [100] * 4
    )


@pytest.mark.parametrize(
    ("lot", "bad", "notice"),
    [
        (position(entry_date=FRI), closing(THU, "3"), "event_before_entry"),
        (position(exit_date=FRI), closing(MON, "3"), "event_after_end"),
        (position(exit_date=FRI), closing(FRI, "11"), "event_exceeds_lot"),
        (position(exit_date=date(2024, 12, 31)), closing(MON, "3"), "event_after_end"),
    ],
)
def test_an_event_that_does_not_fit_is_left_out_and_named(
    lot: dict[str, Any], bad: dict[str, Any], notice: str
) -> None:
    with_it, without = lives(lot, bad), lives(lot)
    assert quantities(with_it) == quantities(without)
    assert with_it.events.is_empty()
    assert with_it.misfits["notice"].to_list() == [notice]
    assert notice in NOTICES


def test_an_event_against_the_side_is_taken_by_its_size_and_named() -> None:
    found = lives(position(quantity="100"), closing(FRI, "-30"))
    assert quantities(found) == [130, 100, 100, 100]
    assert found.misfits["notice"].to_list() == ["event_against_side"]


def test_an_exit_before_the_entry_refuses_the_lot() -> None:
    found = lives(position(exit_date=date(2025, 1, 1)))
    assert reasons(found) == ["refused"] * 4
    assert found.end["notice"].to_list() == ["exit_before_entry"]
