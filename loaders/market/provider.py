"""The protocol of market data providers: one answer for each request, with data or a reason.

Symbols are canonical here (trimmed, upper case, `BRK.B`); a provider converts them to its own
spelling. Answers come as they are ready, in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

import polars as pl

from engine.core.request_outcomes import RequestOutcome

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Answer(Generic[T_co]):
    """Answer to one request.

    Attributes:
        symbol: canonical.
        outcome: how the request ended.
        detail: the reason in words; empty if the outcome is ok.
        data: None unless the outcome is ok.
    """

    symbol: str
    outcome: RequestOutcome
    detail: str = ""
    data: T_co | None = None


@dataclass(frozen=True)
class PriceRequest:
    """Daily bars of one symbol in [start, end], both ends inclusive."""

    symbol: str
    start: date
    end: date


BARS: dict[str, pl.DataType] = {
    "date": pl.Date(),
    "open": pl.Float64(),
    "high": pl.Float64(),
    "low": pl.Float64(),
    "close": pl.Float64(),
    "adjusted_close": pl.Float64(),
    "volume": pl.Int64(),
}
"""Prices are adjusted for splits; adjusted_close alone also for dividends. Values are the
provider's own: a price may be null or NaN."""

DAY_ENDS = {"CCC": "UTC", "CCY": "Europe/London"}
"""Markets that never close, of crypto currencies and of currencies: the zone whose midnight ends a bar."""

ACTIONS: dict[str, pl.DataType] = {"date": pl.Date(), "kind": pl.String(), "value": pl.Float64()}
"""kind: dividend or gain (currency units a share, split-adjusted), split (new shares for an old one)."""


@dataclass(frozen=True)
class Prices:
    """Daily bars and corporate actions of one symbol, ascending by date, each date once.

    Attributes:
        bars: columns of `BARS`.
        actions: columns of `ACTIONS`.
        exchange: the provider's code of it (NMS, NYQ, PCX ...), empty if unknown.
        currency: of the prices, empty if unknown.
        listed: first trading day, if known.
        adjusted: whether the provider has adjusted closes; without them `adjusted_close` is the close.
    """

    bars: pl.DataFrame
    actions: pl.DataFrame
    exchange: str = ""
    currency: str = ""
    listed: date | None = None
    adjusted: bool = True


@dataclass(frozen=True)
class Profile:
    """Profile of one company or fund: values by column of company_profiles; None is unknown."""

    values: Mapping[str, object]


@dataclass(frozen=True)
class Fundamentals:
    """Financial statements and earnings dates of one company.

    Attributes:
        statements: by table, period_date, frequency (q or a) and the lines that the provider has,
            by column, as Float64 in currency units; of the balance sheet also `shares`, the
            ordinary shares outstanding. Empty for a security that is no company.
        profile: values by column of company_profiles.
        earnings: past and future earnings dates, as far as known.
        currency: of the statements, three letters.
    """

    statements: Mapping[str, pl.DataFrame]
    profile: Mapping[str, object] = field(default_factory=dict)
    earnings: Sequence[date] = ()
    currency: str | None = None


class Provider(Protocol):
    """A provider of market data, used as a context manager.

    No method raises for a failed request: the failure is the outcome of its answer.
    """

    name: str
    """The data_source of stored rows."""

    def prices(self, requests: Iterable[PriceRequest]) -> Iterator[Answer[Prices]]:
        """Fetch daily bars with corporate actions.

        Args:
            requests: a symbol each, with its first and last day.
        """
        ...

    def profiles(self, symbols: Iterable[str]) -> Iterator[Answer[Profile]]:
        """Fetch profiles of companies and funds.

        Args:
            symbols: as market data is stored under them.
        """
        ...

    def fundamentals(self, symbols: Iterable[str]) -> Iterator[Answer[Fundamentals]]:
        """Fetch quarterly and annual statements, and earnings dates.

        Args:
            symbols: as market data is stored under them.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
