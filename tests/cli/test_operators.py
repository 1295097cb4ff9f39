"""Runs as an operator sees them: records, ledger, counters, alarms, exit codes."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from tests.builders import portfolio, position, uid
from tests.memory_store import frame_of
from tests.small_stores import RUN_DATE, SESSIONS, database, world

WINDOW = ["--start", f"{SESSIONS[0]}", "--end", f"{SESSIONS[-1]}", "--run-date", f"{RUN_DATE}"]


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return database(tmp_path / "store.duckdb", world(portfolios=[portfolio(), portfolio("Q")]))


def record() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path("run_results.json").read_text())
    return content


def backfill(url: str, *more: str) -> int:
    return main(["backfill", "--from", url, *WINDOW, "--quiet", *more])


def test_the_record_says_who_ran_what_and_how_it_ended(url: str) -> None:
    assert backfill(url) == 0
    last = record()
    assert (last["exit_code"], last["engine_version"], last["rules"]) == (0, "0.2.0", "legacy")
    assert datetime.fromisoformat(last["started_at"]) <= datetime.fromisoformat(last["finished_at"])
    # 12 jobs of 2 portfolios in 8 sessions.
    assert sum(last["jobs"].values()) == 12 * 2 * 8
    undone = sum(row["sessions"] for row in last["jobs_by_reason"])
    assert undone == sum(last["jobs"].values()) - last["jobs"]["ok"]
    assert len(last["run_ids"]) == 1


def test_each_run_keeps_its_record(url: str) -> None:
    backfill(url)
    first = record()
    backfill(url)
    kept = [json.loads(path.read_text()) for path in sorted(Path("run_results").iterdir())]
    assert [one["run_ids"] for one in kept] == [first["run_ids"], record()["run_ids"]]


def test_a_run_that_fails_has_its_exit_code_on_record(url: str) -> None:
    assert main(["backfill", "--from", url, "--start", "2025-03-05", "--end", "2025-03-03", "--quiet"]) == 2
    assert (record()["exit_code"], "before it starts" in record()["error"]) == (2, True)


def test_runs_shows_counts_and_all_of_one(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    backfill(url)
    last = record()
    capsys.readouterr()
    assert main(["runs", url]) == 0
    jobs = last["jobs"]
    assert f"{jobs['ok']}/{jobs['partial']}/{jobs['failed']}" in capsys.readouterr().out
    assert main(["runs", url, last["run_ids"][0][:8]]) == 0
    shown = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert shown["id"] == last["run_ids"][0]
    assert (shown["jobs_ok"], shown["threshold"], shown["rules"]) == (f"{jobs['ok']}", "0.9500", "legacy")
    assert (shown["run_date"], shown["engine_version"]) == (f"{RUN_DATE}", "0.2.0")
    assert main(["runs", url, "ffffffff"]) == 2


@pytest.mark.parametrize(("more", "code"), [([], 0), (["--strict"], 1)])
def test_strict_exits_with_1_where_figures_failed(url: str, more: list[str], code: int) -> None:
    """A book of one lot without factor funds: no beta is possible."""
    assert backfill(url, *more) == code
    assert record()["jobs"]["failed"] > 0


def test_the_summary_names_jobs_by_reason(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    backfill(url)
    lines = capsys.readouterr().out.splitlines()
    (counts,) = [line for line in lines if line.startswith("jobs by session of each portfolio: ")]
    assert f"{record()['jobs']['ok']} ok" in counts
    assert any(line.startswith("failed: market_beta in ") for line in lines)


def test_names_of_portfolios_are_on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    owners = [portfolio(), portfolio("Q", None) | {"name": "Unfunded"}]
    url = database(tmp_path / "store.duckdb", world(portfolios=owners))
    assert backfill(url) == 1
    assert record()["portfolio_names"] == {uid("Q"): "Unfunded"}


def test_metrics_are_written_at_once_and_also_of_a_failed_run(url: str) -> None:
    assert backfill(url, "--metrics", "engine.prom") == 0
    text = Path("engine.prom").read_text()
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert samples['engine_run_exit_code{command="backfill"}'] == "0"
    assert samples["engine_run_sessions"] == "8"
    assert samples['engine_jobs{status="ok"}'] == f"{record()['jobs']['ok']}"
    assert text.count("# TYPE engine_jobs gauge") == 1
    assert main(["backfill", "--from", "duckdb:///absent.duckdb", "--quiet", "--metrics", "engine.prom"]) == 2
    assert 'engine_run_exit_code{command="backfill"} 2' in Path("engine.prom").read_text()
    assert not list(Path().glob("*.tmp"))


def test_the_check_of_a_store_rings_for_a_portfolio_that_is_missing(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    backfill(url)
    assert main(["status", url, "--check"]) == 0
    assert capsys.readouterr().err == ""
    late = portfolio("R")
    from engine.batch.copy import write_frames
    from engine.core.progress import Quiet

    frames = {
        "portfolios": frame_of("portfolios", [late]),
        "positions": frame_of("positions", [position(owner="R")]),
    }
    write_frames(url, frames, 5_000, Quiet())
    assert main(["status", url, "--check"]) == 1
    assert "problem: 8 sessions are missing" in capsys.readouterr().err
