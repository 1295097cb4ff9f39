"""Configuration: defaults < engine.toml < environment; an unknown key is an error; no secret shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli.settings import Config, load
from engine.core.errors import UsageError
from tests.stores.support import command


def written(folder: Path, text: str) -> Path:
    (folder / "engine.toml").write_text(text)
    return folder


def test_nothing_set_gives_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, {"PATH": "/bin"}) == Config()


def test_the_file_goes_over_the_defaults_and_the_environment_over_both(tmp_path: Path) -> None:
    folder = written(tmp_path, 'database = "duckdb:///file"\nbatch_size = 7\n')
    assert load(folder, {}) == Config(database="duckdb:///file", batch_size=7)
    variables = {"ENGINE_BATCH_SIZE": "9", "ENGINE_RUN_RESULTS": "r.json"}
    assert load(folder, variables) == Config("duckdb:///file", 9, "r.json")


@pytest.mark.parametrize(
    ("text", "variables", "words"),
    [
        ("batchsize = 7", {}, r"engine.toml: unknown key batchsize \(nearest: batch_size\)"),
        ("", {"ENGINE_DATABSE": "x"}, r"unknown key databse \(nearest: database\)"),
        ("batch_size = 0", {}, "batch_size must be a positive whole number, found 0"),
        ("batch_size = true", {}, "batch_size must be a positive whole number"),
        ("batch_size = 1.5", {}, "batch_size must be a positive whole number"),
        ("", {"ENGINE_BATCH_SIZE": "-3"}, "found '-3'"),
        ("", {"ENGINE_BATCH_SIZE": "many"}, "found 'many'"),
        ("database = 5", {}, "database must be text"),
        ("[database]\nurl = 'x'", {}, "database must be text"),
        ("database = ", {}, "is no TOML"),
    ],
)
def test_what_is_not_understood_is_an_error(
    text: str, variables: dict[str, str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=words):
        load(written(tmp_path, text), variables)


@pytest.mark.parametrize(
    "text",
    [
        'database = ["postgresql://u:s3cret@h/db"]',
        'batch_size = "postgresql://u:s3cret@h/db"',
        '"postgresql://u:s3cret@h/db" = 1',
    ],
)
def test_an_error_shows_no_secret(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load(written(tmp_path, text), {})
    assert "s3cret" not in str(caught.value)


def test_settings_are_shown_without_their_password() -> None:
    shown = Config(database="postgresql://u:s3cret@h/db?password=s3cret").shown()
    assert shown["database"] == "postgresql://u:***@h/db?password=***"


@pytest.mark.thorough
def test_a_run_records_its_settings_without_their_password(tmp_path: Path) -> None:
    written(tmp_path, 'database = "postgresql://u:s3cret@127.0.0.1:1/db"\nrun_results = "run_results.json"\n')
    ended = command(tmp_path, "backfill", "--quiet")
    assert ended.code == 2
    assert "s3cret" not in ended.everything
    assert json.loads(ended.results)["settings"]["database"] == "postgresql://u:***@127.0.0.1:1/db"
