"""Matching of rows: natural keys, ids of another run, windows, missing and repeated rows."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from engine.core.errors import UsageError
from engine.core.names import UnknownTableError
from engine.core.schema import TABLES
from engine.parity import CannotCompareError, compare

from .worlds import (
    DAY,
    MOMENT,
    NEXT_DAY,
    Memory,
    Rows,
    correlations,
    exposures,
    frame,
    store,
)


def snapshots(*days: tuple[str, date]) -> Memory:
    return store(portfolio_snapshots=[{"portfolio_id": p, "snapshot_date": day} for p, day in days])


def test_a_missing_and_an_extra_row_are_named_and_make_the_verdict_different() -> None:
    comparison = compare(snapshots(("p", DAY), ("q", DAY)), snapshots(("p", DAY), ("q", NEXT_DAY)))
    row = comparison.tables.row(0, named=True)
    assert (row["expected_rows"], row["actual_rows"], row["matched"]) == (2, 2, 1)
    assert (row["missing"], row["extra"], row["duplicated"]) == (1, 1, 0)
    assert comparison.rows.rows() == [
        ("portfolio_snapshots", "missing", False, "q / 2025-05-02", 1),
        ("portfolio_snapshots", "extra", False, "q / 2025-05-05", 1),
    ]
    assert comparison.verdict == "different"
    assert comparison.reasons == ["missing rows: 1", "extra rows: 1"]


def test_a_long_list_of_rows_is_cut_but_counted() -> None:
    expected = snapshots(*((f"p{i:02}", DAY) for i in range(50)))
    comparison = compare(expected, snapshots())
    assert comparison.rows.height == 20
    assert set(comparison.rows["total"]) == {50}
    assert comparison.total("missing") == 50


@pytest.mark.parametrize(
    ("expected", "actual", "repeated"),
    [
        (("p", "p"), ("p",), 3),
        (("p",), ("p", "p"), 3),
        (("p", "p"), ("p", "p"), 4),
        (("p", "p"), (), 2),
    ],
)
def test_a_repeated_key_is_reported_and_never_equal(
    expected: tuple[str, ...], actual: tuple[str, ...], repeated: int
) -> None:
    a, b = (snapshots(("q", DAY), *((p, DAY) for p in side)) for side in (expected, actual))
    comparison = compare(a, b)
    row = comparison.tables.row(0, named=True)
    assert (row["matched"], row["missing"], row["extra"]) == (1, 0, 0)
    assert row["duplicated"] == repeated
    assert comparison.rows.rows() == [
        ("portfolio_snapshots", "duplicated", False, "p / 2025-05-02", repeated)
    ]
    assert not comparison.equal


def test_a_null_in_a_key_equals_a_null() -> None:
    rows: Rows = [{"symbol": "A", "period_date": None}, {"symbol": "A", "period_date": DAY}]
    statements = store(income_statements=rows)
    comparison = compare(statements, statements, ["income_statements"])
    assert comparison.equal
    assert comparison.total("matched") == 2


def test_ids_of_another_run_are_matched_by_the_parents_natural_key() -> None:
    comparison = compare(correlations("x", cluster="k"), correlations("y", cluster="l"))
    assert comparison.equal
    assert dict(comparison.tables.select("table", "matched").rows()) == {
        "correlation_calculations": 2,
        "pairwise_correlations": 4,
        "correlation_clusters": 1,
        "correlation_cluster_positions": 1,
    }


def test_an_id_without_a_parent_is_shown_and_matches_nothing() -> None:
    expected, actual = correlations("x"), correlations("x")
    del actual.frames["correlation_calculations"]
    comparison = compare(expected, actual, ["pairwise_correlations"])
    assert comparison.total("missing") == comparison.total("extra") == 4
    assert comparison.rows["key"].to_list()[-1] == "unknown id x2 / A / B"
    assert comparison.rows["key"][0] == "p / 7 / 2025-05-02 / A / A"


def test_a_parent_that_is_there_twice_does_not_double_its_children() -> None:
    twice = exposures("1")
    factors = twice.read("factor_definitions")
    twice = twice.having("factor_definitions", pl.concat([factors, factors]))
    comparison = compare(exposures("1"), twice)
    by_table = {row["table"]: row for row in comparison.tables.iter_rows(named=True)}
    assert by_table["factor_exposures"]["matched"] == 1
    assert by_table["factor_definitions"]["duplicated"] == 3


def test_a_changed_parent_key_shows_in_its_children() -> None:
    other = exposures("1").changed("factor_definitions", 0, "name", "Value")
    comparison = compare(exposures("1"), other, ["factor_exposures"])
    assert comparison.rows["key"].to_list() == [
        "p0 / Momentum / 2025-05-02",
        "p0 / Value / 2025-05-02",
    ]


def test_tag_names_with_a_separator_stay_distinct() -> None:
    def tags(*names: tuple[str, str]) -> Memory:
        rows: Rows = [{"id": f"t{i}", "user_id": user, "name": name} for i, (user, name) in enumerate(names)]
        links: Rows = [{"position_id": "q", "tag_id": f"t{i}"} for i in range(len(names))]
        return store(tags_v2=rows, position_tags=links)

    comparison = compare(tags(("u / a", "b")), tags(("u", "a / b")), ["position_tags"])
    assert comparison.total("missing") == comparison.total("extra") == 1


def test_the_window_holds_its_first_and_last_day() -> None:
    days = [("p", date(2025, 5, day)) for day in (1, 2, 5, 6)]
    comparison = compare(snapshots(*days), snapshots(*days), start=DAY, end=NEXT_DAY)
    assert comparison.total("matched") == 2
    assert compare(snapshots(*days), snapshots(*days[1:]), start=DAY).equal
    assert compare(snapshots(*days), snapshots(*days[:-1]), end=NEXT_DAY).equal


def test_rows_without_a_date_are_dated_by_their_parent() -> None:
    world = correlations("x")
    comparison = compare(world, world, start=NEXT_DAY)
    assert dict(comparison.tables.select("table", "matched").rows()) == {
        "correlation_calculations": 1,
        "pairwise_correlations": 2,
        "correlation_clusters": 0,
        "correlation_cluster_positions": 0,
    }


def test_undated_tables_are_compared_whole() -> None:
    world = exposures("1")
    comparison = compare(world, world, start=date(2030, 1, 1))
    assert dict(comparison.tables.select("table", "matched").rows()) == {
        "factor_definitions": 1,
        "factor_exposures": 0,
    }


def test_a_moment_belongs_to_its_day() -> None:
    late = MOMENT.replace(hour=23, minute=59)
    world = store(correlation_calculations=[{"calculation_date": late}])
    assert compare(world, world, end=DAY).total("matched") == 1


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(UsageError, match="ends on 2025-05-02, before it starts on 2025-05-05"):
        compare(exposures(), exposures(), start=NEXT_DAY, end=DAY)


def test_a_table_that_actual_lacks_has_all_its_rows_missing_and_is_named() -> None:
    expected = exposures("1", "2")
    comparison = compare(expected, Memory({}), ["factor_exposures"])
    assert comparison.total("missing") == 2
    assert "no table factor_exposures in the actual store" in comparison.reasons


def test_an_empty_table_that_actual_lacks_is_a_difference_too() -> None:
    assert not compare(exposures(), Memory({}), ["factor_exposures"]).equal


def test_by_default_every_output_and_state_table_of_expected_is_compared() -> None:
    world = Memory({name: frame(name, []) for name in TABLES})
    compared = compare(world, world).tables["table"].to_list()
    assert compared == [t.name for t in TABLES.values() if t.role in ("output", "state")]
    assert "analytics_status" not in compared
    assert "market_data_cache" not in compared


def test_input_tables_are_compared_when_named() -> None:
    prices = store(market_data_cache=[{"symbol": "A", "date": DAY}])
    assert compare(prices, prices, ["market_data_cache"]).total("cells") == 11


def test_tables_that_only_actual_has_are_mentioned() -> None:
    actual = exposures("1").having("position_greeks", frame("position_greeks", []))
    comparison = compare(exposures("1"), actual)
    assert comparison.left_out == ("position_greeks",)
    assert comparison.equal
    assert "only one of the stores has position_greeks" in comparison.to_text()


def test_an_unknown_table_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownTableError, match=r"\(nearest: factor_exposures\)"):
        compare(exposures(), exposures(), ["factor_exposure"])


@pytest.mark.parametrize("tables", [None, ["factor_exposures"], []])
def test_comparing_nothing_is_never_equal(tables: list[str] | None) -> None:
    with pytest.raises(CannotCompareError, match="nothing to compare with"):
        compare(Memory({}), exposures(), tables)


def test_a_named_table_that_expected_lacks_is_refused_even_beside_others() -> None:
    with pytest.raises(CannotCompareError, match="has no table position_greeks"):
        compare(exposures(), exposures(), ["factor_exposures", "position_greeks"])


def test_an_error_never_shows_a_password() -> None:
    with pytest.raises(CannotCompareError) as caught:
        compare(Memory({}, "postgresql://me:secret@host/db"), exposures())
    assert "secret" not in str(caught.value)


def test_tables_without_rows_on_either_side_are_equal() -> None:
    comparison = compare(exposures(), exposures(), ["factor_exposures"])
    assert comparison.equal
    assert comparison.total("cells") == 0


def test_a_row_order_of_its_own_makes_no_difference() -> None:
    expected = exposures("1", "2", "3")
    actual = expected.having("factor_exposures", expected.read("factor_exposures").reverse())
    assert compare(expected, actual).equal
