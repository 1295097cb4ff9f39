"""Tags: number of times that a tag was assigned to a position."""

from __future__ import annotations

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case
from engine.analyst.explain.working import Working, absent

REMOVED = "links that were removed later still count, but the store does not have them"


def usage(case: Case, ask: Ask) -> Working:
    """Return the stored usage_count with the current links; removed ones count too, so it is not recomputed.

    Args:
        case: its positions and their tags.
        ask: the tag's stored row.
    """
    if ask.row is None:
        return absent("usage_count of the tag", "the portfolio's user has no such tag")
    symbols = case.inputs.positions.select("symbol", position_id="id")
    links = case.stored["position_tags"].filter(tag_id=ask.row["id"]).join(symbols, on="position_id")
    return Working(
        "usage_count grows by 1 with each link that a run makes",
        ask.row["usage_count"],
        frames={"links": links.select("symbol", "position_id", "assigned_at").sort("symbol")},
        notes=("`links` has the portfolio's current links", REMOVED),
        checked=False,
    )
