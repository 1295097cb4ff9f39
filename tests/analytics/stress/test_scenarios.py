"""Scenario files: the engine's own, the legacy batch's, and everything that can be wrong with one."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.analytics.stress.scenario_file import ScenarioError, ScenarioFileError, UnknownFactorError
from engine.analytics.stress.scenarios import Scenarios, load_scenarios, scenario
from engine.core.errors import EngineError
from tests.analytics.regressions import GOLDEN

BODY = {
    "name": "Fall",
    "description": "Stocks fall",
    "shocked_factors": {"Market": -0.1, "Interest_Rate": 1},
    "category": "market",
    "severity": "mild",
    "active": True,
}


COVID = ["2020-02-19", "2020-03-23"]


def written(folder: Path, content: object, name: str = "scenarios.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def with_body(**changes: object) -> dict[str, Any]:
    return {"stress_scenarios": {"falls": {"fall": BODY | changes}}}


def with_window(window: object) -> dict[str, Any]:
    body = {**BODY, "window": window}
    del body["shocked_factors"]
    return {"stress_scenarios": {"falls": {"fall": body}}}


def without(field: str) -> dict[str, Any]:
    return {"stress_scenarios": {"falls": {"fall": {k: v for k, v in BODY.items() if k != field}}}}


def test_the_engine_brings_the_scenarios_of_the_legacy_batch_along() -> None:
    own, legacy = load_scenarios(), load_scenarios(GOLDEN / "mixed" / "inputs" / "stress_scenarios.json")
    assert (len(own.all), len(own.active)) == (22, 19)
    assert nameless(own) == nameless(legacy)
    assert [list(s.shocks) for s in own.all] == [list(s.shocks) for s in legacy.all]
    assert own.bounds == legacy.bounds == (-0.95, 0.95)


def nameless(scenarios: Scenarios) -> list[object]:
    """All but the descriptions, which are in other words."""
    return [replace(scenario, description="") for scenario in scenarios.all]


def test_json_and_toml_say_the_same(tmp_path: Path) -> None:
    toml = """
        [stress_scenarios.falls.fall]
        name = "Fall"
        description = "Stocks fall"
        shocked_factors = { Market = -0.1, Interest_Rate = 1 }
        category = "market"
        severity = "mild"
        active = true
    """
    from_toml = load_scenarios(written(tmp_path, toml, "s.TOML"))
    assert from_toml == load_scenarios(written(tmp_path, with_body()))
    (scenario,) = from_toml.all
    assert scenario.shocks == {"Market": -0.1, "Interest_Rate": 1.0}
    assert (scenario.id, scenario.group, scenario.category) == ("fall", "falls", "market")


@pytest.mark.parametrize("dates", ['["2020-02-19", "2020-03-23"]', "[2020-02-19, 2020-03-23]"])
def test_a_window_stands_in_place_of_shocks(dates: str, tmp_path: Path) -> None:
    toml = f"""
        [stress_scenarios.falls.fall]
        name = "Fall"
        description = "Stocks fall"
        window = {dates}
        category = "market"
        severity = "mild"
        active = true
    """
    from_toml = load_scenarios(written(tmp_path, toml, "s.toml"))
    assert from_toml == load_scenarios(written(tmp_path, with_window(COVID)))
    assert from_toml.all[0].window == (date(2020, 2, 19), date(2020, 3, 23))
    assert from_toml.windows == (from_toml.all[0].window,)
    assert replace(from_toml, all=(replace(from_toml.all[0], active=False),)).windows == ()


def test_a_time_of_day_is_no_date_of_a_window() -> None:
    with pytest.raises(ScenarioError, match="scenario fall: field window must be two dates"):
        scenario("Fall", window=(datetime(2020, 2, 19), date(2020, 3, 23)))


def test_a_scenario_that_is_not_active_is_kept_apart(tmp_path: Path) -> None:
    found = load_scenarios(written(tmp_path, with_body(active=False)))
    assert len(found.all) == 1
    assert found.active == ()


def test_the_range_of_correlations_comes_from_the_file(tmp_path: Path) -> None:
    bounds = {"min_factor_correlation": -0.5, "max_factor_correlation": 1}
    found = load_scenarios(written(tmp_path, with_body() | {"configuration": bounds}))
    assert found.bounds == (-0.5, 1.0)


def test_scenarios_travel_to_other_processes() -> None:
    assert pickle.loads(pickle.dumps(load_scenarios())) == load_scenarios()


def test_an_unknown_factor_is_named_with_its_scenario_and_the_nearest_known(tmp_path: Path) -> None:
    path = written(tmp_path, with_body(shocked_factors={"Interest Rate": 0.01}))
    with pytest.raises(UnknownFactorError) as found:
        load_scenarios(path)
    error = found.value
    assert (error.source, error.scenario, error.factor) == (str(path), "fall", "Interest Rate")
    assert isinstance(error, ScenarioError)
    assert isinstance(error, LookupError)
    assert "scenario fall: unknown factor 'Interest Rate' (nearest: Interest_Rate)" in str(error)
    assert "Known are Market, Value" in str(error)


TWICE = json.dumps(with_body()).replace('"fall": {', '"fall": {}, "fall": {', 1)
WRONG = {
    "empty file": ("", "no scenario"),
    "no scenarios": ({"stress_scenarios": {}}, "no scenario"),
    "empty group": ({"stress_scenarios": {"falls": {}}}, "no scenario"),
    "not json": ("{", "cannot be read"),
    "a list": ([], "the file must be a table"),
    "groups in a list": ({"stress_scenarios": []}, "stress_scenarios must be a table"),
    "group of nothing": ({"stress_scenarios": {"falls": None}}, "group falls must be a table"),
    "scenario of nothing": ({"stress_scenarios": {"falls": {"fall": 1}}}, "scenario fall must be a table"),
    "unknown key": (with_body() | {"stress_scenario": {}}, "unknown key 'stress_scenario' (nearest: stress_"),
    "unknown field": (with_body(sevrity="mild"), "scenario fall: unknown key 'sevrity' (nearest: severity)"),
    "unknown setting": (with_body() | {"configuration": {"x": 1}}, "configuration: unknown key 'x'"),
    "key twice": (TWICE, "key 'fall' is repeated"),
    "id twice": (
        {"stress_scenarios": {"a": {"fall": BODY}, "b": {"fall": BODY}}},
        "scenario fall: the id is used twice, in a and b",
    ),
    **{f"no {field}": (without(field), f"scenario fall: field {field} is missing") for field in BODY},
    "shocks and window": (with_body(window=COVID), "scenario fall: it has both window and shocked_factors"),
    "window reversed": (with_window(COVID[::-1]), "scenario fall: field window must end after 2020-03-23"),
    "window of a day": (with_window(COVID[:1] * 2), "scenario fall: field window must end after 2020-02-19"),
    "window of one date": (with_window(COVID[:1]), "scenario fall: field window must be two dates"),
    "window of three dates": (with_window([*COVID, "2020-04-01"]), "must be two dates"),
    "window of words": (with_window(["spring", "2020-03-23"]), "must be two dates"),
    "window of numbers": (with_window([2020, 2021]), "must be two dates"),
    "window of nothing": (with_window(None), "must be two dates"),
    "blank name": (with_body(name=" "), "field name must be a text"),
    "severity in numbers": (with_body(severity=3), "field severity must be a text"),
    "active in words": (with_body(active="yes"), "field active must be true or false"),
    "no shock": (with_body(shocked_factors={}), "must name a factor"),
    "shocks in a list": (with_body(shocked_factors=["Market"]), "must name a factor"),
    "shock in words": (
        with_body(shocked_factors={"Market": "-10%"}),
        "shock of Market must be a finite number",
    ),
    "true for a shock": (with_body(shocked_factors={"Market": True}), "must be a finite number, not True"),
    "no number": (with_body(shocked_factors={"Market": float("nan")}), "must be a finite number, not nan"),
    "boundless": (with_body(shocked_factors={"Market": float("-inf")}), "must be a finite number, not -inf"),
    "too large": (with_body(shocked_factors={"Market": 10**400}), "must be a finite number, not 1"),
    "range reversed": (
        with_body() | {"configuration": {"min_factor_correlation": 0.9, "max_factor_correlation": 0.1}},
        "must be a range within -1 and 1",
    ),
    "range beyond 1": (with_body() | {"configuration": {"max_factor_correlation": 2}}, "2"),
    "range in words": (with_body() | {"configuration": {"max_factor_correlation": "1"}}, "must be a range"),
    "configuration in a list": (with_body() | {"configuration": []}, "configuration must be a table"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_refused_with_its_reason(tmp_path: Path, case: str) -> None:
    content, message = WRONG[case]
    path = written(tmp_path, content)
    with pytest.raises(ScenarioFileError) as found:
        load_scenarios(path)
    assert message in str(found.value)
    assert str(path) in str(found.value)
    assert issubclass(ScenarioFileError, EngineError)
    assert issubclass(ScenarioFileError, ValueError)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.json", None, "cannot be read"),
        ("s.yaml", "", "must end in .toml or .json"),
        ("s.toml", "", "no scenario"),
        ("s.toml", "[a]\n[a]\n", "cannot be read"),
        (
            "s.toml",
            "[stress_scenarios.falls.fall]\nshocked_factors = { Market = nan }",
            "field name is missing",
        ),
    ],
)
def test_a_file_that_is_no_scenario_file_is_refused(
    tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    path = tmp_path / name if content is None else written(tmp_path, content, name)
    with pytest.raises(ScenarioFileError, match=message):
        load_scenarios(path)


def test_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(ScenarioFileError, match="cannot be read"):
        load_scenarios(path)
