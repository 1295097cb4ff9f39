"""Tags of a golden set before and after phase 5, by natural key."""

from __future__ import annotations

from pathlib import Path

from .golden import GoldenSet, read_rows
from .tags import Link, Tag, TagState, tag_portfolio


def golden_tags(folder: Path) -> TagState:
    """tags_v2 and position_tags of a folder."""
    rows = {r["id"]: r for r in read_rows(folder / "tags_v2.parquet")}
    tags = {
        tag_id: Tag(
            r["user_id"],
            r["name"],
            r["color"],
            r["description"],
            r["usage_count"],
            r["is_archived"],
        )
        for tag_id, r in rows.items()
    }
    links = read_rows(folder / "position_tags.parquet")
    return TagState(
        {tag.key: tag for tag in tags.values()},
        frozenset(Link(r["position_id"], tags[r["tag_id"]].key) for r in links),
    )


def reference_tags(golden: GoldenSet) -> TagState:
    """Phase 5 of every live portfolio, from the set's inputs (01 §5.2)."""
    state = golden_tags(golden.folder / "inputs")
    for row in golden.inputs("portfolios"):
        if row["deleted_at"] is None:
            lots = [p for p in golden.positions if p.portfolio_id == row["id"]]
            state = tag_portfolio(state, row["user_id"], lots, golden.reference.profiles)
    return state
