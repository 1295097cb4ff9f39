"""Sectors of a session by hand: long, short, net, the unclassified, the benchmark of the day."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from engine.analytics.concentration.session_sectors import sector_rows, session_sectors, session_values
from engine.analytics.equity.exposures import present
from engine.analytics.positions.valuation import mark_to_market
from tests.analytics.small import crossed, portfolios
from tests.builders import close, position, uid

MON, TUE = date(2025, 6, 2), date(2025, 6, 3)
GRAIN = 10**8
PROFILES = pl.DataFrame(
    {"symbol": ["TT", "TS", "EN"], "sector": ["Technology"] * 2 + ["Energy"], "is_etf": False}
)
BENCHMARK = pl.DataFrame(
    {
        "asof_date": [date(2025, 5, 30), TUE, date(2025, 6, 4)],
        "sector": ["Technology"] * 3,
        "weight": [Decimal("0.30"), Decimal("0.31"), Decimal("0.99")],
    }
)
LOTS = [
    position(symbol, quantity, "P0")
    for symbol, quantity in (("TT", "600"), ("TS", "-400"), ("EN", "300"), ("NP", "100"))
]
CLOSES = [close(day, "100", symbol) for day in (MON, TUE) for symbol in ("TT", "TS", "EN", "NP")]


def held(*days: date) -> pl.DataFrame:
    return pl.DataFrame({"portfolio_id": [uid("P0")] * len(days), "date": list(days)}).with_row_index("owner")


def marked(lots: list[dict[str, Any]], closes: list[dict[str, Any]]) -> pl.DataFrame:
    return present(mark_to_market(crossed(lots, closes, [MON, TUE])), "today")


def test_shorts_count_below_zero_and_what_has_no_sector_is_unclassified() -> None:
    """60,000 - 40,000 in Technology, 30,000 in Energy, 10,000 in a lot without a profile; equity 100,000."""
    equity = pl.Series("equity_grains", [100_000 * GRAIN] * 2, dtype=pl.Int128)
    book = held(MON, TUE).with_columns(equity, holds=pl.lit(True)).drop("owner")
    found = session_sectors(book, marked(LOTS, CLOSES), PROFILES, BENCHMARK, portfolios([[1e5, 1e5]]))
    assert found.snapshot is not None
    row = found.snapshot.row(1, named=True)
    expected = {"Technology": 0.2, "Energy": 0.3, "Unclassified": 0.1}
    assert json.loads(row["sector_exposure"]) == expected
    # Sizes 6, 4, 3 and 1 of 14.
    assert row["hhi"] == pytest.approx(1e4 * (36 + 16 + 9 + 1) / 196, abs=1e-9)
    assert row["top_3_concentration"] == pytest.approx(13 / 14, abs=1e-12)
    rows = found.tables["engine_sector_exposures"].filter(calculation_date=TUE, sector="Technology")
    cents = ("long_value", "short_value", "net_value")
    assert rows.select(cents).row(0) == (6_000_000, -4_000_000, 2_000_000)
    assert rows["benchmark_weight"].to_list() == [0.31]
    assert found.status.select("status", "positions_used", "positions_left_out").row(1) == ("ok", 4, 0)


def test_the_benchmark_of_a_session_is_the_newest_up_to_it() -> None:
    equity = pl.Series("equity_grains", [GRAIN] * 2, dtype=pl.Int128)
    cells = held(MON, TUE).with_columns(equity)
    valued = pl.DataFrame({"owner": [0, 1], "bucket": "Technology", "value": [GRAIN, GRAIN]}).cast(
        {"owner": pl.UInt32, "value": pl.Int128}
    )
    assert sector_rows(valued, cells, BENCHMARK)["benchmark_weight"].to_list() == [0.3, 0.31]
    none = sector_rows(valued, cells, BENCHMARK.clear())
    assert none["benchmark_weight"].to_list() == [None, None]
    assert none["weight"].to_list() == [1.0, 1.0]


def test_a_benchmark_in_the_provider_s_names_has_the_weights_of_its_sectors() -> None:
    cells = held(TUE).with_columns(pl.Series("equity_grains", [GRAIN], dtype=pl.Int128))
    valued = pl.DataFrame({"owner": [0], "bucket": "Financials", "value": [GRAIN]}).cast(
        {"owner": pl.UInt32, "value": pl.Int128}
    )
    provider = pl.DataFrame({"asof_date": [MON], "sector": ["Financial Services"], "weight": [0.13]})
    assert sector_rows(valued, cells, provider)["benchmark_weight"].to_list() == [0.13]


def test_values_are_those_after_the_session_and_private_ones_as_stored() -> None:
    private = {"investment_class": "PRIVATE"}
    lots = [
        position("AAA", "10", "P0"),
        position("PA", "2", "P0", market_value=Decimal("70.00"), last_price=Decimal(35), **private),
        position("PB", "2", "P0", entry_price=Decimal(9), **private),
        position("NOPX", "5", "P0"),
    ]
    found = session_values(held(TUE), marked(lots, [close(MON, "8"), close(TUE, "9")]))
    values = dict(found.select("symbol", pl.col("value") / GRAIN).iter_rows())
    assert values == {"AAA": 90, "PA": 70, "PB": 18, "NOPX": None}
