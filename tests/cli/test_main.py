"""The command line as a process: its streams and its exit codes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from engine import __version__
from engine.cli.commands import COMMANDS, module_name
from engine.cli.main import main
from tests.marks import first

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden"
GLOBAL, GLOBAL_ID = "H1 Global Long Short", "6b6f7905-f14e-5c74-ad80-fcfd9c4ae704"
MIXED = ["--start", "2025-03-03", "--end", "2025-03-14", "--run-date", "2026-11-23"]


def engine(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder of its own."""
    return subprocess.run(
        [sys.executable, "-m", "engine", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "POLARS_MAX_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def exit_code(arguments: list[str]) -> object:
    """Run a command in this process, which starts no interpreter."""
    try:
        return main(arguments)
    except SystemExit as end:
        return end.code


def source(name: str) -> str:
    return f"parquet:///{GOLDEN / name / 'inputs'}"


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_is_plain_and_complete(tmp_path: Path, command: list[str]) -> None:
    done = engine(tmp_path, *command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: engine ")
    assert done.stderr == ""


def test_help_imports_nothing_heavy() -> None:
    code = f"""
import sys
from contextlib import redirect_stdout, suppress
from engine.cli.main import main
for command in {list(COMMANDS)}:
    with suppress(SystemExit), redirect_stdout(None):
        main([command, "--help"])
print(*sorted(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {module_name(command) for command in COMMANDS} <= set(done.stdout.split())
    heavy = {"polars", "numpy", "duckdb", "sqlalchemy", "pyarrow", "psycopg", "rich"}
    assert not heavy & set(done.stdout.split())


@pytest.mark.parametrize(("command", "threads"), [("daily", "1"), ("backfill", "1"), ("compare", "None")])
def test_commands_that_compute_have_one_thread_of_polars(command: str, threads: str) -> None:
    code = (
        "import os, sys; from engine.__main__ import run; sys.argv = ['engine', sys.argv[1], '--help']\n"
        "try: run()\n"
        "except SystemExit: print(os.environ.get('POLARS_MAX_THREADS'))"
    )
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    command_line = [sys.executable, "-c", code, command]
    shown = subprocess.run(command_line, env=environment, capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == threads


def test_the_console_script_and_the_module_are_the_same(tmp_path: Path) -> None:
    script = Path(sys.executable).parent / "engine"
    done = subprocess.run([script, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == engine(tmp_path, "--version").stdout == f"engine {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bakfill"], "did you mean backfill?"),
        (["--verson"], "there is no option --verson; did you mean --version?"),
        (["backfill", "--strat", "2025-03-03"], "there is no option --strat; did you mean --start?"),
        (
            ["explain", "--portfolo=P", "--figure", "F"],
            "no option --portfolo; did you mean --portfolio?",
        ),
        (["daily", "--rules", "corected"], "no set of rules 'corected' (nearest: corrected)"),
        (["copy", "a", "b", "--zzz"], "there is no option --zzz\n"),
    ],
)
def test_a_mistyped_name_is_answered_with_the_nearest(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert exit_code(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("usage: engine ")
    assert message in printed.err


def test_an_option_may_be_shortened(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["backfill", "--batch", "0"]) == 2
    assert "argument --batch-size: '0' is no positive whole number" in capsys.readouterr().err


def test_a_reader_that_closes_stdout_ends_the_process_silently() -> None:
    command = [sys.executable, "-m", "engine", "schema", "--ddl", "postgres"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pipesize=4096
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "CREATE TABLE users (\n"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


def test_a_backfill_writes_counts_and_leaves_its_record(tmp_path: Path) -> None:
    done = engine(tmp_path, "backfill", "--from", source("mixed"), "--to", "duckdb:///x", *MIXED)
    assert done.returncode == 0, done.stderr
    assert "10 sessions, 2025-03-03 to 2025-03-14" in done.stdout
    assert "load" in done.stderr
    record = json.loads((tmp_path / "run_results.json").read_text())
    assert record["rows"]["portfolio_snapshots"] == 50
    assert record["failures"] == []
    assert record["error"] is None
    assert set(record["seconds"]) == {"load", "compute", "write"}
    assert record["peak_memory_mib"] > 0


def test_json_alone_stands_on_stdout(tmp_path: Path) -> None:
    done = engine(tmp_path, "backfill", "--from", source("mixed"), "--dry-run", "--json", "--quiet", *MIXED)
    assert json.loads(done.stdout)["sessions"] == 10
    assert done.stderr == ""
    assert not list(tmp_path.glob("*.duckdb"))


def test_a_refused_portfolio_is_named_and_the_exit_code_is_1(tmp_path: Path) -> None:
    days = ["--start", "2025-04-07", "--end", "2025-04-11", "--run-date", "2026-11-23"]
    done = engine(tmp_path, "backfill", "--from", source("edge"), "--to", "duckdb:///x", *days)
    assert done.returncode == 1
    assert "refused: portfolio E2 NULL equity (5ad941fe-fac8-5c6a-b70b-eda85ce24818)" in done.stdout
    assert "equity_balance is null" in done.stdout


@pytest.mark.parametrize("portfolio", first(1, [GLOBAL, GLOBAL_ID, GLOBAL_ID.upper()]))
def test_a_portfolio_is_given_by_name_or_by_id(tmp_path: Path, portfolio: str) -> None:
    store = ("--from", source("mixed"), "--to", "duckdb:///x.duckdb")
    done = engine(
        tmp_path, "backfill", *store, "--portfolio", portfolio, "--only", "portfolio_snapshots", *MIXED
    )
    assert done.returncode == 0, done.stderr
    with duckdb.connect(str(tmp_path / "x.duckdb")) as connection:
        rows = connection.sql("select distinct portfolio_id::text from portfolio_snapshots").fetchall()
    assert rows == [(GLOBAL_ID,)]


def test_an_unknown_name_of_a_portfolio_is_answered_with_the_nearest(tmp_path: Path) -> None:
    done = engine(
        tmp_path,
        "backfill",
        "--from",
        source("mixed"),
        "--dry-run",
        "--portfolio",
        "H1 Global Long Shrt",
        *MIXED,
    )
    assert done.returncode == 2
    assert f"nearest: {GLOBAL}" in done.stderr


def test_an_unknown_portfolio_is_a_usage_error(tmp_path: Path) -> None:
    unknown = "00000000-0000-0000-0000-000000000001"
    done = engine(
        tmp_path, "backfill", "--from", source("mixed"), "--to", "duckdb:///x", "--portfolio", unknown, *MIXED
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert unknown in done.stderr


@pytest.mark.thorough
def test_only_writes_the_tables_asked_for(tmp_path: Path) -> None:
    done = engine(
        tmp_path,
        "backfill",
        "--from",
        source("mixed"),
        "--to",
        "duckdb:///x",
        "--only",
        "portfolio_snapshots",
        *MIXED,
    )
    assert done.returncode == 0
    rows = json.loads((tmp_path / "run_results.json").read_text())["rows"]
    assert rows["portfolio_snapshots"] == 50
    # What snapshots cannot stand without comes along: see engine.batch.table_choice.
    state = {"portfolios", "positions", "engine_portfolio_pnl"}
    state |= {"engine_portfolio_openings", "engine_position_openings"}
    assert set(rows) == {"portfolio_snapshots", "position_market_betas"} | state
    elsewhere = ("--from", source("mixed"), "--to", "duckdb:///x")
    wrong = engine(tmp_path, "backfill", *elsewhere, "--only", "portfolio_snapshot", *MIXED)
    assert wrong.returncode == 2
    assert "nearest: portfolio_snapshots" in wrong.stderr


def test_the_demo_runs_without_a_start_and_then_has_nothing_missing(tmp_path: Path, demo_store: Path) -> None:
    shutil.copy(demo_store, tmp_path)
    url = "duckdb:///demo.duckdb"
    again = engine(tmp_path, "backfill", "--from", url, "--end", "2025-12-19", "--quiet")
    assert "nothing to do" in again.stdout
    status = engine(tmp_path, "status", url, "--json")
    assert [row["stored"] for row in json.loads(status.stdout)["portfolios"]] == [251] * 5
    assert all(row["missing"] == 0 for row in json.loads(status.stdout)["portfolios"])


def test_compare_tells_equal_from_different(tmp_path: Path) -> None:
    one, other = (f"parquet:///{GOLDEN / name / 'outputs'}" for name in ("mixed", "edge"))
    same = engine(tmp_path, "compare", one, one, "--json", "found.json", "--html", "found.html")
    assert same.returncode == 0
    assert json.loads((tmp_path / "found.json").read_text())["verdict"] == "equal"
    assert "<html" in (tmp_path / "found.html").read_text()
    assert engine(tmp_path, "compare", one, other).returncode == 1
    assert engine(tmp_path, "compare", one, "duckdb:///nowhere.duckdb").returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["backfill", "--start", "2025-13-01"],
        ["backfill", "--portfolio", "P1"],
        ["backfill", "--batch-size", "0"],
        ["frobnicate"],
        ["schema", "portfolio"],
        ["backfill", "--from", "mysql://host/db"],
        ["backfill", "--start", "2025-03-05", "--end", "2025-03-01", "--from", source("mixed")],
    ],
)
def test_wrong_usage_ends_with_2_and_without_a_traceback(
    tmp_path: Path,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert exit_code(arguments) == 2
    printed = capsys.readouterr().err
    assert printed
    assert "Traceback" not in printed
