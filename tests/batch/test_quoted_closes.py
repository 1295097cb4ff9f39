"""A store says once which closes its values come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import engine
from engine.core.rules import Rules
from tests.analytics.positions.test_quoted import raw
from tests.builders import position
from tests.small_stores import SESSIONS, database, rising, run, world
from tests.stores.ageing import NoteCollector


def noted(path: Path, rules: Rules, *symbols: str) -> tuple[engine.Report, list[str], str | None]:
    """A run into a store with quoted closes of some symbols: its report, remarks, and the setting."""
    lots = [position(), position("BBB"), position("HOUSE", investment_class="PRIVATE")]
    rows: dict[str, Any] = {
        "positions": lots,
        "market_data_cache": [*rising(), *rising("BBB")],
        "engine_raw_closes": [raw(SESSIONS[0], "100", "99", symbol) for symbol in symbols],
    }
    url, heard = database(path / "store.duckdb", world(**rows)), NoteCollector()
    report = run(url, url, rules=rules, progress=heard)
    settings = dict(engine.open(url).read("engine_settings", columns=["name", "value"]).iter_rows())
    return report, [line for line in heard.lines if "engine_raw_closes" in line], settings.get("closes")


def test_a_store_without_quoted_closes_says_so_once(tmp_path: Path) -> None:
    report, lines, setting = noted(tmp_path, Rules.corrected())
    assert lines == [report.closes_note]
    assert "no close of 2 of 2 symbols, AAA first" in report.closes_note
    assert setting == "adjusted"
    assert set(report.outcomes.filter(job="pnl")["status"]) == {"ok"}


def test_a_store_with_some_names_the_others(tmp_path: Path) -> None:
    report, _, setting = noted(tmp_path, Rules.corrected(), "AAA")
    assert "no close of 1 of 2 symbols, BBB first" in report.closes_note
    assert setting == "partly quoted"


def test_a_store_with_all_and_one_by_legacy_rules_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    report, lines, setting = noted(tmp_path / "all", Rules.corrected(), "AAA", "BBB")
    assert (report.closes_note, lines, setting) == ("", [], "quoted")
    report, lines, setting = noted(tmp_path, Rules.legacy())
    assert (report.closes_note, lines, setting) == ("", [], None)
