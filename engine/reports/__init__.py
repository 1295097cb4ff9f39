"""HTML pages of what a store holds: one portfolio, two side by side, all of them, or a run.

A page is one file that loads nothing. It can be read on light and dark screens, on paper, on a
phone, by keyboard and by screen reader; every chart has its figures as a table. A page computes
nothing anew but what its captions say: returns compounded to drawdowns, forecasts compared with
outcomes, and the contribution of each position to the P&L.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from engine.reports.page_errors import require_extra

if TYPE_CHECKING:
    from engine.core.rules import Rules

__all__ = ["comparison_page", "fleet_page", "portfolio_page", "run_page"]


def portfolio_page(
    url: str,
    portfolio: str | UUID,
    start: date | None = None,
    end: date | None = None,
    *,
    rules: Rules | None = None,
    fleet: str | None = None,
) -> str:
    """Return the report of one portfolio as an HTML document.

    The same store gives the same page: no clock is read. Days without a snapshot raise a
    NothingStoredError; a missing package of the extra `report` raises a MissingExtraError.

    Args:
        url: the store.
        portfolio: an id, or a name that only one portfolio of the store has.
        start: first day; default the first session that is stored.
        end: last day; default the last session that is stored.
        rules: the rules that contributions follow; default those of the store.
        fleet: address of the page of all portfolios, for a link back.
    """
    require_extra()
    from engine.reports.portfolio import render
    from engine.reports.stored import read_stored

    return render(read_stored(url, portfolio, start, end, rules), fleet)


def fleet_page(
    url: str,
    start: date | None = None,
    end: date | None = None,
    *,
    links: Mapping[str, str] | None = None,
) -> str:
    """Return all portfolios of a store as an HTML document with a row for each.

    See `portfolio_page` for the errors.

    Args:
        url: the store.
        start: first day; default the first session that is stored.
        end: last day; default the last session that is stored.
        links: addresses of the portfolios' own pages by portfolio id; default none.
    """
    require_extra()
    from engine.reports.fleet import render
    from engine.reports.stored_fleet import read_fleet

    return render(read_fleet(url, start, end), links or {})


def comparison_page(
    url: str,
    one: str | UUID,
    other: str | UUID,
    start: date | None = None,
    end: date | None = None,
    *,
    rules: Rules | None = None,
) -> str:
    """Return two portfolios of a store side by side as an HTML document.

    The window is that in which both have snapshots. See `portfolio_page` for the errors; the same portfolio
    twice, or no session in common, raises a UsageError.

    Args:
        url: the store.
        one: id or name.
        other: id or name.
        start: first day; default the first session that both have.
        end: last day; default the last session that both have.
        rules: the rules that the page names; default those of the store.
    """
    require_extra()
    from engine.reports.comparison import read_pair, render

    return render(read_pair(url, one, other, start, end, rules))


def run_page(url: str, run: str | None = None, *, records: Path | None = None) -> str:
    """Return a run, the runs before it, and the state of their store as an HTML document.

    A store without a run raises a NoRunError, an unknown id a UsageError.

    Args:
        url: the store.
        run: id of the run, or its first characters; default the newest.
        records: folder in which commands keep their records, `run_results`; default none: durations by stage,
            refused portfolios and lots without closes are then not shown.
    """
    require_extra()
    from engine.reports.run import render
    from engine.reports.stored_run import read_run

    return render(read_run(url, run, records))
