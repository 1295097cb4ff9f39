"""A store has its rules: recorded by the first run, kept by later ones, changed by computing all anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

import engine
import engine.core.progress
from engine.batch import steps
from engine.batch.store_rules import OtherRulesError, UnfinishedRecomputeError
from engine.cli.main import main
from engine.core.errors import UsageError
from engine.core.rules import Rules
from loaders import open_reader
from loaders.store_rules import read_rules
from tests.builders import portfolio, position, uid
from tests.marks import first
from tests.small_stores import RUN_DATE, SESSIONS, content, database, folder, run, snapshots, unequal, world

SPLIT = SESSIONS[3]
AFTER = SESSIONS[4]
SIGNED = replace(Rules.legacy(), rate_weights="signed")
EXIT = SESSIONS[2]


def closed_lot() -> dict[str, Any]:
    """A lot that was closed on the third session, its quantity kept: legacy rules let it earn on."""
    return {**position(), "exit_date": EXIT, "exit_price": "102"}


@pytest.fixture(params=first(1, [database, folder]), ids=["duckdb", "parquet"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    make: Callable[[Path, Any], str] = request.param
    name = "store.duckdb" if make is database else "store"
    return make(tmp_path / name, world(positions=[closed_lot()]))


def compute(url: str, start: date = SESSIONS[0], end: date = SESSIONS[-1], **more: Any) -> engine.Report:
    return run(url, url, start, end, **more)


def again(url: str, **more: Any) -> engine.Report:
    """All of the store anew."""
    return engine.backfill(url, url, end=SESSIONS[-1], run_date=RUN_DATE, recompute=True, **more)


def recorded(url: str) -> Rules | None:
    with open_reader(url) as reader:
        return read_rules(reader).rules


def daily_pnl(url: str) -> list[float]:
    return [float(value) for value in snapshots(url)["daily_pnl"]]


def test_the_first_run_records_every_rule(url: str) -> None:
    compute(url, end=SPLIT, rules=SIGNED)
    with open_reader(url) as reader:
        rows = dict(reader.read("engine_settings", ["name", "value"]).iter_rows())
    assert rows == {f"rule.{name}": value for name, value in SIGNED.record.items()}
    assert engine.open(url).rules == SIGNED


def test_a_later_run_takes_the_rules_of_the_store(url: str, tmp_path: Path) -> None:
    compute(url, end=SPLIT, rules=Rules.corrected())
    compute(url, AFTER)
    whole = database(tmp_path / "whole.duckdb", world(positions=[closed_lot()]))
    compute(whole, rules=Rules.corrected())
    assert daily_pnl(url) == daily_pnl(whole)
    assert recorded(url) == Rules.corrected()


def test_naming_the_same_rules_is_no_change(url: str) -> None:
    compute(url, end=SPLIT, rules=Rules.corrected())
    assert compute(url, AFTER, rules=Rules.corrected()).complete


def test_other_rules_are_refused_by_name_and_nothing_is_written(url: str) -> None:
    compute(url, end=SPLIT, rules=Rules.corrected())
    before = content(url)
    with pytest.raises(OtherRulesError) as raised:
        compute(url, AFTER, rules=Rules.legacy())
    assert raised.value.differences == tuple(Rules.legacy().differences(Rules.corrected()))
    assert "has the rules corrected, this run names legacy" in str(raised.value)
    assert "--recompute" in str(raised.value)
    assert unequal(before, content(url)) == []


def test_figures_without_a_record_are_legacy(url: str) -> None:
    compute(url, end=SPLIT)
    _forget(url)
    assert engine.open(url).rules == Rules.legacy()
    with pytest.raises(OtherRulesError):
        compute(url, AFTER, rules=SIGNED)
    compute(url, AFTER)
    assert recorded(url) == Rules.legacy()


def test_a_rule_that_the_record_lacks_stays_legacy_and_is_named_once(url: str) -> None:
    compute(url, end=SPLIT, rules=SIGNED)
    _forget(url, "rule.closed_lots")
    notes = _Notes()
    compute(url, AFTER, SESSIONS[5], progress=notes)
    assert [text for text in notes.texts if "kept at legacy: closed_lots" in text]
    assert recorded(url) == SIGNED
    later = _Notes()
    compute(url, SESSIONS[6], progress=later)
    assert not [text for text in later.texts if "kept at legacy" in text]


@pytest.mark.thorough
def test_recompute_changes_every_session(url: str, tmp_path: Path) -> None:
    compute(url, end=SPLIT)
    compute(url, AFTER)
    again(url, rules=Rules.corrected())
    whole = database(tmp_path / "whole.duckdb", world(positions=[closed_lot()]))
    compute(whole, rules=Rules.corrected())
    assert daily_pnl(url) == daily_pnl(whole)
    assert recorded(url) == Rules.corrected()
    assert compute(url, AFTER).complete


def test_recompute_takes_no_part_of_a_store(url: str) -> None:
    compute(url)
    for part in ({"start": AFTER}, {"portfolios": [uid("P")]}, {"only": ["portfolio_snapshots"]}):
        with pytest.raises(UsageError, match="all sessions, portfolios and tables"):
            again(url, rules=SIGNED, **part)


def test_an_interrupted_recompute_must_be_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = world(
        portfolios=[portfolio(owner) for owner in "PQR"],
        positions=[{**position(owner=owner), "exit_date": EXIT, "exit_price": "102"} for owner in "PQR"],
    )
    url = database(tmp_path / "store.duckdb", rows)
    compute(url)
    _cut_after_two_shards(monkeypatch)
    with pytest.raises(RuntimeError, match="cut"):
        again(url, rules=Rules.corrected(), shard_size=1)
    monkeypatch.undo()
    with pytest.raises(UnfinishedRecomputeError, match="--rules corrected --recompute"):
        compute(url, AFTER)
    again(url, rules=Rules.corrected(), shard_size=1)
    whole = database(tmp_path / "whole.duckdb", rows)
    compute(whole, rules=Rules.corrected())
    both = {"portfolio_snapshots", "position_market_betas"}
    assert not both & set(unequal(content(url), content(whole)))
    assert compute(url, AFTER).complete


def test_a_new_target_takes_the_recorded_rules_of_the_source(url: str, tmp_path: Path) -> None:
    compute(url, end=SPLIT, rules=Rules.corrected())
    target = f"duckdb:///{tmp_path}/target.duckdb"
    run(url, target, AFTER)
    assert recorded(target) == Rules.corrected()


def test_a_dry_run_records_nothing(url: str) -> None:
    compute(url, rules=SIGNED, dry_run=True)
    assert recorded(url) is None


def test_the_command_line_chooses_single_rules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = database(tmp_path / "store.duckdb", world(positions=[closed_lot()]))
    days = ["--start", f"{SESSIONS[0]}", "--end", f"{SPLIT}", "--run-date", f"{RUN_DATE}"]
    monkeypatch.chdir(tmp_path)
    arguments = ["backfill", "--from", url, "--quiet", *days, "--rules"]
    assert main([*arguments, "legacy,closed_lots=stop"]) == 0
    assert recorded(url) == replace(Rules.legacy(), closed_lots="stop")
    assert main([*arguments, "corrected"]) == 2
    assert "has the rules legacy,closed_lots=stop, this run names corrected" in capsys.readouterr().err


class _Notes(engine.core.progress.Quiet):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        self.texts.append(text)


def _forget(url: str, name: str | None = None) -> None:
    """Take a setting, or all of them, out of a store."""
    if url.startswith("duckdb"):
        with duckdb.connect(url.removeprefix("duckdb:///")) as connection:
            connection.execute("delete from engine_settings" + (f" where name = '{name}'" if name else ""))
        return
    path = Path(url.removeprefix("parquet:///")) / "engine_settings.parquet"
    rows = pl.read_parquet(path)
    rows.filter(pl.col("name") != name if name else pl.lit(False)).write_parquet(path)


def _cut_after_two_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = steps.compute, []

    def cut(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) > 2:  # the first is committed before the third begins
            raise RuntimeError("cut")
        return real(*arguments)

    monkeypatch.setattr(steps, "compute", cut)
