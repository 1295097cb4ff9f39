"""Reading of scenario files: what is parsed, and what is refused with which message."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.analytics.stress.scenario_file import (
    ScenarioError,
    ScenarioFileError,
    UnknownFactorError,
    mapping,
    no_unknown,
    read_document,
)


def read(folder: Path, text: str, name: str) -> dict[str, object]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_document(path, name)


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.json", '{"a": {"b": 0.5}}'), ("a.toml", "[a]\nb = 0.5"), ("A.TOML", "a.b = 0.5")],
)
def test_json_and_toml_are_read_alike(tmp_path: Path, name: str, text: str) -> None:
    assert read(tmp_path, text, name) == {"a": {"b": 0.5}}


@pytest.mark.parametrize("name", ["a.json", "a.toml"])
def test_a_blank_file_is_an_empty_document(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, " \n", name) == {}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "a: 1", r"a\.yaml: the name must end in \.toml or \.json"),
        ("a.json", "{", r"a\.json: cannot be read"),
        ("a.toml", "a = ", r"a\.toml: cannot be read"),
        ("a.json", '{"x": {"a": 1, "a": 2}}', r"key 'a' is repeated"),
        ("a.toml", "a = 1\na = 2", r"a\.toml: cannot be read"),
        ("a.json", "[1]", r"the file must be a table"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(ScenarioFileError, match=message):
        read(tmp_path, text, name)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ScenarioFileError, match=r"scenario file none\.toml: cannot be read"):
        read_document(tmp_path / "none.toml", "none.toml")


def test_values_that_must_be_tables_and_keys_that_must_be_known() -> None:
    assert mapping("f", "it", {"a": 1}) == {"a": 1}
    with pytest.raises(ScenarioFileError, match="scenario file f: it must be a table"):
        mapping("f", "it", [1])
    no_unknown("f", ["name"], ["name", "active"])
    with pytest.raises(ScenarioFileError, match=r"scenario s: unknown key 'nam'.*name"):
        no_unknown("f", ["nam"], ["name"], "scenario s: ")


def test_errors_name_the_scenario_and_the_factor() -> None:
    error = UnknownFactorError("f", "fall", "Markt", ("Market", "Value"))
    assert isinstance(error, ScenarioError)
    assert (error.source, error.scenario, error.factor) == ("f", "fall", "Markt")
    assert "scenario file f: scenario fall: unknown factor 'Markt'" in str(error)
    assert "Market, Value" in str(error)
