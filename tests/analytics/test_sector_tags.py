"""Sector tags: by hand, against the golden tables, and against the slow reference on random labels."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.analytics.sector_tags import TagState, sector_tags
from engine.core.frames import polars_schema
from engine.core.schema import TABLES
from tests.analytics.frames import against_golden
from tests.analytics.regressions import WINDOWS, golden_inputs
from tests.analytics.small import table
from tests.builders import uid
from tests.reference.tags import Link, Tag, tag_name, tag_portfolio
from tests.reference.tags import TagState as PlainState

STAMP, OLD = datetime(2026, 11, 23, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC)
SEEDS = range(30)
TAGS, LINKS = TABLES["tags_v2"], TABLES["position_tags"]
SECTORS = (
    "Technology",
    " real estate ",
    "ENERGY",
    "o'neil & co",
    "Unknown",
    "Uncategorized",
    "",
    " \t",
    None,
)
SYMBOLS = ("AAA", "aaa", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG")
NAMES = ("Technology", "Real Estate", "Energy", "O'Neil & Co", "Unknown", "Uncategorized", "Watchlist")
DESCRIPTIONS = (None, "Sector: as it was", "My own", "Positions without sector classification")


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


def golden(runs: int = 1) -> TagState:
    inputs = golden_inputs("mixed_today")
    return sector_tags(
        inputs.tags,
        inputs.position_tags,
        inputs.positions,
        inputs.profiles,
        inputs.portfolios,
        runs,
        WINDOWS["mixed_today"].stamp,
    )


def test_tags_and_links_equal_the_golden_tables() -> None:
    state = golden()
    found = against_golden("mixed_today", {TAGS.name: state.tags, LINKS.name: state.links})
    assert found.equal, found.to_text()
    assert found.total("equal") == found.total("cells") == 29 * 6 + 92
    assert (state.tags.height, state.links.height) == (29, 92)


def test_links_that_vanish_are_the_old_ones_that_are_not_kept() -> None:
    state, before = golden(), golden_inputs("mixed_today").position_tags
    assert set(state.unlinked["id"]) == set(before["id"]) - set(state.links["id"])
    assert state.unlinked.height == 2


def test_rows_are_whole_and_typed() -> None:
    state = golden()
    for schema, frame in ((TAGS, state.tags), (LINKS, state.links)):
        assert dict(frame.schema) == polars_schema(schema)
        assert frame["id"].is_unique().all()
        required = [column.name for column in schema.columns if not column.nullable]
        assert frame.select(required).null_count().row(0) == (0,) * len(required)


def test_without_a_session_from_the_run_date_on_nothing_changes() -> None:
    inputs, state = golden_inputs("mixed_today"), golden(runs=0)
    assert state.tags.equals(inputs.tags)
    assert state.links.equals(inputs.position_tags)
    assert state.unlinked.is_empty()


@pytest.mark.parametrize("seed", SEEDS)
def test_random_labels_equal_the_reference(seed: int) -> None:
    world = draw(seed)
    runs = 1 + seed % 3
    state = run_world(world, runs)
    assert plain(state.tags, state.links) == expected(world, runs)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_runs_are_one_run_over_two_sessions(seed: int) -> None:
    world = draw(seed)
    once = run_world(world, 1)
    twice = run_world(world | {"tags": once.tags, "links": once.links}, 1)
    together = run_world(world, 2)
    assert twice.tags.equals(together.tags)
    assert twice.links.equals(together.links)


@pytest.mark.parametrize("seed", SEEDS)
def test_users_do_not_touch_each_other(seed: int) -> None:
    """A user's portfolios alone leave what they leave among those of others."""
    world = draw(seed)
    among = run_world(world, 1)
    for user in ("u1", "u2"):
        own = pl.col("user_id") == uid(user)
        alone = run_world(world | {"portfolios": world["portfolios"].filter(own)}, 1)
        assert among.tags.filter(own).equals(alone.tags.filter(own))


def test_a_sector_too_long_for_a_tag_leaves_its_portfolio_alone() -> None:
    world = draw(1)
    long = pl.DataFrame({"symbol": ["LONG"], "sector": ["x" * 51]}, schema=world["profiles"].schema)
    spoilt = world["positions"].head(1).with_columns(symbol=pl.lit("LONG"), id=pl.lit(uid("spoilt")))
    changed = world | {
        "profiles": pl.concat([world["profiles"], long]),
        "positions": pl.concat([world["positions"], spoilt]),
    }
    portfolio = spoilt["portfolio_id"].item()
    without = world | {"portfolios": world["portfolios"].filter(pl.col("id") != portfolio)}
    assert run_world(changed, 1).tags.equals(run_world(without, 1).tags)


def run_world(world: dict[str, pl.DataFrame], runs: int) -> TagState:
    names = ("tags", "links", "positions", "profiles", "portfolios")
    return sector_tags(*(world[name] for name in names), runs, STAMP)


def draw(seed: int) -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng(seed)
    portfolios = [(uid(f"p{n}"), uid(f"u{n % 3}")) for n in range(5)]
    positions = [
        (uid(f"position {pid} {n}"), pid, str(rng.choice(SYMBOLS)))
        for pid in [*(p for p, _ in portfolios), uid("left out")]
        for n in range(int(rng.integers(1, 7)))
    ]
    kinds = [
        (f"u{user}", name, archived) for user in range(3) for name in NAMES for archived in (False, True)
    ]
    tags = [_tag(rng, *kind) for kind in kinds if rng.random() < 0.4]
    links = [
        {
            "id": uid(f"{p} {t['id']}"),
            "position_id": p,
            "tag_id": t["id"],
            "assigned_at": OLD,
            "assigned_by": None,
        }
        for p, _, _ in positions
        for t in tags
        if rng.random() < 0.2
    ]
    profiles = [(s, SECTORS[int(rng.integers(len(SECTORS)))]) for s in SYMBOLS if rng.random() < 0.8]
    text = pl.String
    return {
        "portfolios": pl.DataFrame(portfolios, schema={"id": text, "user_id": text}, orient="row"),
        "positions": pl.DataFrame(
            positions, schema={"id": text, "portfolio_id": text, "symbol": text}, orient="row"
        ),
        "profiles": pl.DataFrame(profiles, schema={"symbol": text, "sector": text}, orient="row"),
        "tags": pl.DataFrame(tags, schema=polars_schema(TAGS)),
        "links": pl.DataFrame(links, schema=polars_schema(LINKS)),
    }


def _tag(rng: np.random.Generator, user: str, name: str, archived: bool) -> dict[str, Any]:
    return {
        "id": uid(f"{user} {name} {archived}"),
        "user_id": uid(user),
        "name": name,
        "color": "#123456",
        "description": DESCRIPTIONS[int(rng.integers(len(DESCRIPTIONS)))],
        "display_order": 3,
        "usage_count": int(rng.integers(9)),
        "is_archived": archived,
        "archived_at": None,
        "archived_by": None,
        "created_at": OLD,
        "updated_at": OLD,
    }


def plain(tags: pl.DataFrame, links: pl.DataFrame) -> PlainState:
    """The tables as the reference knows them."""
    by_id = {
        r["id"]: Tag(
            r["user_id"], r["name"], r["color"], r["description"], r["usage_count"], r["is_archived"]
        )
        for r in tags.to_dicts()
    }
    linked = frozenset(Link(r["position_id"], by_id[r["tag_id"]].key) for r in links.to_dicts())
    assert len(linked) == links.height
    return PlainState({tag.key: tag for tag in by_id.values()}, linked)


def expected(world: dict[str, pl.DataFrame], runs: int) -> PlainState:
    state = plain(world["tags"], world["links"])
    sectors = dict(world["profiles"].select("symbol", "sector").iter_rows())
    for _ in range(runs):
        for portfolio, user in world["portfolios"].iter_rows():
            own = world["positions"].filter(pl.col("portfolio_id") == portfolio)
            state = tag_portfolio(state, user, own.select("id", "symbol").rows(), sectors)
    return state


def test_a_sector_of_blanks_is_none() -> None:
    world = draw(2)
    cleared = world | {"tags": world["tags"].clear(), "links": world["links"].clear()}
    blank = cleared | {"profiles": world["profiles"].with_columns(sector=pl.lit("  "))}
    tags = run_world(blank, 1).tags
    assert set(tags["name"]) == {"Uncategorized"}
    assert set(tags["description"]) == {"Positions without sector classification"}


@pytest.mark.parametrize("sector", [s for s in SECTORS if s])
def test_titles_are_those_of_the_reference(sector: str) -> None:
    world = draw(2) | {
        "profiles": pl.DataFrame({"symbol": ["AAA"], "sector": [sector]}),
        "positions": pl.DataFrame({"id": [uid("position")], "portfolio_id": [uid("p0")], "symbol": ["AAA"]}),
    }
    cleared = world | {"tags": world["tags"].clear(), "links": world["links"].clear()}
    assert run_world(cleared, 1).tags["name"].to_list() == [tag_name(sector)]
