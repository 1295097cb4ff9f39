"""What is refused, and what is not: a refusal never takes more along than it must."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tests.builders import STAMP, portfolio, position, uid
from tests.small_stores import content, folder, run, snapshots, world


def test_a_bad_row_of_a_deleted_portfolio_is_set_aside_and_nobody_refused(tmp_path: Path) -> None:
    gone = portfolio("Gone", deleted_at=STAMP)
    held = [position(), position(owner="Gone"), position(owner="Gone", name="bad", position_type="BOND")]
    source = folder(tmp_path / "in", world(portfolios=[portfolio(), gone], positions=held))
    target = f"duckdb:///{tmp_path}/out.duckdb"
    report = run(source, target)
    assert report.failures.is_empty()
    assert report.quarantine["column"].to_list() == ["position_type"]
    assert snapshots(target).height == 8
    written = content(target)
    assert set(written["analytics_status"]["portfolio_id"]) == {uid("P")}
    assert written["batch_run_tracking"].height == 8
    marked = written["positions"].filter(pl.col("id") == uid("Gone/AAA/"))
    assert marked["market_value"].to_list() == [1070]


def test_a_deleted_portfolio_whose_own_row_is_bad_is_set_aside_alone(tmp_path: Path) -> None:
    gone = portfolio("Gone", deleted_at=STAMP) | {"name": "x" * 300}
    source = folder(tmp_path / "in", world(portfolios=[portfolio(), gone]))
    report = run(source, f"duckdb:///{tmp_path}/out.duckdb")
    assert report.failures.is_empty()
    assert report.quarantine["column"].to_list() == ["name"]
    assert report.portfolios == 1
