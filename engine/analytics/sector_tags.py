"""Sector tags, phase 5 of the legacy batch, for all portfolios at once."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import polars as pl

from engine.core.schema import TABLES
from engine.core.schema.holdings import NO_SECTOR, SECTOR_MARK
from engine.core.stored_rows import raised_stamp, stored_rows

TAGS, LINKS = TABLES["tags_v2"], TABLES["position_tags"]
UNCATEGORIZED = "Uncategorized"
LONGEST_NAME = TAGS["name"].type.length
DEFAULT_COLOUR = "#78909C"
COLOURS = {
    "Technology": "#2196F3",
    "Healthcare": "#4CAF50",
    "Financial Services": "#FF9800",
    "Financials": "#FF9800",
    "Energy": "#FFC107",
    "Consumer Discretionary": "#9C27B0",
    "Consumer Cyclical": "#9C27B0",
    "Consumer Defensive": "#E91E63",
    "Consumer Staples": "#E91E63",
    "Industrials": "#795548",
    "Materials": "#607D8B",
    "Basic Materials": "#607D8B",
    "Real Estate": "#00BCD4",
    "Utilities": "#8BC34A",
    "Communication Services": "#3F51B5",
    "Telecommunication Services": "#3F51B5",
    UNCATEGORIZED: "#9E9E9E",
    "Unknown": "#9E9E9E",
}


class TagState(NamedTuple):
    """Tags and their links after phase 5.

    Attributes:
        tags: complete rows of tags_v2: the earlier ones, updated where they have new links, and new ones.
        links: complete rows of position_tags, of all users.
        unlinked: the removed rows of position_tags: id, position_id, tag_id. A link that was created again
            is among them with its old id.
    """

    tags: pl.DataFrame
    links: pl.DataFrame
    unlinked: pl.DataFrame


def sector_tags(
    tags: pl.DataFrame,
    links: pl.DataFrame,
    positions: pl.DataFrame,
    profiles: pl.DataFrame,
    portfolios: pl.DataFrame,
    runs: int,
    stamp: datetime,
) -> TagState:
    """Tag every position with its sector, closed and deleted ones included.

    Each run removes the user's sector tags from the portfolio's positions, links each position to the user's
    tag with the name of its sector, creates that tag if there is none that is not archived, and adds 1 to
    the tag's usage for each new link. A link to a tag that has the name but is not a sector tag stays and
    is not counted again. Source: document 01 §5.2.

    Args:
        tags: the table tags_v2.
        links: the table position_tags.
        positions: id, portfolio_id, symbol; those of other portfolios keep their links.
        profiles: symbol, sector; symbols as they are spelled.
        portfolios: id, user_id: those that are run.
        runs: number of sessions from the run date on; with 0 nothing changes.
        stamp: created_at and updated_at of changed rows.

    Returns:
        The tables after the run, and the removed links.
    """
    if not runs:
        return TagState(tags, links, links.clear().select("id", "position_id", "tag_id"))
    wanted = _wanted(positions, profiles, portfolios)
    labels = pl.concat([tags, _new_tags(tags, wanted, stamp)])
    live = labels.filter(~pl.col("is_archived")).select(
        "user_id",
        "name",
        tag_id="id",
        sector=pl.col("description").str.starts_with(SECTOR_MARK).fill_null(False),
    )
    # Not archived: the user has put an archived tag away, and a new one of the name is created.
    ours = wanted.join(live, on=["user_id", "name"], how="left", maintain_order="left")
    sectors = live.filter("sector").select("user_id", "tag_id")
    owned = links.join(wanted.select("position_id", "user_id"), on="position_id", maintain_order="left")
    unlinked = owned.join(sectors, on=["user_id", "tag_id"], how="semi", maintain_order="left")
    kept = links.join(unlinked, on="id", how="anti", maintain_order="left")
    made = ours.join(kept, on=["position_id", "tag_id"], how="anti", maintain_order="left")
    used = made.group_by("tag_id").agg(made=pl.when("sector").then(runs).otherwise(1).sum().cast(pl.Int32))
    return TagState(
        _used(labels, used, stamp),
        pl.concat([kept, _new_links(made, stamp)]).sort(LINKS.key),
        unlinked.select("id", "position_id", "tag_id"),
    )


def _wanted(positions: pl.DataFrame, profiles: pl.DataFrame, portfolios: pl.DataFrame) -> pl.DataFrame:
    """Return the name of each position's tag.

    It is the provider's name of the sector, trimmed and in title case; Uncategorized where that is null,
    empty or blank. A portfolio with a name too long for a tag is left out: the legacy batch fails for it.

    Returns:
        portfolio_id, symbol, position_id, user_id, name.
    """
    sectors = profiles["sector"].drop_nulls().unique()
    titles = [sector.strip().title() for sector in sectors]
    titled = pl.col("sector").replace_strict(sectors, titles, return_dtype=pl.String)
    named = profiles.select("symbol", name=titled).filter(pl.col("name") != "")
    users = portfolios.select(portfolio_id="id", user_id="user_id")
    rows = (
        positions.select("portfolio_id", "symbol", position_id="id")
        .join(users, on="portfolio_id", maintain_order="left")
        .join(named, on="symbol", how="left", maintain_order="left")
        .with_columns(pl.col("name").fill_null(UNCATEGORIZED))
    )
    too_long = rows.filter(pl.col("name").str.len_chars() > LONGEST_NAME)
    return rows.join(too_long, on="portfolio_id", how="anti", maintain_order="left")


def _new_tags(tags: pl.DataFrame, wanted: pl.DataFrame, stamp: datetime) -> pl.DataFrame:
    """Return tags for the names that have none yet, with a usage of 0."""
    there = tags.filter(~pl.col("is_archived"))
    names = wanted.select("user_id", "name").unique().sort("user_id", "name")
    names = names.join(there, on=["user_id", "name"], how="anti", maintain_order="left")
    uncategorized = pl.col("name") == UNCATEGORIZED
    rows = names.with_columns(
        color=pl.col("name").replace_strict(COLOURS, default=DEFAULT_COLOUR, return_dtype=pl.String),
        description=pl.when(uncategorized).then(pl.lit(NO_SECTOR)).otherwise(pl.format("Sector: {}", "name")),
        display_order=0,
        usage_count=0,
        is_archived=False,
    )
    return stored_rows(TAGS, rows, stamp)


def _new_links(made: pl.DataFrame, stamp: datetime) -> pl.DataFrame:
    """Return rows of position_tags for the new links."""
    return stored_rows(LINKS, made.select("position_id", "tag_id", assigned_by="user_id"), stamp)


def _used(labels: pl.DataFrame, used: pl.DataFrame, stamp: datetime) -> pl.DataFrame:
    """Add the new links to the usage of their tags."""
    rows = labels.join(used, left_on="id", right_on="tag_id", how="left", maintain_order="left")
    changed = pl.col("made").is_not_null()
    return (
        rows.with_columns(
            raised_stamp(changed, stamp),
            usage_count=pl.col("usage_count") + pl.col("made").fill_null(0),
        )
        .select(labels.columns)
        .sort(TAGS.key)
    )
