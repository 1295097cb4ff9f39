"""Declared exemptions: compared, counted and shown, but without effect on the verdict."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from engine.parity import Exemption, ExemptionError, compare, load_exemptions

from .worlds import DAY, MOMENT, NEXT_MOMENT, Memory, exposures, store

TABLE = "factor_exposures"
MINE = {"portfolio_id": ("p1",)}


def exempt(columns: object = ("exposure_value",), **where: tuple[str, ...]) -> Exemption:
    return Exemption(TABLE, "chance", columns, where or MINE)  # type: ignore[arg-type]


def test_an_exempt_cell_is_counted_and_shown_but_cannot_decide() -> None:
    expected, actual = exposures("1", "2", "3"), exposures("1", "9", "3")
    assert not compare(expected, actual).equal
    comparison = compare(expected, actual, exemptions=[exempt()])
    assert comparison.equal
    column = comparison.columns.filter(column="exposure_value").row(0, named=True)
    assert (column["equal"], column["different"], column["exempt"]) == (2, 0, 1)
    assert column["largest_difference"] is None
    assert comparison.counted_cells == comparison.total("cells") - 1
    example = comparison.examples.row(0, named=True)
    assert (example["status"], example["key"]) == ("exempt", "p1 / Momentum / 2025-05-02")
    assert (example["expected"], example["actual"]) == ("2.000000", "9.000000")


def test_the_exemption_says_how_many_of_its_cells_were_equal() -> None:
    expected, actual = exposures("1", "2", "3", "4"), exposures("1", "9", "3.000001", "4")
    row = compare(expected, actual, exemptions=[exempt(portfolio_id=("p1", "p2", "p3"))]).exemptions.row(
        0, named=True
    )
    assert row["state"] == "used"
    assert (row["cells"], row["equal"]) == (3, 1)
    assert (row["off_by_one"], row["different"]) == (1, 1)


def test_a_cell_outside_the_exemption_still_decides() -> None:
    comparison = compare(exposures("1", "2"), exposures("7", "2"), exemptions=[exempt()])
    assert comparison.reasons == ["different cells: 1"]


def test_an_exemption_of_one_column_leaves_the_others() -> None:
    actual = exposures("1", "2").changed(TABLE, 1, "exposure_dollar", 5)
    assert not compare(exposures("1", "2"), actual, exemptions=[exempt()]).equal
    assert compare(exposures("1", "2"), actual, exemptions=[exempt("*")]).equal


def test_a_cell_under_two_exemptions_is_exempt_once() -> None:
    comparison = compare(exposures("1", "2"), exposures("1", "9"), exemptions=[exempt(), exempt("*")])
    assert comparison.total("exempt") == 2
    assert comparison.exemptions["cells"].to_list() == [1, 2]


def test_an_exemption_without_a_condition_covers_every_row() -> None:
    whole = Exemption(TABLE, "not computed yet", ("exposure_value",))
    comparison = compare(exposures("1", "2"), exposures("3", "4"), exemptions=[whole])
    assert comparison.equal
    assert comparison.columns.filter(column="exposure_value")["exempt"].item() == 2
    assert comparison.exemptions["where"].item() == "all rows"


@pytest.mark.parametrize(("columns", "equal"), [("*", True), (("exposure_value",), False)])
def test_only_an_exemption_of_all_columns_covers_missing_and_extra_rows(columns: object, equal: bool) -> None:
    one, two = exposures("1"), exposures("1", "2")
    for expected, actual, kind in ((one, two, "extra"), (two, one, "missing")):
        comparison = compare(expected, actual, exemptions=[exempt(columns)])
        assert comparison.equal is equal
        assert comparison.total("exempt_rows") == int(equal)
        assert comparison.total(kind) == int(not equal)
        assert comparison.exemptions["rows"].item() == int(equal)
        assert comparison.rows.select("kind", "exempt").rows() == [(kind, equal)]


def test_an_exemption_that_matched_nothing_is_reported_as_unused() -> None:
    world = exposures("1")
    nobody = exempt(portfolio_id=("nobody",))
    elsewhere = Exemption("position_greeks", "never stored")
    comparison = compare(world, world, exemptions=[nobody, elsewhere])
    assert comparison.exemptions["state"].to_list() == ["unused", "table not compared"]
    assert "unused" in comparison.to_text()


@pytest.mark.parametrize(
    ("table", "column", "stored", "listed"),
    [
        ("factor_exposures", "calculation_date", DAY, "2025-05-02"),
        ("factor_exposures", "portfolio_id", "ab-c", "AB-C"),
        ("factor_exposures", "exposure_value", "1.5", 1.5),
        ("factor_exposures", "exposure_dollar", None, None),
        ("position_volatility", "observations", 90, 90),
        ("position_volatility", "vol_trend", "rising", "rising"),
        ("position_interest_rate_betas", "r_squared", float("nan"), "NaN"),
        ("portfolio_snapshots", "is_complete", True, True),
        ("correlation_calculations", "calculation_date", MOMENT, "2025-05-02"),
        ("correlation_calculations", "calculation_date", MOMENT, "2025-05-02T00:00:00Z"),
    ],
)
def test_rows_are_chosen_by_values_of_any_type(
    table: str, column: str, stored: object, listed: str | float | None
) -> None:
    world = store(**{table: [{column: stored}]})
    chosen = Exemption(table, "chance", "*", {column: (listed,)})
    assert compare(world, world, exemptions=[chosen]).exemptions["state"].item() == "used"


def test_rows_are_chosen_by_the_name_of_a_row_with_a_made_id() -> None:
    world = exposures("1")
    by_name = exempt("*", factor_id=("Momentum",))
    assert compare(world, world, exemptions=[by_name]).exemptions["state"].item() == "used"


def test_every_condition_must_hold() -> None:
    world = Memory(
        store(
            correlation_calculations=[
                {"portfolio_id": p, "calculation_date": day}
                for p in ("p", "q")
                for day in (MOMENT, NEXT_MOMENT)
            ]
        ).frames
    )
    both = {"portfolio_id": ("p",), "calculation_date": ("2025-05-05",)}
    exemption = Exemption("correlation_calculations", "chance", "*", both)
    comparison = compare(world, world, exemptions=[exemption])
    assert comparison.exemptions["cells"].item() == comparison.total("cells") // 4


FIELDS = {"table": TABLE, "columns": "*", "reason": "chance", "where": {}}


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (FIELDS | {"table": "factor_exposure"}, r"no table .* \(nearest: factor_exposures\)"),
        (FIELDS | {"columns": ["exposure"]}, "no column is called exposure"),
        (FIELDS | {"columns": "exposure_value"}, "a list of names"),
        (FIELDS | {"columns": []}, "a list of names"),
        (FIELDS | {"where": {"portfolio": ["p"]}}, "nearest: portfolio_id"),
        (FIELDS | {"where": {"created_at": ["2025-05-02"]}}, "never compared"),
        (FIELDS | {"where": {"portfolio_id": "p"}}, "column: \\[values\\]"),
        (FIELDS | {"where": {"calculation_date": ["May"]}}, "cannot hold \\['May'\\]"),
        (FIELDS | {"where": {"exposure_value": ["much"]}}, "cannot hold"),
        (FIELDS | {"reason": " "}, "no reason"),
        (FIELDS | {"reason": 1}, "are texts"),
        (FIELDS | {"rows": []}, "unknown field rows"),
        ({"table": TABLE, "columns": "*"}, "missing field reason"),
        ("text", "an object is expected"),
    ],
)
def test_an_entry_that_names_nothing_is_an_error(tmp_path: Path, entry: object, problem: str) -> None:
    file = tmp_path / "exempt.json"
    file.write_text(json.dumps([entry]))
    with pytest.raises(ExemptionError, match=problem):
        load_exemptions(file)


@pytest.mark.parametrize("content", ["{", "{}"])
def test_a_file_that_is_no_list_is_an_error(tmp_path: Path, content: str) -> None:
    file = tmp_path / "exempt.json"
    file.write_text(content)
    with pytest.raises(ExemptionError, match=r"exempt\.json"):
        load_exemptions(file)
    with pytest.raises(ExemptionError, match="cannot be read"):
        load_exemptions(tmp_path / "absent.json")


def test_the_golden_file_is_understood() -> None:
    golden = Path(__file__).parents[1] / "golden" / "mixed" / "exempt.json"
    volatility, stress = load_exemptions(golden)
    assert volatility.columns[0] == "realized_volatility_21d"
    assert stress.columns == "*"
    assert date.fromisoformat(str(stress.where["calculation_date"][0])) == DAY
