"""Sector tags of one portfolio, label by label, from document 01 §5.2.

Kept beside the derivation of `engine.explain`, which does not derive tags: they count events, of which the
store holds those that have not been undone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

UNCATEGORIZED = "Uncategorized"
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
    "Uncategorized": "#9E9E9E",
    "Unknown": "#9E9E9E",
}


@dataclass(frozen=True)
class Tag:
    """A tags_v2 row, by its natural key (user, name, archived)."""

    user_id: str
    name: str
    colour: str | None
    description: str | None
    usage_count: int
    is_archived: bool

    @property
    def key(self) -> tuple[str, str, bool]:
        """The table's unique key."""
        return self.user_id, self.name, self.is_archived


@dataclass(frozen=True)
class Link:
    """A position_tags row, its tag by natural key."""

    position_id: str
    tag: tuple[str, str, bool]


@dataclass(frozen=True)
class TagState:
    """All tags and all links."""

    tags: dict[tuple[str, str, bool], Tag]
    links: frozenset[Link]


def tag_name(sector: str | None) -> str:
    """Return the provider's sector, trimmed and in title case, or Uncategorized (step 2)."""
    return (sector or "").strip().title() or UNCATEGORIZED


def new_tag(user_id: str, name: str) -> Tag:
    """Return a tag as a run creates it (step 2)."""
    description = "Positions without sector classification" if name == UNCATEGORIZED else f"Sector: {name}"
    colour = COLOURS.get(name, DEFAULT_COLOUR)
    return Tag(user_id, name, colour, description, usage_count=0, is_archived=False)


def without_sector_links(state: TagState, user_id: str, position_ids: frozenset[str]) -> TagState:
    """Unlink the user's live "Sector:" tags from the portfolio's positions (step 1)."""
    doomed = {
        key
        for key, tag in state.tags.items()
        if tag.user_id == user_id and not tag.is_archived and (tag.description or "").startswith("Sector:")
    }
    kept = frozenset(x for x in state.links if x.tag not in doomed or x.position_id not in position_ids)
    return replace(state, links=kept)


def tag_portfolio(
    state: TagState,
    user_id: str,
    positions: Sequence[tuple[str, str]],
    sectors: Mapping[str, str | None],
) -> TagState:
    """Return the tags and links after a run has tagged one portfolio.

    Args:
        positions: id and symbol; closed and deleted lots count.
        sectors: by symbol, as company profiles spell them.
    """
    start = without_sector_links(state, user_id, frozenset(position_id for position_id, _ in positions))
    tags, links = dict(start.tags), set(start.links)
    for position_id, symbol in positions:
        fresh = new_tag(user_id, tag_name(sectors.get(symbol)))
        tag = tags.setdefault(fresh.key, fresh)
        link = Link(position_id, tag.key)
        if link not in links:
            links.add(link)
            tags[tag.key] = replace(tag, usage_count=tag.usage_count + 1)
    return TagState(tags, frozenset(links))
