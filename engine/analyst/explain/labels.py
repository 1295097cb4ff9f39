"""Labels: how often a tag was put on a position."""

from __future__ import annotations

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case
from engine.analyst.explain.working import Working, absent

FORGOTTEN = "links that were taken away since still count, and nothing remembers them"


def usage(case: Case, ask: Ask) -> Working:
    """usage_count: a count of events, of which the store holds those that have not been undone."""
    if ask.row is None:
        return absent("usage_count of the tag", "the portfolio's user has no such tag")
    symbols = case.inputs.positions.select("symbol", position_id="id")
    links = case.stored["position_tags"].filter(tag_id=ask.row["id"]).join(symbols, on="position_id")
    return Working(
        "usage_count grows by 1 with each link that a run makes",
        ask.row["usage_count"],
        frames={"links": links.select("symbol", "position_id", "assigned_at").sort("symbol")},
        notes=("`links` are the portfolio's own that stand now", FORGOTTEN),
        checked=False,
    )
