"""Ends of runs: SIGTERM as Ctrl-C, and nothing that is cleaned up or reported changes the result."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

import engine
from engine.cli.main import main
from loaders import open_reader
from tests.stores.support import ROOT, assert_same_but_clock, command
from writers.lock import store_lock

START, END, RUN_DATE = date(2025, 3, 3), date(2025, 3, 14), date(2026, 11, 23)
WINDOW = ["--start", f"{START}", "--end", f"{END}", "--run-date", f"{RUN_DATE}"]


def began(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "engine", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(url: str) -> engine.Report:
    return engine.backfill(url, url, start=START, end=END, run_date=RUN_DATE, shard_size=1)


@pytest.mark.parametrize("kind", ["duckdb", "parquet", "postgres"])
@pytest.mark.parametrize("stage", ["plan", "compute", "write"])
def test_sigterm_ends_a_run_as_an_interrupt_does(
    kind: str, stage: str, fresh: Callable[[str], str], tmp_path: Path
) -> None:
    url, clean = fresh(kind), fresh(kind)
    process = began(tmp_path, "backfill", "--from", url, "--to", url, *WINDOW, "--shard-size", "1")
    assert process.stderr is not None
    while stage not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    assert err.splitlines()[-1] == "terminated: nothing of an open transaction was written"
    record = json.loads((tmp_path / "run_results.json").read_text())
    assert "by SIGTERM" in record["error"]
    run(url)
    run(clean)
    assert_same_but_clock(url, clean)


def test_sigterm_ends_a_run_that_waits(fresh: Callable[[str], str], tmp_path: Path) -> None:
    url = fresh("duckdb")
    with store_lock(url, wait=False):
        process = began(tmp_path, "backfill", "--from", url, *WINDOW, "--wait")
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=8)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 143, err


@pytest.mark.parametrize("place", ["no/such/folder/x.json", ".", "/dev/full", "x" * 300])
def test_a_record_that_cannot_be_written_changes_no_result(
    place: str, fresh: Callable[[str], str], tmp_path: Path
) -> None:
    url = fresh("duckdb")
    done = command(tmp_path, "backfill", "--from", url, *WINDOW, "--quiet", ENGINE_RUN_RESULTS=place)
    assert done.code == 0, done.err
    assert done.err.startswith("warning: run_results cannot be written to ")
    with open_reader(url) as reader:
        assert reader.read("portfolio_snapshots").height == 50
    failed = command(tmp_path, "backfill", "--from", "duckdb:///none", ENGINE_RUN_RESULTS=place)
    assert failed.code == 2
    assert failed.err.splitlines()[-1].startswith(
        "error: store duckdb:///none cannot be opened: there is no file"
    )


def test_a_progress_that_nobody_reads_changes_no_result(fresh: Callable[[str], str], tmp_path: Path) -> None:
    url = fresh("duckdb")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "engine", "backfill", "--from", url, *WINDOW],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=full,
            stdout=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 0
    assert b"portfolio_snapshots" in done.stdout


@pytest.mark.parametrize(
    "streams", [">/dev/full", ">&-", ">/dev/full 2>&1", ">&- 2>&-", "2>&-", "<&- >&- 2>&-"]
)
def test_no_stream_of_a_command_changes_what_it_did(
    streams: str, fresh: Callable[[str], str], tmp_path: Path
) -> None:
    """Also closed ones, whose numbers the store's files must not get."""
    url, clean = fresh("duckdb"), fresh("duckdb")
    run(clean)
    command = shlex.join([sys.executable, "-m", "engine", "backfill", "--from", url, *WINDOW])
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} {streams}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert json.loads((tmp_path / "run_results.json").read_text())["exit_code"] == 0
    assert_same_but_clock(url, clean)


def test_the_handler_of_sigterm_is_put_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert main(["schema", "users"]) == 0
    assert signal.getsignal(signal.SIGTERM) is before
    assert "users" in capsys.readouterr().out


def test_a_path_that_is_no_text_is_printed_as_it_is(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine", "import", "--template", b"\xff"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"\xff/positions.csv" in done.stdout
