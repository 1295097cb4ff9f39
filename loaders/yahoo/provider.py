"""Yahoo as a provider: one session for everything that is asked of it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator
from functools import cached_property, partial
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from loaders.market.provider import Answer, Fundamentals, Prices, PricesWanted, Profile
from loaders.yahoo.fetching import answers
from loaders.yahoo.gate import Patience
from loaders.yahoo.prices import fetch_prices

if TYPE_CHECKING:
    from loaders.yahoo.session import PatientSession


class Yahoo:
    """`loaders.market.Provider` over yfinance; use it as a context manager."""

    name = "yfinance"

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()

    @cached_property
    def session(self) -> PatientSession:
        """Made with the first request; every request goes through it, for one jar of cookies."""
        import yfinance

        from loaders.yahoo.session import PatientSession

        # Failures are raised, not logged.
        yfinance.config.debug.hide_exceptions = False
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)
        hush()
        made = PatientSession(self._patience)
        # It keeps a crumb and broken answers beyond their session: without its cookie, the one is
        # worthless, and the others would come again.
        shared = yfinance.data.YfData(session=made)
        shared._crumb = shared._cookie = None
        shared.cache_get.cache_clear()
        return made

    def prices(self, wanted: Iterable[PricesWanted]) -> Iterator[Answer[Prices]]:
        """Daily bars with actions, a request for each symbol."""
        fetch = partial(fetch_prices, self.session)
        return answers(fetch, attrgetter("symbol"), wanted, self._patience.in_flight)

    def profiles(self, symbols: Iterable[str]) -> Iterator[Answer[Profile]]:
        """What is known of companies and funds."""
        from loaders.yahoo.profiles import fetch_profile

        return answers(partial(fetch_profile, self.session), str, symbols, self._patience.in_flight)

    def fundamentals(self, symbols: Iterable[str]) -> Iterator[Answer[Fundamentals]]:
        """Statements, quarterly and annual, and the next earnings date."""
        from loaders.yahoo.fundamentals import fetch_fundamentals

        return answers(partial(fetch_fundamentals, self.session), str, symbols, self._patience.in_flight)

    def close(self) -> None:
        """Send nothing more, and let go of the connections."""
        if "session" in vars(self):
            self.session.gate.shut()
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


def hush() -> None:
    """Keep quiet what pandas 3 has to say of yfinance's code.

    A filter alone does not: pandas lifts all filters for moments, and other threads warn in them.
    """
    warnings.filterwarnings("ignore", module="yfinance")
    shown = warnings.showwarning
    if getattr(shown, "hushed", False):
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
            shown(message, category, filename, lineno, file, line)

    show.hushed = True  # type: ignore[attr-defined]
    warnings.showwarning = show
