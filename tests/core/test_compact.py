"""Packing of rows into matrices and lists; every expected list is written by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from engine.core.compact import COMPACT, PACKED, PackError, layout_of
from engine.core.compact.matrices import pack_pairs
from engine.core.compact.slots import pack_portfolio_exposures, pack_position_exposures
from engine.core.frames import polars_schema
from engine.core.schema import TABLES
from tests.builders import uid

EARLY, LATE = datetime(2025, 1, 2, 3, tzinfo=UTC), datetime(2025, 1, 2, 4, tzinfo=UTC)
DAY, NEXT = date(2025, 1, 2), date(2025, 1, 3)
NAN = 2_000_000


def frame(table: str, rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    """Rows of a table without its id."""
    names = [name for name in TABLES[table].names if name != "id"]
    return pl.DataFrame(rows, schema=polars_schema(TABLES[table], names), orient="row")


def pairs(*rows: tuple[Any, ...]) -> pl.DataFrame:
    return frame("pairwise_correlations", [*rows])


def two_by_two(matrix: str, rho: float | None = 0.5, points: int = 60) -> list[tuple[Any, ...]]:
    return [
        (uid(matrix), "AAA", "AAA", 1.0, 60, 1.0),
        (uid(matrix), "AAA", "BBB", rho, points, 0.999999),
        (uid(matrix), "BBB", "AAA", rho, points, 0.999999),
        (uid(matrix), "BBB", "BBB", 1.0, 60, 1.0),
    ]


def test_a_matrix_becomes_one_row() -> None:
    packed = pack_pairs(pairs(*two_by_two("one", -0.123456)), {})
    assert packed.rows() == [
        (
            uid("one"),
            ["AAA", "BBB"],
            [1_000_000, -123_456, -123_456, 1_000_000],
            [60],
            [1_000_000, 999_999, 999_999, 1_000_000],
        )
    ]
    assert packed.schema == polars_schema(PACKED["engine_correlation_matrices"])


def test_nan_and_null_are_told_apart_and_points_of_their_own_are_kept() -> None:
    packed = pack_pairs(pairs(*two_by_two("one", float("nan")), *two_by_two("two", None, points=41)), {})
    assert packed["correlations"].to_list() == [
        [1_000_000, NAN, NAN, 1_000_000],
        [1_000_000, None, None, 1_000_000],
    ]
    assert packed["data_points"].to_list() == [[60], [60, 41, 41, 60]]


def test_matrices_of_several_sizes_in_any_order_of_rows() -> None:
    single = (uid("three"), "CCC", "CCC", 1.0, 30, 1.0)
    rows = pairs(*two_by_two("one"), single, *two_by_two("two", 0.25))
    shuffled = rows.sample(fraction=1, shuffle=True, seed=3)
    expected = pack_pairs(rows, {}).sort("correlation_calculation_id")
    assert expected["symbols"].list.len().sort().to_list() == [1, 2, 2]
    assert pack_pairs(shuffled, {}).sort("correlation_calculation_id").equals(expected)


def test_a_matrix_that_is_not_symmetric_keeps_both_figures() -> None:
    rows = two_by_two("one")
    rows[1] = (*rows[1][:3], 0.25, *rows[1][4:])
    assert pack_pairs(pairs(*rows), {})["correlations"].to_list() == [
        [1_000_000, 250_000, 500_000, 1_000_000]
    ]


BROKEN = {
    "a pair is missing": two_by_two("one")[:3],
    "only the diagonal is there": [two_by_two("one")[0], two_by_two("one")[3]],
    "a pair is there twice": [*two_by_two("one"), two_by_two("one")[1]],
    "a pair is there twice, another is not": [*two_by_two("one")[:3], two_by_two("one")[0]],
}


@pytest.mark.parametrize("rows", BROKEN.values(), ids=BROKEN)
def test_what_is_no_whole_matrix_is_refused(rows: list[tuple[Any, ...]]) -> None:
    with pytest.raises(PackError, match=f"pairwise_correlations, .*{uid('one')}.*not every pair"):
        pack_pairs(pairs(*two_by_two("other"), *rows), {})


@pytest.mark.parametrize("figure", [2.0, -2.5])
def test_a_figure_that_would_be_taken_for_nan_is_refused(figure: float) -> None:
    with pytest.raises(PackError, match="symbol_1 AAA, symbol_2 BBB: correlation_value"):
        pack_pairs(pairs(*two_by_two("one", figure)), {})


SLOTS = {uid("market"): 1, uid("value"): 2, uid("size"): 3}


def beta(
    position: str, factor: str, value: str, flag: str | None = "full_history", day: date = DAY
) -> tuple[Any, ...]:
    return uid(position), uid(factor), day, Decimal(value), flag, EARLY


def test_betas_become_lists_with_a_slot_for_each_factor() -> None:
    rows = frame(
        "position_factor_exposures",
        [beta("p", "size", "-0.000001"), beta("q", "value", "5", day=NEXT), beta("p", "market", "1.25")],
    )
    packed = pack_position_exposures(rows, SLOTS).sort("calculation_date")
    assert packed.rows() == [
        (uid("p"), DAY, [1_250_000, None, -1], ["full_history"], EARLY),
        (uid("q"), NEXT, [None, 5_000_000, None], ["full_history"], EARLY),
    ]


def test_flags_that_differ_are_kept_by_slot() -> None:
    rows = frame(
        "position_factor_exposures",
        [
            *(beta("p", factor, "1", flag) for factor, flag in (("market", "short"), ("size", None))),
            *(beta("q", factor, "1", None) for factor in ("market", "size")),
        ],
    )
    packed = dict(pack_position_exposures(rows, SLOTS).select("position_id", "quality_flags").rows())
    assert packed == {uid("p"): ["short", None, None], uid("q"): [None]}


def test_a_beta_of_another_program_may_be_too_large() -> None:
    rows = frame("position_factor_exposures", [beta("p", "size", "1"), beta("p", "value", "2147.5")])
    with pytest.raises(PackError, match=f"position_id {uid('p')}, factor_id {uid('value')}, .*2147"):
        pack_position_exposures(rows, SLOTS)


def test_dollars_that_are_null_and_stamps_that_differ() -> None:
    rows = frame(
        "factor_exposures",
        [
            (
                uid("P"),
                uid("market"),
                DAY,
                Decimal("999999.999999"),
                Decimal("-12345678901234.56"),
                EARLY,
                LATE,
            ),
            (uid("P"), uid("value"), DAY, Decimal("0"), None, LATE, EARLY),
        ],
    )
    (packed,) = pack_portfolio_exposures(rows, SLOTS).rows()
    assert packed[:4] == (uid("P"), DAY, [999_999_999_999, 0], [-1_234_567_890_123_456, None])
    assert packed[4:] == (LATE, LATE)


@pytest.mark.parametrize("pack", [pack_position_exposures, pack_portfolio_exposures])
def test_two_rows_of_one_factor_are_refused(pack: Any) -> None:
    table = "position_factor_exposures" if pack is pack_position_exposures else "factor_exposures"
    row = {
        "position_factor_exposures": beta("p", "size", "1"),
        "factor_exposures": (uid("P"), uid("size"), DAY, Decimal(1), None, EARLY, EARLY),
    }[table]
    with pytest.raises(PackError, match=f"{table}, .*{uid('size')}.*several rows"):
        pack(frame(table, [row, row]), SLOTS)


@pytest.mark.parametrize("name", COMPACT)
def test_no_rows_are_no_packed_rows(name: str) -> None:
    packing = COMPACT[name]
    assert packing.pack(frame(name, []), {}).schema == polars_schema(packing.table)


@pytest.mark.parametrize("name", COMPACT)
def test_a_packed_table_is_found_and_deleted_by_the_columns_of_its_legacy_table(name: str) -> None:
    table, packed = TABLES[name], COMPACT[name].table
    assert set(packed.key) < set(table.key)
    assert (packed.owner, packed.date) == (table.owner, table.date)


def test_a_store_is_compact_by_its_tables() -> None:
    assert layout_of(["pairwise_correlations"]) == "legacy"
    assert layout_of([*TABLES, "engine_correlation_matrices"]) == "compact"
