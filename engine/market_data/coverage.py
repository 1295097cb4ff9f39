"""Coverage: of the closes that are due, which are stored, and why the others are not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from engine.core.store_url import safe_url
from engine.market_data.findings import ALIVE
from engine.market_data.order import Order
from engine.market_data.stored_market import Market
from loaders.market import RequestOutcome

LONGEST_LIST = 40
"""Symbols that are told of one by one to a person; JSON has them all."""
PASSING = tuple(outcome.value for outcome in RequestOutcome if outcome.transient)


@dataclass(frozen=True)
class Coverage:
    """A store's closes in [start, target], held to what is due.

    symbols: symbol, due, stored, missing (sessions), first_missing, last_missing, newest (stored
        session), on_target (whether the target is stored; null where it is not due), reason,
        currency; worst first. reason: why the newest missing session is missing.
    days: date, due, stored (symbols).
    """

    url: str
    start: date
    target: date
    symbols: pl.DataFrame
    days: pl.DataFrame

    @property
    def cells(self) -> float:
        """The fraction of the cells due that are stored; 0 where none is due."""
        return _fraction(int(self.symbols["stored"].sum()), int(self.symbols["due"].sum()))

    @property
    def on_target(self) -> float:
        """The fraction of the symbols due on the target that are stored."""
        asked = self.symbols["on_target"].drop_nulls()
        return _fraction(int(asked.sum()), len(asked))

    @property
    def least(self) -> float:
        """The lesser of the two."""
        return min(self.cells, self.on_target)

    @property
    def unanswered(self) -> float:
        """The fraction of the symbols due on the target that a later run may still bring.

        Those never asked for, throttled, or out of reach; and those that were traded lately,
        whatever the provider says of them: a provider out of order must not pass for a market
        that is gone.
        """
        lost = self.symbols.filter(pl.col("on_target").eq(False))
        lately = (pl.col("newest") >= self.target - ALIVE).fill_null(False)
        waiting = lost.filter(pl.col("outcome").is_null() | pl.col("outcome").is_in(PASSING) | lately)
        return _fraction(waiting.height, self.symbols["on_target"].drop_nulls().len())

    def to_text(self) -> str:
        """The fractions, and the symbols that lack something."""
        lines = [
            f"{safe_url(self.url)}: closes of {self.symbols.height} symbols, {self.start} to {self.target}",
            f"coverage {self.cells:.2%} of all cells, {self.on_target:.2%} on {self.target}",
        ]
        lacking = self.symbols.filter(pl.col("missing") > 0)
        if lacking.height:
            lines += ["", f"{'symbol':<12}{'due':>6}{'stored':>8}{'missing':>9}  {'which':<26}reason"]
        for row in lacking.head(LONGEST_LIST).iter_rows(named=True):
            counts = f"{row['due']:>6}{row['stored']:>8}{row['missing']:>9}"
            span = f"{row['first_missing']} to {row['last_missing']}"
            lines.append(f"{row['symbol']:<12}{counts}  {span:<26}{row['reason']}")
        if lacking.height > LONGEST_LIST:
            lines.append(f"... and {lacking.height - LONGEST_LIST} more symbols: --json has them")
        foreign = self.symbols.filter(pl.col("currency") != "USD")
        lines += [
            f"{row[0]} is priced in {row[1]}" for row in foreign.select("symbol", "currency").iter_rows()
        ]
        return "\n".join(lines)

    def to_json(self) -> str:
        """Everything, by symbol and by session."""
        found: dict[str, Any] = {
            "store": safe_url(self.url),
            "start": self.start,
            "target": self.target,
            "cells": round(self.cells, 6),
            "on_target": round(self.on_target, 6),
            "unanswered": round(self.unanswered, 6),
            "symbols": self.symbols.to_dicts(),
            "days": self.days.to_dicts(),
        }
        return json.dumps(found, indent=1, default=str)


def _fraction(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def covered(market: Market, order: Order) -> Coverage:
    """Hold what is stored to what is due."""
    missing = market.missing
    symbols = _by_symbol(market, missing, order.target)
    return Coverage(order.url, order.start, order.target, symbols, _by_day(market.due, missing))


def _by_symbol(market: Market, missing: pl.DataFrame, target: date) -> pl.DataFrame:
    ends_there = pl.col("date").max() == target
    expected = market.due.group_by("symbol").agg(due=_count(), on_target=ends_there)
    lacking = missing.group_by("symbol").agg(
        missing=_count(),
        first_missing=pl.col("date").min(),
        last_missing=pl.col("date").max(),
        lost_target=ends_there,
    )
    newest = market.closes.group_by("symbol").agg(newest=pl.col("date").max())
    counts = pl.col("due", "missing").fill_null(0)
    there = ~pl.col("lost_target").fill_null(False)
    reasons = market.gaps.select("symbol", "reason", last_missing="date")
    asked = market.series.select("symbol", "outcome", "detail", "currency")
    names = pl.DataFrame({"symbol": pl.Series(market.symbols, dtype=pl.String)})
    whole = (
        names.join(expected, on="symbol", how="left")
        .join(lacking, on="symbol", how="left")
        .join(newest, on="symbol", how="left")
        .with_columns(counts, on_target=pl.when("on_target").then(there))
        .with_columns(stored=pl.col("due") - pl.col("missing"))
        .join(reasons, on=["symbol", "last_missing"], how="left")
        .join(asked, on="symbol", how="left")
    )
    return (
        whole.with_columns(reason=_reason())
        .drop("detail", "lost_target")
        .sort("missing", "symbol", descending=[True, False])
    )


def _reason() -> pl.Expr:
    """Why a session is missing: what the last answer said, else what is known of the session."""
    failed = pl.format("{}: {}", "outcome", pl.col("detail").fill_null(""))
    return (
        pl.when(pl.col("missing") == 0)
        .then(None)
        .when(pl.col("outcome") != RequestOutcome.OK.value)
        .then(failed)
        .otherwise(pl.col("reason").fill_null("not asked for yet"))
    )


def _by_day(due: pl.DataFrame, missing: pl.DataFrame) -> pl.DataFrame:
    expected = due.group_by("date").agg(due=_count())
    lacking = missing.group_by("date").agg(missing=_count())
    both = expected.join(lacking, on="date", how="left").sort("date")
    return both.select("date", "due", stored=pl.col("due") - pl.col("missing").fill_null(0))


def _count() -> pl.Expr:
    return pl.len().cast(pl.Int64)
