"""Conversion and merge of rows, and fiscal periods: by rows made by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from engine.core.schema import TABLES
from engine.market_data.companies.statements import fiscal_period
from engine.market_data.companies.table_rows import fit_rows, merge_rows
from tests.memory_store import frame_of

PROFILES = TABLES["company_profiles"]
EARLIER, NOW = datetime(2025, 1, 2, tzinfo=UTC), datetime(2025, 11, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        ("beta", 1.23445, Decimal("1.2345")),
        ("beta", -1.23445, Decimal("-1.2345")),
        ("market_cap", 1.005, Decimal("1.01")),
        ("market_cap", 3.45e12, Decimal("3450000000000.00")),
        ("beta", float("nan"), None),
        ("beta", float("inf"), None),
        ("profit_margins", -100.0, None),
        ("profit_margins", 99.9999996, None),
        ("profit_margins", -99.9999994, Decimal("-99.999999")),
        ("employees", 164_000.0, 164_000),
        ("employees", 2.0**31, None),
        ("beta", None, None),
    ],
)
def test_a_number_is_rounded_or_left_out(column: str, value: float | None, stored: object) -> None:
    raw = pl.DataFrame({"symbol": ["AAA"], column: pl.Series([value], dtype=pl.Float64)})
    rows, notes = fit_rows(PROFILES, raw)
    assert rows[column].to_list() == [stored]
    lost = value is not None and stored is None and abs(value) < float("inf")
    assert len(notes) == lost
    assert all(note.startswith(f"company_profiles of AAA: {column} ") for note in notes)


def test_a_text_is_cut_at_the_width_of_its_column() -> None:
    raw = pl.DataFrame({"symbol": ["AAA", "BBB"], "company_name": ["n\x00" * 300, " "]})
    rows, notes = fit_rows(PROFILES, raw)
    assert rows["company_name"].to_list() == ["n" * 200, None]
    assert notes == []


def profile(**values: Any) -> pl.DataFrame:
    row = {
        "symbol": "AAA",
        "sector": "Energy",
        "beta": Decimal("1.1"),
        "is_etf": False,
        "is_fund": False,
        "data_source": "old",
        "last_updated": EARLIER,
        "created_at": EARLIER,
        "updated_at": EARLIER,
    }
    return frame_of("company_profiles", [row | values])


def test_a_null_keeps_the_stored_value() -> None:
    values = {"symbol": "AAA", "beta": Decimal("1.2"), "sector": None, "last_updated": NOW}
    fresh = frame_of("company_profiles", [values]).select(*values)
    rows = merge_rows(PROFILES, profile(ceo="Somebody"), fresh, NOW)
    assert rows.columns == PROFILES.names
    row = rows.row(0, named=True)
    assert (row["sector"], row["beta"], row["ceo"]) == ("Energy", Decimal("1.2"), "Somebody")
    assert (row["updated_at"], row["last_updated"]) == (NOW, NOW)


def test_a_row_that_does_not_change_keeps_its_stamp() -> None:
    key = {"symbol": "AAA", "period_date": date(2025, 9, 30), "frequency": "q"}
    old = {**key, "currency": "USD", "acquisitions": Decimal(-5), "updated_at": EARLIER}
    for value, stamp in ((Decimal(-5), EARLIER), (Decimal(-6), NOW)):
        fresh = frame_of("cash_flows", [key | {"acquisitions": value}]).select(*key, "acquisitions")
        rows = merge_rows(TABLES["cash_flows"], frame_of("cash_flows", [old]), fresh, NOW)
        assert rows["updated_at"].to_list() == [stamp]


def test_a_new_row_has_all_columns() -> None:
    values = {"symbol": "NEW", "beta": Decimal("1.2"), "last_updated": NOW}
    row = merge_rows(PROFILES, profile(), frame_of("company_profiles", [values]).select(*values), NOW).row(
        0, named=True
    )
    assert (row["symbol"], row["beta"], row["sector"]) == ("NEW", Decimal("1.2"), None)
    assert (row["created_at"], row["updated_at"]) == (NOW, NOW)


def test_the_key_of_a_statement_is_symbol_period_and_frequency() -> None:
    table = TABLES["cash_flows"]
    quarter = {"symbol": "AAA", "period_date": date(2025, 9, 30), "frequency": "q"}
    year = quarter | {"frequency": "a"}
    old = frame_of(
        "cash_flows", [quarter | {"acquisitions": Decimal(-5)}, year | {"acquisitions": Decimal(-9)}]
    )
    values = quarter | {"operating_cash_flow": Decimal(7)}
    row = merge_rows(table, old, frame_of("cash_flows", [values]).select(*values), NOW).row(0, named=True)
    assert (row["acquisitions"], row["operating_cash_flow"]) == (Decimal(-5), Decimal(7))


@pytest.mark.parametrize(
    ("fresh", "before", "after"),
    [("EUR", "USD", "EUR"), (None, "EUR", "EUR"), (None, None, "USD")],
)
def test_a_currency_is_the_fresh_one_else_the_stored_one_else_dollars(
    fresh: str | None, before: str | None, after: str
) -> None:
    table = TABLES["cash_flows"]
    key = {"symbol": "AAA", "period_date": date(2025, 9, 30), "frequency": "q"}
    old = frame_of("cash_flows", [key | {"currency": before}] if before else [])
    values = key | {"currency": fresh}
    rows = merge_rows(table, old, frame_of("cash_flows", [values]).select(*values), NOW)
    assert rows["currency"].to_list() == [after]


@pytest.mark.parametrize(
    ("year_end", "period", "frequency", "year", "quarter"),
    [
        (date(2024, 12, 31), date(2025, 3, 31), "q", 2025, 1),
        (date(2024, 12, 31), date(2025, 12, 31), "q", 2025, 4),
        (date(2024, 12, 31), date(2024, 12, 31), "a", 2024, None),
        (date(2024, 9, 30), date(2024, 12, 31), "q", 2025, 1),  # Apple's first quarter of 2025
        (date(2024, 9, 28), date(2025, 6, 28), "q", 2025, 3),
        (date(2025, 1, 26), date(2024, 10, 27), "q", 2025, 3),  # Nvidia's third of fiscal 2025
        (date(2025, 1, 3), date(2025, 1, 3), "a", 2024, None),  # 53 weeks, named for December
        (date(2024, 12, 31), date(2025, 2, 28), "q", 2025, None),
    ],
)
def test_fiscal_year_and_quarter_of_a_period(
    year_end: date, period: date, frequency: str, year: int, quarter: int | None
) -> None:
    rows = pl.DataFrame({"period_date": [period], "frequency": [frequency]})
    assert rows.select(**fiscal_period(year_end)).rows() == [(year, quarter)]
