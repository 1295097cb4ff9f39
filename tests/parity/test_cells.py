"""Cells that are equal, off by one or different, by type."""

from __future__ import annotations

import json
import math
from decimal import Decimal

import polars as pl
import pytest

from engine.core.errors import ColumnTypeError, MissingColumnError
from engine.parity import Comparison, compare

from .worlds import Memory, exposures, store

UNIT = Decimal("0.000001")


def counts(comparison: Comparison, column: str) -> tuple[int, int, int]:
    """Cells of a column that are equal, off by one, different."""
    row = comparison.columns.filter(column=column).row(0, named=True)
    return row["equal"], row["off_by_one"], row["different"]


def one_cell(table: str, column: str, expected: object, actual: object) -> Comparison:
    """Two stores of one row that may differ in one cell."""
    a, b = (store(**{table: [{column: value}]}) for value in (expected, actual))
    return compare(a, b, tables=[table])


EQUAL, OFF, DIFFERENT = (1, 0, 0), (0, 1, 0), (0, 0, 1)


@pytest.mark.parametrize(
    ("expected", "actual", "status"),
    [
        ("1.5", "1.500000", EQUAL),
        ("1.5", "1.500001", OFF),
        ("1.5", "1.499999", OFF),
        ("-0.000001", "0", OFF),
        ("1.5", "1.500002", DIFFERENT),
        ("999999.999999", "-999999.999999", DIFFERENT),
    ],
)
def test_a_decimal_is_equal_off_by_one_unit_or_different(
    expected: str, actual: str, status: tuple[int, int, int]
) -> None:
    comparison = compare(exposures(expected), exposures(actual), ["factor_exposures"])
    assert counts(comparison, "exposure_value") == status


@pytest.mark.parametrize(
    ("expected", "actual", "status"),
    [
        (None, None, EQUAL),
        (math.nan, math.nan, EQUAL),
        (0.0, -0.0, EQUAL),
        (math.inf, math.inf, EQUAL),
        (None, math.nan, DIFFERENT),
        (None, 0.0, DIFFERENT),
        (math.nan, 0.0, DIFFERENT),
        (math.inf, -math.inf, DIFFERENT),
        (math.inf, math.nan, DIFFERENT),
        (0.1234, 0.1235, OFF),
        (0.3, 0.1 + 0.2, EQUAL),
    ],
)
def test_null_nan_and_zero_are_three_different_things(
    expected: float | None, actual: float | None, status: tuple[int, int, int]
) -> None:
    for a, b in ((expected, actual), (actual, expected)):
        comparison = one_cell("position_interest_rate_betas", "r_squared", a, b)
        assert counts(comparison, "r_squared") == status


@pytest.mark.parametrize(
    ("column", "expected", "actual"),
    [
        ("observations", 90, 91),
        ("observations", None, 0),
        ("vol_trend", "Rising", "rising"),
        ("vol_trend", None, ""),
        ("vol_trend", "null", None),
    ],
)
def test_integers_and_text_are_never_off_by_one(column: str, expected: object, actual: object) -> None:
    comparison = one_cell("position_volatility", column, expected, actual)
    assert counts(comparison, column) == DIFFERENT
    assert not comparison.equal


@pytest.mark.parametrize(
    "stored",
    [
        pl.Series([1.5], dtype=pl.Float64),
        pl.Series([Decimal("1.5")], dtype=pl.Decimal(38, 1)),
        pl.Series([Decimal("1.5000000000")], dtype=pl.Decimal(38, 10)),
        pl.Series([Decimal("1.5000004999")], dtype=pl.Decimal(38, 10)),
        pl.Series([Decimal("1.4999995")], dtype=pl.Decimal(38, 7)),
    ],
)
def test_a_figure_may_arrive_in_any_numeric_type(stored: pl.Series) -> None:
    expected = exposures("1.5")
    table = expected.read("factor_exposures").with_columns(stored.alias("exposure_value"))
    comparison = compare(expected, expected.having("factor_exposures", table))
    assert counts(comparison, "exposure_value") == EQUAL


def test_a_whole_number_may_be_stored_as_an_integer() -> None:
    expected = exposures("3")
    table = expected.read("factor_exposures").with_columns(pl.lit(3).alias("exposure_value"))
    comparison = compare(expected, expected.having("factor_exposures", table))
    assert counts(comparison, "exposure_value") == EQUAL


def test_a_column_without_any_value_has_no_type_and_is_null() -> None:
    expected = exposures("3", exposure_dollar=None)
    table = expected.read("factor_exposures").with_columns(pl.lit(None).alias("exposure_dollar"))
    assert compare(expected, expected.having("factor_exposures", table)).equal


def test_uuids_in_capitals_and_wider_integers_are_equal() -> None:
    expected = store(position_market_betas=[{"portfolio_id": "abc", "observations": 9}])
    table = expected.read("position_market_betas").with_columns(
        pl.col("portfolio_id").str.to_uppercase(), pl.col("observations").cast(pl.Int64)
    )
    assert compare(expected, expected.having("position_market_betas", table)).equal


def test_what_cannot_be_equal_is_left_out_by_the_schema() -> None:
    a = store(batch_run_tracking=[{"id": "a", "phase_1_duration_seconds": 1}])
    b = store(batch_run_tracking=[{"id": "b", "phase_1_duration_seconds": 2}])
    comparison = compare(a, b)
    assert comparison.equal
    assert "id" not in comparison.columns["column"]
    assert comparison.total("cells") == comparison.columns.height == 7


@pytest.mark.parametrize(
    ("expected", "actual", "equal"),
    [
        ('{"a": 1, "b": [1, 2]}', '{"b":[1.0,2],"a":1.0}', True),
        ('{"a": 0.1}', '{"a": 0.10000000000000002}', True),
        ('{"a": 1e6}', '{"a": 1000000.0005}', True),
        ('{"a": 0.0}', '{"a": 1e-10}', True),
        ('{"a": 0.1}', '{"a": 0.100001}', False),
        ('{"a": 3000000000}', '{"a": 3000000001}', False),
        ('{"a": 0}', '{"a": null}', False),
        ('{"a": NaN}', '{"a": NaN}', True),
        ('{"a": NaN}', '{"a": null}', False),
        ('{"a": NaN}', '{"a": 0.0}', False),
        ('{"a": 1}', '{"a": true}', False),
        ('{"a": "1"}', '{"a": 1}', False),
        ('{"a": 1}', '{"a": 1, "b": null}', False),
        ("[1, 2]", "[2, 1]", False),
        ("[1, 2]", "[1]", False),
        ("{}", "[]", False),
        ("null", None, False),
        ("not json", "not json", True),
        ("not json", "nor this", False),
        ('"not json"', "not json", False),
        (None, None, True),
    ],
)
def test_json_is_compared_by_value(expected: str | None, actual: str | None, equal: bool) -> None:
    comparison = one_cell("stress_test_results", "factor_impacts", expected, actual)
    assert counts(comparison, "factor_impacts") == (EQUAL if equal else DIFFERENT)


def test_a_json_example_shows_the_place_that_differs() -> None:
    a, b = ({"Market": {"shock": 1, "pnl": pnl}, "Rates": {}} for pnl in (2.5, 3.5))
    comparison = one_cell("stress_test_results", "factor_impacts", json.dumps(a), json.dumps(b))
    example = comparison.examples.row(0, named=True)
    assert (example["expected"], example["actual"]) == ("Market.pnl: 2.5", "Market.pnl: 3.5")


def test_the_largest_difference_and_three_examples_are_shown_with_their_keys() -> None:
    expected = exposures("1", "2", "3", "4", "5", None, "7")
    actual = exposures("1", "2.5", "3.1", "3.1", "5.00001", "6", "7.000001")
    comparison = compare(expected, actual, ["factor_exposures"])
    row = comparison.columns.filter(column="exposure_value").row(0, named=True)
    assert (row["equal"], row["off_by_one"], row["different"]) == (1, 1, 5)
    assert row["largest_difference"] == 0.9
    shown = comparison.examples.select("status", "key", "expected", "actual", "difference").rows()
    assert shown == [
        ("different", "p3 / Momentum / 2025-05-02", "4.000000", "3.100000", 0.9),
        ("different", "p5 / Momentum / 2025-05-02", "null", "6.000000", None),
        ("different", "p1 / Momentum / 2025-05-02", "2.000000", "2.500000", 0.5),
        ("off_by_one", "p6 / Momentum / 2025-05-02", "7.000000", "7.000001", 1e-6),
    ]


def test_every_cell_is_in_one_group() -> None:
    comparison = compare(exposures("1", "2", "3"), exposures("1", "2.000001", "9"))
    row = comparison.tables.filter(table="factor_exposures").row(0, named=True)
    assert row["cells"] == 6
    assert (row["equal"], row["off_by_one"], row["different"], row["exempt"]) == (4, 1, 1, 0)


def test_a_column_that_is_not_there_is_an_error() -> None:
    expected = exposures("1")
    table = expected.read("factor_exposures").drop("exposure_dollar")
    with pytest.raises(MissingColumnError, match="no column exposure_dollar"):
        compare(expected, expected.having("factor_exposures", table))


@pytest.mark.parametrize(
    ("column", "value", "found"),
    [
        ("exposure_value", "1.5", "String"),
        ("exposure_value", 1e60, "conversion"),
        ("calculation_date", 20250502, "Int32"),
        ("portfolio_id", 1, "Int32"),
    ],
)
def test_a_column_of_another_kind_is_an_error(column: str, value: object, found: str) -> None:
    expected = exposures("1")
    table = expected.read("factor_exposures").with_columns(pl.lit(value).alias(column))
    with pytest.raises(ColumnTypeError, match=f"column {column}: found .*{found}"):
        compare(expected, expected.having("factor_exposures", table), ["factor_exposures"])


def few(off_by_one: int, cells: int) -> tuple[Memory, Memory]:
    """Two stores of `cells` compared cells (2 a row), of which some are off by one."""
    rows = cells // 2
    expected = exposures("1").read("factor_exposures").drop("portfolio_id")
    keys = pl.DataFrame({"portfolio_id": [f"p{i}" for i in range(rows)]})
    table = keys.join(expected, how="cross")
    off = pl.when(pl.int_range(rows) < off_by_one).then(UNIT).otherwise(Decimal(0))
    moved = table.with_columns((pl.col("exposure_value") + off).cast(pl.Decimal(12, 6)))
    base = exposures("1")
    return base.having("factor_exposures", table), base.having("factor_exposures", moved)


@pytest.mark.parametrize(
    ("off_by_one", "cells", "verdict"),
    [(0, 2, "equal"), (1, 100_000, "different"), (1, 100_002, "equal"), (2, 100_002, "different")],
)
def test_off_by_one_cells_must_be_fewer_than_one_in_a_hundred_thousand(
    off_by_one: int, cells: int, verdict: str
) -> None:
    comparison = compare(*few(off_by_one, cells), tables=["factor_exposures"])
    assert comparison.total("cells") == cells
    assert comparison.total("off_by_one") == off_by_one
    assert comparison.verdict == verdict
