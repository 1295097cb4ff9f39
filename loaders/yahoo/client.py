"""The `Provider` for Yahoo: one HTTP session for all requests."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator
from functools import cached_property, partial
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from loaders.market.parallel_fetch import fetch_all
from loaders.market.provider import Answer, Fundamentals, PriceRequest, Prices, Profile
from loaders.market.rate_limiter import RequestPolicy
from loaders.yahoo.price_history import fetch_prices

if TYPE_CHECKING:
    from loaders.yahoo.session import LimitedSession


class Yahoo:
    """`loaders.market.Provider` over yfinance; use it as a context manager."""

    name = "yfinance"

    def __init__(self, policy: RequestPolicy | None = None) -> None:
        self._policy = policy or RequestPolicy()

    @cached_property
    def session(self) -> LimitedSession:
        """Open the session on the first request; all share it, and with it one set of cookies."""
        import yfinance

        from loaders.yahoo.session import LimitedSession

        # Failures are raised, not logged.
        yfinance.config.debug.hide_exceptions = False
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)
        ignore_yfinance_warnings()
        session = LimitedSession(self._policy)
        # yfinance's singleton outlives its session. Without the old session's cookie its crumb is
        # worthless, and its cache would repeat broken answers.
        singleton = yfinance.data.YfData(session=session)
        singleton._crumb = singleton._cookie = None
        singleton.cache_get.cache_clear()
        return session

    def prices(self, requests: Iterable[PriceRequest]) -> Iterator[Answer[Prices]]:
        """Fetch daily bars with actions, one HTTP request for each symbol."""
        fetch = partial(fetch_prices, self.session)
        return fetch_all(fetch, attrgetter("symbol"), requests, self._policy.in_flight)

    def profiles(self, symbols: Iterable[str]) -> Iterator[Answer[Profile]]:
        """Fetch profiles of companies and funds."""
        from loaders.yahoo.profiles import fetch_profile

        return fetch_all(partial(fetch_profile, self.session), str, symbols, self._policy.in_flight)

    def fundamentals(self, symbols: Iterable[str]) -> Iterator[Answer[Fundamentals]]:
        """Fetch quarterly and annual statements, and earnings dates."""
        from loaders.yahoo.fundamentals import fetch_fundamentals

        return fetch_all(partial(fetch_fundamentals, self.session), str, symbols, self._policy.in_flight)

    def close(self) -> None:
        """Send no more requests, and close the connections."""
        if "session" in vars(self):
            self.session.limiter.stop()
            self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def ignore_yfinance_warnings() -> None:
    """Hide the deprecation warnings that pandas 3 issues for yfinance's code.

    A filter alone is not enough: pandas resets all filters for moments, in which other threads
    warn. So `warnings.showwarning` is wrapped as well, once.
    """
    warnings.filterwarnings("ignore", module="yfinance")
    original = warnings.showwarning
    if getattr(original, "ignores_yfinance", False):
        return

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if "yfinance" not in Path(filename).parts:
            original(message, category, filename, lineno, file, line)

    show.ignores_yfinance = True  # type: ignore[attr-defined]
    warnings.showwarning = show
