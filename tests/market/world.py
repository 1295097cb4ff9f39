"""A small seeded market in Yahoo's format: bars, actions, and what a test adds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from engine.core.calendar import sessions

NEW_YORK = ZoneInfo("America/New_York")


@dataclass
class Listing:
    """One security.

    Attributes:
        days: its sessions.
        paid: unadjusted close of each.
        dividends: cash per share of that day, by ex-date.
        splits: new shares for an old one, by date.
        modules: fields of quoteSummary, by module.
        quote: its v7 quote.
        series: time series of its fundamentals, by type: (asOfDate, value) each.
    """

    symbol: str
    days: list[date]
    paid: list[float]
    dividends: dict[date, float] = field(default_factory=dict)
    splits: dict[date, float] = field(default_factory=dict)
    exchange: str = "NYQ"
    zone: str = "America/New_York"
    kind: str = "EQUITY"
    modules: dict[str, dict[str, Any]] = field(default_factory=dict)
    quote: dict[str, Any] = field(default_factory=dict)
    series: dict[str, list[tuple[str, float]]] = field(default_factory=dict)

    def seen(self, today: date) -> list[tuple[date, float, float]]:
        """Day, split-adjusted close, and close adjusted for dividends too, as Yahoo shows them on `today`.

        Convention of CRSP and Yahoo: a dividend d multiplies the closes before its ex-date by
        1 - d / c, with c the last close before it; a split divides the closes before it by its ratio.
        """
        rows = []
        split = adjusted = 1.0
        past = [(day, paid) for day, paid in zip(self.days, self.paid, strict=True) if day <= today]
        for day, paid in reversed(past):
            rows.append((day, paid * split, paid * split * adjusted))
            before = self._close_before(day)
            if day in self.dividends and before:
                adjusted *= 1 - self.dividends[day] / before
            split /= self.splits.get(day, 1.0)
        return rows[::-1]

    def split(self, day: date, ratio: float) -> None:
        """Split the shares: closes from that day on are divided by the ratio."""
        self.splits[day] = ratio
        self.paid = [p / ratio if on >= day else p for on, p in zip(self.days, self.paid, strict=True)]

    def _close_before(self, day: date) -> float:
        """The close before a day, in that day's shares."""
        place = self.days.index(day)
        return self.paid[place - 1] / self.splits.get(day, 1.0) if place else 0.0

    def split_after(self, day: date, today: date) -> float:
        """Shares of today for one of a day."""
        return float(np.prod([ratio for on, ratio in self.splits.items() if day < on <= today]))


def opening(day: date, zone: str) -> int:
    """Time stamp of a bar: 9:30 in the exchange's time zone."""
    return int(datetime.combine(day, time(9, 30), ZoneInfo(zone)).timestamp())


@dataclass
class World:
    """Listings by Yahoo's symbol, as Yahoo shows them on `today`; `change` bends a chart in place."""

    today: date
    listings: dict[str, Listing] = field(default_factory=dict)
    change: Callable[[Listing, dict[str, Any]], None] | None = None

    def add(self, listing: Listing) -> Listing:
        self.listings[listing.symbol] = listing
        return listing

    def chart(self, listing: Listing, start: datetime, end: datetime) -> dict[str, Any]:
        """Answer of v8/finance/chart for [start, end)."""
        rows = [
            row
            for row in listing.seen(self.today)
            if start.timestamp() <= opening(row[0], listing.zone) < end.timestamp()
        ]
        stamps = [opening(row[0], listing.zone) for row in rows]
        closes = [row[1] for row in rows]
        result: dict[str, Any] = {
            "meta": self._meta(listing),
            "timestamp": stamps,
            "indicators": {
                "quote": [
                    {
                        "open": [c * 0.99 for c in closes],
                        "high": [c * 1.02 for c in closes],
                        "low": [c * 0.97 for c in closes],
                        "close": closes,
                        "volume": [1_000_000 + i for i in range(len(rows))],
                    }
                ],
                "adjclose": [{"adjclose": [row[2] for row in rows]}],
            },
        }
        events = self._events(listing, {row[0] for row in rows})
        if events:
            result["events"] = events
        if not rows:
            del result["timestamp"]
            result["indicators"] = {"quote": [{}], "adjclose": [{}]}
        if self.change:
            self.change(listing, result)
        return {"chart": {"result": [result], "error": None}}

    def _meta(self, listing: Listing) -> dict[str, Any]:
        first = opening(listing.days[0], listing.zone) if listing.days else None
        moment = int(datetime.combine(self.today, time(16), NEW_YORK).timestamp())
        period = {"timezone": "EST", "start": moment - 23_400, "end": moment, "gmtoffset": -18_000}
        return {
            "currency": "USD",
            "symbol": listing.symbol,
            "exchangeName": listing.exchange,
            "fullExchangeName": listing.exchange,
            "instrumentType": listing.kind,
            "firstTradeDate": first,
            "regularMarketTime": moment,
            "hasPrePostMarketData": True,
            "gmtoffset": -18_000,
            "timezone": "EST",
            "exchangeTimezoneName": listing.zone,
            "priceHint": 2,
            "currentTradingPeriod": {"pre": period, "regular": period, "post": period},
            "dataGranularity": "1d",
            "range": "",
            "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
        }

    def _events(self, listing: Listing, days: set[date]) -> dict[str, Any]:
        events: dict[str, Any] = {}
        for day, amount in listing.dividends.items():
            if day in days:
                stamp = opening(day, listing.zone)
                ratio = listing.split_after(day, self.today)
                events.setdefault("dividends", {})[str(stamp)] = {"amount": amount / ratio, "date": stamp}
        for day, ratio in listing.splits.items():
            if day in days:
                stamp = opening(day, listing.zone)
                split = {"date": stamp, "numerator": ratio, "denominator": 1, "splitRatio": f"{ratio}:1"}
                events.setdefault("splits", {})[str(stamp)] = split
        return events


def invented(symbol: str, start: date, end: date, seed: int = 0, **other: Any) -> Listing:
    """A listing whose closes are a random walk over the sessions of [start, end]."""
    days = sessions(start, end)
    draws = np.random.default_rng([seed, *symbol.encode()])
    walk = np.exp(np.cumsum(draws.normal(0.0004, 0.012, len(days))))
    return Listing(symbol, days, [float(x) for x in (draws.uniform(20, 200) * walk).round(2)], **other)


def moment(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def day_before(today: date) -> datetime:
    return datetime.combine(today, time(0), UTC) - timedelta(days=1)
