"""Sector tags by hand: names, links, and how often a tag is used."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from engine.analytics.sector_tags import TagState, sector_tags
from tests.analytics.small import table
from tests.builders import uid

STAMP, OLD = datetime(2026, 11, 23, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC)


def tag(name: str, description: str | None, used: int = 0) -> dict[str, Any]:
    return {
        "id": uid(f"tag {name}"),
        "user_id": uid("user"),
        "name": name,
        "color": "#123456",
        "description": description,
        "display_order": 0,
        "usage_count": used,
        "is_archived": False,
        "created_at": OLD,
        "updated_at": OLD,
    }


def link(symbol: str, name: str) -> dict[str, Any]:
    return {
        "id": uid(f"link {symbol} {name}"),
        "position_id": uid(symbol),
        "tag_id": uid(f"tag {name}"),
        "assigned_at": OLD,
    }


def run(
    sectors: dict[str, str | None],
    tags: tuple[dict[str, Any], ...] = (),
    links: tuple[dict[str, Any], ...] = (),
    runs: int = 1,
) -> TagState:
    """Tag one position of each symbol."""
    symbols = list(sectors)
    ids = [uid(symbol) for symbol in symbols]
    return sector_tags(
        table("tags_v2", *tags),
        table("position_tags", *links),
        pl.DataFrame({"id": ids, "portfolio_id": uid("P"), "symbol": symbols}),
        pl.DataFrame(
            {"symbol": symbols, "sector": list(sectors.values())}, schema_overrides={"sector": pl.String}
        ),
        pl.DataFrame({"id": [uid("P")], "user_id": [uid("user")]}),
        runs,
        STAMP,
    )


def linked(state: TagState) -> dict[str, str]:
    """The name of the tag of each position."""
    names = dict(state.tags.select("id", "name").iter_rows())
    return {position: names[tag] for position, tag in state.links.select("position_id", "tag_id").iter_rows()}


@pytest.mark.parametrize(
    ("sector", "name", "colour"),
    [
        ("Technology", "Technology", "#2196F3"),
        (" real estate ", "Real Estate", "#00BCD4"),
        ("space mining", "Space Mining", "#78909C"),
        (" ", "Uncategorized", "#9E9E9E"),
        (None, "Uncategorized", "#9E9E9E"),
    ],
)
def test_a_tag_is_the_trimmed_sector_in_title_case(sector: str | None, name: str, colour: str) -> None:
    state = run({"AAA": sector})
    assert linked(state) == {uid("AAA"): name}
    assert state.tags.select("name", "color", "usage_count").rows() == [(name, colour, 1)]


def test_positions_of_a_sector_share_its_tag_and_every_run_counts_their_links() -> None:
    state = run({"AAA": "Energy", "BBB": "energy", "CCC": "Utilities"}, runs=3)
    assert dict(state.tags.select("name", "usage_count").iter_rows()) == {"Energy": 6, "Utilities": 3}


def test_a_sector_tag_of_before_is_taken_off_and_another_tag_stays() -> None:
    tags = tag("Energy", "Sector: Energy", used=4), tag("Mine", "My own", used=1)
    state = run({"AAA": "Utilities"}, tags, (link("AAA", "Energy"), link("AAA", "Mine")))
    assert state.unlinked["id"].to_list() == [uid("link AAA Energy")]
    names = set(state.tags.join(state.links, left_on="id", right_on="tag_id")["name"])
    assert names == {"Mine", "Utilities"}
    assert dict(state.tags.select("name", "usage_count").iter_rows()) == {
        "Energy": 4,
        "Mine": 1,
        "Utilities": 1,
    }


def test_a_users_own_tag_of_the_sectors_name_is_linked_once() -> None:
    state = run({"AAA": "Energy"}, (tag("Energy", "My own"),), runs=3)
    assert state.tags.select("id", "usage_count", "updated_at").rows() == [(uid("tag Energy"), 1, STAMP)]


def test_a_name_too_long_for_a_tag_leaves_the_portfolio_alone() -> None:
    assert run({"AAA": "x" * 50}).links.height == 1
    assert run({"AAA": "x" * 51, "BBB": "Energy"}).links.is_empty()


def test_without_a_run_nothing_changes() -> None:
    before = tag("Energy", "Sector: Energy", used=4)
    state = run({"AAA": "Utilities"}, (before,), (link("AAA", "Energy"),), runs=0)
    assert state.tags["usage_count"].to_list() == [4]
    assert state.links["id"].to_list() == [uid("link AAA Energy")]
    assert state.unlinked.is_empty()
