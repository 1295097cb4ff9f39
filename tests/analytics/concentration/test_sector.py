"""Sector weights by hand: values before the session, buckets, and weights of the equity."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from engine.analytics.concentration.sector import (
    open_today,
    opening_values,
    sector,
    sector_weights,
    with_buckets,
)
from engine.analytics.equity.exposures import present
from engine.analytics.positions.valuation import mark_to_market
from tests.analytics.small import crossed, portfolios, table
from tests.builders import STAMP, close, position, uid

MON, TUE = date(2025, 6, 2), date(2025, 6, 3)
GRAIN = 10**8
"""Grains in a dollar."""
PROFILES = pl.DataFrame(
    {
        "symbol": ["BANK", "FUND", "BLANK", "OIL"],
        "sector": [" Financial Services ", "Energy", "", "Energy"],
        "is_etf": [False, True, False, None],
    }
)


def held(*days: date) -> pl.DataFrame:
    return pl.DataFrame({"portfolio_id": [uid("P0")] * len(days), "date": list(days)}).with_row_index("owner")


def values(lots: list[dict[str, Any]], closes: list[dict[str, Any]], *days: date) -> list[int]:
    marked = mark_to_market(crossed(lots, closes, [MON, TUE]))
    found = opening_values(held(*days), open_today(marked), table("positions", *lots))
    return [value // GRAIN for value in found["value"].to_list()]


def test_a_position_counts_with_its_size_before_the_session_marks_it() -> None:
    short = position("AAA", "-10", "P0", last_price=Decimal(7), market_value=Decimal("-70.00"))
    closes = [close(MON, "8"), close(TUE, "9")]
    assert values([short], closes, MON) == [70]
    assert values([short], closes, TUE) == [80]


def test_without_a_value_it_counts_at_the_last_price_or_the_entry_price() -> None:
    call = {"position_type": "LC", "entry_price": Decimal(3)}
    lots = [
        position("AAA", "10", "P0", last_price=Decimal(7)),
        position("CALL", "2", "P0", **call),
        position("PRIV", "2", "P0", investment_class="PRIVATE", **call),
    ]
    expected = {"AAA": 10 * 7, "CALL": 2 * 3 * 100, "PRIV": 2 * 3}
    assert sorted(values(lots, [], MON)) == sorted(expected.values())


def test_exited_and_deleted_positions_do_not_count() -> None:
    lots = [position("A", owner="P0", exit_date=TUE), position("B", owner="P0", deleted_at=STAMP)]
    assert values(lots, [], MON) == []


def test_by_session_a_position_counts_with_the_quantity_that_it_held() -> None:
    """Sold on Tuesday, of 10 shares at its price of before: as open on Monday as one that is open today."""
    sold = position("A", "4", "P0", exit_date=TUE, last_price=Decimal(7))
    marked = mark_to_market(crossed([sold], [], [MON, TUE]))
    by_session = marked.with_columns(held=pl.Series([10, 0]) * 10_000)
    found = opening_values(held(MON, TUE), present(by_session, "session"), table("positions", sold))
    assert found.select("owner", "value").rows() == [(0, 10 * 7 * GRAIN)]


@pytest.mark.parametrize(
    ("symbol", "kind", "bucket"),
    [
        ("bank", "PUBLIC", "Financials"),
        ("FUND", "PUBLIC", "ETFs"),
        ("OIL", None, "Energy"),
        ("BLANK", "PUBLIC", None),
        ("NONE", "PUBLIC", None),
        ("OIL", "PRIVATE", "Unclassified"),
        ("OIL", "OPTIONS", "Unclassified"),
    ],
)
def test_a_position_falls_in_the_bucket_of_its_class_or_profile(
    symbol: str, kind: str | None, bucket: str | None
) -> None:
    schema = {"symbol": pl.String(), "investment_class": pl.String()}
    one = pl.DataFrame([(symbol, kind)], schema=schema, orient="row")
    assert with_buckets(one, PROFILES)["bucket"].to_list() == [bucket]


def test_weights_are_shares_of_the_equity_with_sectors_first() -> None:
    buckets = [("ETFs", 10), ("Tech", 30), ('A "b"', 20), ("Tech", 10), ("Unclassified", 0), (None, 99)]
    valued = pl.DataFrame(
        [(0, *bucket) for bucket in buckets],
        schema={"owner": pl.UInt32(), "bucket": pl.String(), "value": pl.Int128()},
        orient="row",
    )
    equity = pl.Series("equity_grains", [80, -80], dtype=pl.Int128)
    owners = pl.DataFrame({"owner": pl.Series([0, 1], dtype=pl.UInt32)}).with_columns(equity)
    first, second = sector_weights(valued, owners)["sector_exposure"].to_list()
    assert list(json.loads(first).items()) == [("Tech", 0.5), ('A "b"', 0.25), ("ETFs", 0.125)]
    assert second == "{}"
    negative = sector_weights(valued, owners.head(1).with_columns(equity_grains=pl.col("equity_grains") * -1))
    assert json.loads(negative["sector_exposure"].item())["Tech"] == -0.5


def job(equity: int = 100, run_date: date = MON, holds: bool = True, benchmark: bool = True) -> Any:
    lots = [
        position("OIL", "2", "P0", market_value=Decimal("25.00")),
        position("NONE", "5", "P0", entry_price=15),
    ]
    book = pl.DataFrame({"portfolio_id": [uid("P0")], "date": [MON], "holds": [holds]}).with_columns(
        pl.Series("equity_grains", [equity * GRAIN], dtype=pl.Int128)
    )
    days = mark_to_market(crossed(lots, [], [MON]))
    result = sector(
        book, days, table("positions", *lots), PROFILES, benchmark, portfolios([[equity]]), run_date
    )
    return result.snapshot, result.status.row(0, named=True)


def test_the_job_has_weights_and_concentration() -> None:
    snapshot, status = job()
    row = snapshot.row(0, named=True)
    assert json.loads(row["sector_exposure"]) == {"Energy": 0.25}  # 25 of 100; NONE has no sector
    assert row["hhi"] == pytest.approx(10_000 * (0.25**2 + 0.75**2))  # 25 and 75 of 100
    assert (status["positions_used"], status["positions_left_out"]) == (1, 1)
    # A bucket for 25 of 100 USD.
    assert (status["reason"], status["coverage"]) == ("low_coverage", 0.25)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ({"run_date": TUE}, "historical_session"),
        ({"holds": False}, "no_positions"),
        ({"equity": 0}, "no_equity"),
        ({"benchmark": False}, "no_benchmark"),
    ],
)
def test_the_job_says_why_it_has_none(case: dict[str, Any], reason: str) -> None:
    snapshot, status = job(**case)
    assert snapshot.is_empty()
    assert status["reason"] == reason
