"""Given is given: an empty text is a usage error in every option, variable and setting."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
from engine.cli.commands import COMMANDS, command_module
from engine.cli.main import main
from engine.cli.settings import load
from engine.core.errors import EngineError, UsageError

KINDS_WITHOUT_A_VALUE = argparse._StoreTrueAction, argparse._HelpAction


def values() -> Iterator[tuple[str, str | None]]:
    """Every option of every command that takes a value; None for its positional words."""
    for name in COMMANDS:
        parser = argparse.ArgumentParser()
        command_module(name).arguments(parser)
        for action in parser._actions:
            if not isinstance(action, KINDS_WITHOUT_A_VALUE):
                yield name, action.option_strings[-1] if action.option_strings else None


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["schema", "users", "--layout", "compact"], "--layout needs --create or --ddl"),
        (["schema", "--upgrade", "duckdb:///no.duckdb", "--layout", "legacy"], "--layout needs"),
        (["report", "duckdb:///no.duckdb", "--run", "--rules", "legacy"], "--run is a page of its own"),
        (["report", "duckdb:///no.duckdb", "--run", "--end", "2025-12-19"], "--run is a page of its own"),
    ],
)
def test_an_option_without_effect_is_a_usage_error(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "  "])
@pytest.mark.parametrize(("command", "option"), sorted(set(values()), key=str))
def test_an_empty_value_is_a_usage_error(
    command: str, option: str | None, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main([command, text] if option is None else [command, f"{option}={text}"])
    assert ended.value.code == 2
    assert list(tmp_path.iterdir()) == []


def test_there_are_options() -> None:
    assert len(set(values())) > 60


@pytest.mark.parametrize("text", [",", " , "])
def test_a_list_that_names_nothing_is_a_usage_error(text: str) -> None:
    for words in (["backfill", "--only", text], ["collect", "prices", "--symbols", text]):
        with pytest.raises(SystemExit):
            main(words)


@pytest.mark.parametrize("name", ["database", "run_results", "rules", "batch_size"])
def test_an_empty_setting_is_a_usage_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{name} is empty"):
        load(tmp_path, {f"ENGINE_{name.upper()}": ""})
    (tmp_path / "engine.toml").write_text(f'{name} = " "')
    with pytest.raises(UsageError, match=f"{name} is empty"):
        load(tmp_path, {})


def test_an_empty_argument_is_none_in_no_call(tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path}/x.duckdb"
    for more in ({"target": ""}, {"only": []}):
        with pytest.raises(UsageError):
            engine.backfill(url, **more)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="recompute"):
        engine.backfill(url, recompute=True, only=[])
    with pytest.raises(EngineError):
        engine.backfill("")


def test_a_store_that_is_named_twice(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["collect", "prices", "duckdb:///a", "--from", "duckdb:///b"]) == 2
    assert "two stores are named" in capsys.readouterr().err
