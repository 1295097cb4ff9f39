"""Pages that show what a store holds: a portfolio's report, and the fleet's.

A page is one file that needs nothing else: no network, no folder beside it. Charts are drawings
with the figures behind them as tables; it reads light, dark, on paper, on a telephone, by keyboard
and by screen reader. Nothing on it is computed anew but what its own captions say: returns chained
to drawdowns, forecasts set beside what came after, and what each position added to the P&L.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal
from uuid import UUID

from engine.reports.page_errors import require_extra

__all__ = ["fleet_page", "portfolio_page"]


def portfolio_page(
    url: str,
    portfolio: str | UUID,
    start: date | None = None,
    end: date | None = None,
    *,
    rules: Literal["legacy", "corrected"] = "legacy",
    fleet: str | None = None,
) -> str:
    """The report of one portfolio as an HTML document.

    The same store gives the same page: no clock is read.

    Args:
        url: the store.
        portfolio: an id, or a name that only one of the store's portfolios bears.
        start, end: first and last day; default all sessions that are stored.
        rules: by which the store was computed; contributions of positions follow them.
        fleet: address of the fleet's page, for a link back.

    Raises:
        MissingExtraError: what draws the charts is not installed.
        NothingStoredError: no snapshot of the portfolio in these days.
        EngineError: no such portfolio, or the store cannot be read.
    """
    require_extra()
    from engine.core.rules import Rules
    from engine.reports.portfolio import render
    from engine.reports.stored import read_stored

    chosen = Rules.legacy() if rules == "legacy" else Rules.corrected()
    return render(read_stored(url, portfolio, start, end, chosen), fleet)


def fleet_page(
    url: str,
    start: date | None = None,
    end: date | None = None,
    *,
    links: Mapping[str, str] | None = None,
) -> str:
    """All portfolios of a store as an HTML document, a row each.

    Args:
        url: the store.
        start, end: first and last day; default all sessions that are stored.
        links: addresses of the portfolios' own pages by portfolio id; default none.

    Raises:
        MissingExtraError: what draws the charts is not installed.
        NothingStoredError: no snapshot in these days.
        EngineError: the store cannot be read.
    """
    require_extra()
    from engine.reports.fleet import read_fleet, render

    return render(read_fleet(url, start, end), links or {})
