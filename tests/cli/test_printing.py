"""Streams that are full or closed: what a command has written counts, and never whether it could say so."""

from __future__ import annotations

import os
import sys
from errno import ENOSPC, EPIPE
from io import StringIO
from pathlib import Path
from typing import TextIO

import pytest

from engine.cli.main import main
from tests.small_stores import RUN_DATE, SESSIONS, database, folder, snapshots, world

FULL = "No space left on device"


class Failing(StringIO):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def flush(self) -> None:
        raise OSError(self.number, os.strerror(self.number))


@pytest.fixture
def full() -> TextIO:
    return Failing(ENOSPC)


@pytest.fixture
def closed() -> TextIO:
    """A pipe whose reader has gone."""
    return Failing(EPIPE)


def window(url: str) -> list[str]:
    days = ["--start", f"{SESSIONS[0]}", "--end", f"{SESSIONS[-1]}", "--run-date", f"{RUN_DATE}"]
    return ["backfill", "--from", url, *days, "--quiet"]


@pytest.mark.parametrize("stream", ["full", "closed"])
def test_a_run_whose_summary_cannot_be_printed_is_done(
    stream: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = database(tmp_path / "x.duckdb", world())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdout", request.getfixturevalue(stream))
    assert main(window(url)) == 0
    why = {"full": FULL, "closed": "Broken pipe"}[stream]
    expected = f"warning: the command is done, but its result cannot be printed: {why}\n"
    assert capsys.readouterr().err == expected
    assert snapshots(url).height == len(SESSIONS)


def test_written_copies_and_tables_are_written(
    full: TextIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = folder(tmp_path / "a", world()), f"duckdb:///{tmp_path}/b.duckdb"
    for command in (["copy", source, target, "--quiet"], ["schema", "--upgrade", target]):
        monkeypatch.setattr(sys, "stdout", full)
        assert main(command) == 0
        assert capsys.readouterr().err.startswith("warning: the command is done")
    monkeypatch.setattr(sys, "stderr", full)
    assert main(["schema", "--create", f"duckdb:///{tmp_path}/c.duckdb"]) == 0


def test_a_command_that_only_reads_fails_if_nobody_can_read_it(
    full: TextIO, closed: TextIO, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", full)
    assert main(["schema", "users"]) == 2
    assert capsys.readouterr().err == f"error: the result cannot be printed: {FULL}\n"
    monkeypatch.setattr(sys, "stdout", closed)
    assert main(["schema", "users"]) == 141
    assert capsys.readouterr().err == ""


def test_an_error_that_cannot_be_printed_keeps_its_exit_code(
    full: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", full)
    assert main(["status", "duckdb:///none.duckdb"]) == 2
