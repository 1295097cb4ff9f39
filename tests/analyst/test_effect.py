"""The effect of rules, counted by hand: what moves, what is new, what is gone."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import pytest

import engine
from engine.batch.copy import copy
from engine.cli.main import main
from engine.core.errors import UsageError
from engine.core.progress import Quiet
from engine.core.rules import Rules

GOLDEN = f"parquet://{Path(__file__).parents[1] / 'golden' / 'edge' / 'inputs'}"
DAYS = {"start": date(2025, 4, 7), "end": date(2025, 4, 11)}


def cell(found: engine.Effect, table: str, column: str) -> dict[str, object]:
    return found.cells.filter(table=table, column=column).row(0, named=True)


def test_a_rule_that_is_the_same_changes_nothing() -> None:
    found = engine.effect(GOLDEN, against=Rules.legacy(), **DAYS)
    assert found.nothing
    assert found.dollars["equity_change"].unique().to_list() == [0.0]
    assert found.to_text().endswith("no figure changes")


def test_a_single_rule_moves_only_what_its_page_says() -> None:
    found = engine.effect(GOLDEN, rule="sectors", **DAYS, run_date=date(2026, 11, 23))
    assert found.before.differences(found.after) == ["sectors"]
    assert set(found.cells["table"]) == {"portfolio_snapshots", "engine_sector_exposures"}
    snapshots = found.cells.filter(table="portfolio_snapshots")
    names = (
        "sector_exposure",
        "hhi",
        "effective_num_positions",
        "top_3_concentration",
        "top_10_concentration",
    )
    assert set(snapshots["column"]) == set(names)
    # No session of the window is the run date, so that all figures are new.
    assert snapshots.select("moved", "gone").sum().row(0) == (0, 0)
    assert snapshots["new"].n_unique() == 1


def test_counts_and_changes_are_those_of_two_runs_side_by_side() -> None:
    found = engine.effect(GOLDEN, rule="zero_closes", **DAYS, run_date=date(2026, 11, 23))
    inputs = engine.open(GOLDEN).inputs(DAYS["start"], DAYS["end"], run_date=date(2026, 11, 23))
    both = (found.before, found.after)
    runs = [engine.compute(inputs, rules=rules)["portfolio_snapshots"] for rules in both]
    sides = (run.sort("portfolio_id", "snapshot_date")["daily_pnl"] for run in runs)
    changes = [(abs(new - old), new - old) for old, new in zip(*sides, strict=True) if new != old]
    row = cell(found, "portfolio_snapshots", "daily_pnl")
    assert row["moved"] == len(changes) > 0
    assert row["worst_change"] == pytest.approx(float(max(changes)[1]), abs=1e-9)
    assert found.dollars["worst_daily_pnl"].abs().max() == pytest.approx(float(max(changes)[0]), abs=1e-9)


def test_an_unknown_rule_and_a_store_without_sessions_are_named() -> None:
    with pytest.raises(UsageError, match=r"no rule 'sector' \(nearest: sectors\)"):
        engine.effect(GOLDEN, rule="sector", **DAYS)
    with pytest.raises(UsageError, match="has no session: say --start and --end"):
        engine.effect(GOLDEN)


def test_the_command_prints_json_writes_a_page_and_leaves_the_store_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, window = tmp_path / "effect.html", ["--start", "2025-04-07", "--end", "2025-04-11"]
    assert main(["effect", GOLDEN, *window, "--rule", "zero_closes", "--json", "--html", f"{page}"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["changed"] == "zero_closes: prices -> missing"
    assert {row["table"] for row in content["cells"]} >= {"portfolio_snapshots"}
    assert "Effect of rules" in page.read_text("utf-8")


def test_without_a_window_the_stored_sessions_are_computed(tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path}/edge.duckdb"
    copy(GOLDEN, url, 5_000, Quiet())
    engine.backfill(url, **DAYS, run_date=date(2026, 11, 23))
    path = f"{tmp_path}/edge.duckdb"
    with duckdb.connect(path, read_only=True) as store:
        before = store.execute("select count(*), sum(daily_pnl) from portfolio_snapshots").fetchall()
    found = engine.effect(url, rule="zero_closes")
    assert found.window == (DAYS["start"], DAYS["end"])
    assert cell(found, "portfolio_snapshots", "daily_pnl")["moved"] != 0
    with duckdb.connect(path, read_only=True) as store:
        assert store.execute("select count(*), sum(daily_pnl) from portfolio_snapshots").fetchall() == before
