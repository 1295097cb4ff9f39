"""Refusals of portfolios and rows: none takes more along than it must."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tests.builders import STAMP, portfolio, position, uid
from tests.small_stores import (
    RUN_DATE,
    SESSIONS,
    Content,
    a_user,
    content,
    folder,
    link,
    run,
    snapshots,
    tag,
    world,
)


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


def unfunded_and_tagged() -> Content:
    """P is well; Q has no equity, and a tagged position."""
    return world(
        users=[a_user()],
        portfolios=[portfolio(), portfolio("Q", None)],
        positions=[position(), position(owner="Q")],
        tags_v2=[tag()],
        position_tags=[link(), link("Q")],
    )


@pytest.mark.parametrize("run_date", [RUN_DATE, SESSIONS[-1]])
def test_a_refused_portfolio_leaves_nothing_that_refers_to_it(
    run_date: date, tmp_path: Path, postgres_url: str
) -> None:
    """Seen from the last session phase 5 links sectors, too."""
    source = folder(tmp_path / "in", unfunded_and_tagged())
    report = run(source, postgres_url, run_date=run_date)
    assert report.failures["portfolio_id"].to_list() == [uid("Q")]
    written = content(postgres_url)
    assert written["portfolios"]["id"].to_list() == [uid("P")]
    assert written["positions"]["id"].to_list() == [uid("P/AAA/")]
    assert set(written["position_tags"]["position_id"]) == {uid("P/AAA/")}
    assert uid("tag/mine") in written["position_tags"]["tag_id"].to_list()


@pytest.mark.thorough
def test_links_come_with_their_own_shard(tmp_path: Path, postgres_url: str) -> None:
    frames = world(
        users=[a_user()],
        portfolios=[portfolio(name) for name in "PQR"],
        positions=[position(owner=name) for name in "PQR"],
        tags_v2=[tag()],
        position_tags=[link(name) for name in "PQR"],
    )
    source = folder(tmp_path / "in", frames)
    run(source, postgres_url, shard_size=1)
    assert content(postgres_url)["position_tags"].height == 3


@pytest.mark.thorough
def test_an_orphan_is_left_behind(tmp_path: Path, postgres_url: str) -> None:
    orphans = {
        "positions": [position(), position(owner="Nobody")],
        "tags_v2": [tag()],
        "position_tags": [link(), link("Nobody"), link("Nowhere"), link(name="no such tag")],
    }
    run(folder(tmp_path / "in", world(users=[a_user()], **orphans)), postgres_url)
    written = content(postgres_url)
    assert written["positions"]["id"].to_list() == [uid("P/AAA/")]
    assert written["position_tags"]["id"].to_list() == [link()["id"]]
