"""An inventory of a store whose closes are collected elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

from engine.analyst.inventory import inventory
from tests.small_stores import database, run, world


def test_a_separate_target_does_not_know_stale_sessions(tmp_path: Path) -> None:
    source, target = database(tmp_path / "in.duckdb", world()), f"duckdb:///{tmp_path}/out.duckdb"
    run(source, target)
    assert inventory(target).to_text().splitlines()[-1].startswith("stale sessions are not known here")
    assert json.loads(inventory(target).to_json())["note"] == inventory(target).note
    run(source)
    assert "not known" not in inventory(source).to_text()
