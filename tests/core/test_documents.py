"""JSON and TOML of users are read to a limit of size and depth."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from engine.analytics.stress.scenario_file import ScenarioFileError
from engine.analytics.stress.scenarios import load_scenarios
from engine.cli.settings import load
from engine.core.documents import DEEPEST, DocumentError, parsed, read_text
from engine.core.errors import UsageError
from engine.core.window import Window
from engine.parity.comparison_errors import ExemptionError
from engine.parity.exemptions import load_exemptions

DEEP_JSON = ["[" * 100_000, "[" * 500 + "]" * 500, '{"a":' * 200 + "1" + "}" * 200]
DEEP_TOML = ["a=" + "[" * 100_000, "a=" + "[" * 200 + "]" * 200, ".".join("a" * 300) + "=1"]


@pytest.mark.parametrize(
    ("parse", "text"),
    [*((json.loads, text) for text in DEEP_JSON), *((tomllib.loads, text) for text in DEEP_TOML)],
)
def test_a_deep_text_is_refused(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(DocumentError, match="deep"):
        parsed(parse, text)


def test_a_text_as_deep_as_allowed_is_read() -> None:
    text = "[" * DEEPEST + "]" * DEEPEST
    assert parsed(json.loads, text) == json.loads(text)
    with pytest.raises(DocumentError):
        parsed(json.loads, f"[{text}]")


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b" " * (1 << 20))
    assert len(read_text(path, largest_mib=1)) == 1 << 20
    path.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(DocumentError, match="larger than 1 MiB"):
        read_text(path, largest_mib=1)


@pytest.mark.parametrize("text", [*DEEP_JSON, "9" * 5000, '{"a": NaN}', '"' * 9, "\ud800", ""])
def test_every_reader_of_json_names_its_file(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(ScenarioFileError, match=r"x\.json"):
        load_scenarios(path)
    with pytest.raises(ExemptionError, match=r"x\.json"):
        load_exemptions(path)


@pytest.mark.parametrize("text", [*DEEP_TOML, "a = " + "9" * 5000, "\x00", "a = 1\na = 2", "[" * 50])
def test_every_reader_of_toml_names_its_file(text: str, tmp_path: Path) -> None:
    (tmp_path / "engine.toml").write_text(text)
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(UsageError, match=r"engine\.toml"):
        load(tmp_path, {})
    with pytest.raises(ScenarioFileError, match=r"x\.toml"):
        load_scenarios(tmp_path / "x.toml")


def test_many_keys_are_counted_in_proportion(tmp_path: Path) -> None:
    """200,000 keys: compared pair by pair, hours."""
    path = tmp_path / "x.json"
    path.write_text(json.dumps({f"k{n}": 1 for n in range(200_000)}))
    with pytest.raises(ScenarioFileError, match="unknown key 'k0'"):
        load_scenarios(path)


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2101-01-01", "9999-12-31"])
def test_a_run_date_that_no_calendar_has(day: str) -> None:
    with pytest.raises(UsageError, match=day):
        Window(date(2025, 3, 3), date(2025, 3, 4), date.fromisoformat(day))
