"""The page of a run: how it went, and the state of its store."""

from __future__ import annotations

from engine.html.live import LivePage
from engine.html.page import page
from engine.reports.run_sections.durations import durations
from engine.reports.run_sections.figures import figures
from engine.reports.run_sections.gaps import gaps
from engine.reports.run_sections.glance import ending, glance
from engine.reports.run_sections.prices import prices
from engine.reports.run_sections.problems import problems
from engine.reports.run_sections.sizes import sizes
from engine.reports.stored_run import StoredRun

SECTIONS = (glance, durations, figures, problems, prices, gaps, sizes)
FOOTER = (
    "This page needs no network and reads no clock: the same store and the same records give the same page. "
    "Times are UTC."
)


def render(stored: StoredRun) -> str:
    """Return the document.

    Args:
        stored: what the page shows.
    """
    run = stored.run
    version, schema = (run[name] or "not recorded" for name in ("engine_version", "schema_version"))
    facts = {
        "Store": stored.url,
        "Window": f"{stored.start} to {stored.end}, seen from {run['run_date']}",
        "Started": f"{run['started_at']:%Y-%m-%d %H:%M:%S} UTC",
        "Ended as": ending(stored),
        "Command": stored.record.command if stored.record else "not recorded",
        "Rules": run["rules"] or "not recorded",
        "Engine": f"{version}, schema {schema}",
        "Closes needed": _gate(run["threshold"], run["allow_stale"]),
        "Process": run["holder"],
    }
    sections = [section(stored) for section in SECTIONS]
    title = f"Run {run['id'][:8]}"
    return page("run", title, facts, sections, footer=FOOTER, contents=True, live=_live(stored))


def _live(stored: StoredRun) -> LivePage:
    """Return the days of the charts over time: those with rows in a table, and those with closes due."""
    days = {*stored.by_day["day"].drop_nulls(), *(stored.prices.days["date"] if stored.prices else ())}
    return LivePage(sorted(days or {stored.start, stored.end}), "", {})


def _gate(threshold: object, allow_stale: bool | None) -> str:
    """Return what the run asked of the closes, in words.

    Args:
        threshold: fraction of the value of a portfolio; None: an earlier version ran it.
        allow_stale: whether sessions with too few were computed all the same.
    """
    if threshold is None:
        return "not recorded"
    words = f"{float(str(threshold)):.0%} of each portfolio's value"
    return f"{words}, or computed all the same" if allow_stale else words
