"""The pages of many portfolios, made in several processes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from multiprocessing import get_context

from engine.core.errors import error_line
from engine.core.rules import Rules
from engine.reports import portfolio_page
from engine.reports.page_errors import NothingStoredError

SHARE = 16
"""Pages for which another process is worth its start: it takes as long as three pages."""


@dataclass(frozen=True)
class MadePage:
    """The page of one portfolio, or why there is none.

    Attributes:
        key: the portfolio's id.
        page: the document; empty where there is none.
        error: in one line; empty for a page, and for a portfolio without a snapshot in these days.
    """

    key: str
    page: str = ""
    error: str = ""


def portfolio_pages(
    url: str,
    keys: Sequence[str],
    start: date | None,
    end: date | None,
    rules: Rules | None,
    fleet: str | None,
) -> Iterator[MadePage]:
    """Yield the page of each portfolio, in order; an error of one leaves the others.

    Args:
        url: the store.
        keys: ids of the portfolios.
        start: first day; None: the first stored session.
        end: last day; None: the last stored session.
        rules: the rules that contributions follow; None: those of the store.
        fleet: address of the page of all portfolios, for a link back.

    Yields:
        A page, or why there is none, for each key.
    """
    make = partial(_made, url, start, end, rules, fleet)
    workers = min(os.cpu_count() or 1, len(keys) // SHARE)
    if workers < 2:
        yield from map(make, keys)
        return
    # A fork would copy the locks of the threads that Polars and DuckDB have started.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(make, keys)


def _made(
    url: str, start: date | None, end: date | None, rules: Rules | None, fleet: str | None, key: str
) -> MadePage:
    try:
        return MadePage(key, portfolio_page(url, key, start, end, rules=rules, fleet=fleet))
    except NothingStoredError:
        return MadePage(key)
    except Exception as error:
        return MadePage(key, error=error_line(error))
