"""What a provider of market data gives: an answer for each symbol, or the reason why not.

Symbols are canonical here (trimmed, upper case, `BRK.B`); how a provider spells them is its own
business. Answers come as they are ready, in any order, one for each request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

import polars as pl

T_co = TypeVar("T_co", covariant=True)


class Outcome(StrEnum):
    """How a request ended."""

    OK = "ok"
    EMPTY = "empty"
    """The provider knows the symbol, and has nothing of what was asked for."""
    NOT_FOUND = "not_found"
    """The provider does not know the symbol: delisted, or misspelt."""
    RENAMED = "renamed"
    """The provider answers with another symbol."""
    THROTTLED = "throttled"
    """Too many requests; waiting did not help."""
    TIMEOUT = "timeout"
    ERROR = "error"
    """Anything else: out of reach, out of order, or an answer that cannot be read."""

    @property
    def passing(self) -> bool:
        """Whether the same request may well succeed a little later."""
        return self in (Outcome.THROTTLED, Outcome.TIMEOUT, Outcome.ERROR)


@dataclass(frozen=True)
class Answer(Generic[T_co]):
    """What came of one request: `data` where the outcome is ok, else None and the reason.

    symbol: canonical. detail: the reason in words, empty when ok.
    """

    symbol: str
    outcome: Outcome
    detail: str = ""
    data: T_co | None = None


@dataclass(frozen=True)
class PricesWanted:
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
"""Prices are split-adjusted, and only adjusted_close is adjusted for dividends too. As the provider
gives them: a price may be null or NaN."""

ACTIONS: dict[str, pl.DataType] = {"date": pl.Date(), "kind": pl.String(), "value": pl.Float64()}
"""kind: dividend or gain (currency a share, split-adjusted), split (new shares for an old one)."""


@dataclass(frozen=True)
class Prices:
    """Daily bars and actions of one symbol, ascending by date, each date once.

    bars: columns of `BARS`. actions: columns of `ACTIONS`.
    exchange: the provider's code of it (NMS, NYQ, PCX ...), empty where not told.
    currency: of the prices. listed: the first day of trading that the provider knows.
    """

    bars: pl.DataFrame
    actions: pl.DataFrame
    exchange: str = ""
    currency: str = ""
    listed: date | None = None


@dataclass(frozen=True)
class Profile:
    """What is known of one company: columns of company_profiles by name; absent where not told."""

    values: Mapping[str, object]


@dataclass(frozen=True)
class Fundamentals:
    """The statements of one company, and when it reports.

    statements: by name of their table: period_date, frequency (q or a) and the lines that the
        provider has, by column, as Float64; of the balance sheet also `shares`, the ordinary ones
        outstanding. Nothing for what is no company.
    profile: what of company_profiles came along, by column.
    earnings: the days on which it reported or will, as far as known.
    currency: of the statements, three letters.
    """

    statements: Mapping[str, pl.DataFrame]
    profile: Mapping[str, object] = field(default_factory=dict)
    earnings: Sequence[date] = ()
    currency: str | None = None


class Provider(Protocol):
    """A provider of market data; use it as a context manager.

    No method raises for what happens to one request: that is its answer's outcome.
    """

    name: str
    """What stored rows bear as their data_source."""

    def prices(self, wanted: Iterable[PricesWanted]) -> Iterator[Answer[Prices]]:
        """Daily bars with actions."""
        ...

    def profiles(self, symbols: Iterable[str]) -> Iterator[Answer[Profile]]:
        """What is known of companies and funds."""
        ...

    def fundamentals(self, symbols: Iterable[str]) -> Iterator[Answer[Fundamentals]]:
        """Statements, quarterly and annual, and the next earnings date."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
