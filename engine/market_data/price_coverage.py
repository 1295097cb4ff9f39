"""Coverage: which of the due closes are stored, and why the others are missing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from engine.core.request_outcomes import RECENTLY_TRADED, RequestOutcome
from engine.core.store_url import StoreURL
from engine.market_data.stored_market import StoredMarket
from engine.market_data.task import CollectionTask

LISTED_SYMBOLS = 40
"""Symbols in the text; JSON has all."""
TRANSIENT = tuple(outcome.value for outcome in RequestOutcome if outcome.transient)


@dataclass(frozen=True)
class PriceCoverage:
    """A store's closes in [start, target], compared with those that are due.

    Attributes:
        url: the store.
        start: first day, inclusive.
        target: last day, inclusive.
        symbols: symbol, due, stored, missing (sessions), first_missing, last_missing, newest
            (stored session), on_target (whether the target is stored; null where it is not due),
            outcome (of the last request), reason (why the newest missing session is missing),
            currency; most missing sessions first.
        days: date, due, stored (symbols).
    """

    url: StoreURL
    start: date
    target: date
    symbols: pl.DataFrame
    days: pl.DataFrame

    @property
    def cells(self) -> float:
        """Fraction of the due cells that are stored; 0 if none is due."""
        return _fraction(int(self.symbols["stored"].sum()), int(self.symbols["due"].sum()))

    @property
    def on_target(self) -> float:
        """Fraction of the symbols due on the target that are stored; of all cells if none is due then."""
        due = self.symbols["on_target"].drop_nulls()
        return _fraction(int(due.sum()), len(due)) if len(due) else self.cells

    @property
    def lowest(self) -> float:
        """The lower of the two fractions."""
        return min(self.cells, self.on_target)

    @property
    def unanswered(self) -> float:
        """Fraction of the symbols due on the target whose close a later run may still get.

        They are the symbols that were never requested or whose last request failed for a transient
        reason, and those traded recently, whatever the provider answered: an outage in which a
        provider knows no symbol must not count as a delisting of all of them.
        """
        missing = self.symbols.filter(pl.col("on_target").eq(False))
        recent = (pl.col("newest") >= self.target - RECENTLY_TRADED).fill_null(False)
        waiting = missing.filter(pl.col("outcome").is_null() | pl.col("outcome").is_in(TRANSIENT) | recent)
        return _fraction(waiting.height, self.symbols["on_target"].drop_nulls().len())

    def to_text(self) -> str:
        """Return the fractions, and a line for each symbol with missing sessions."""
        lines = [
            f"{self.url}: closes of {self.symbols.height} symbols, {self.start} to {self.target}",
            f"coverage {self.cells:.2%} of all cells, {self.on_target:.2%} on {self.target}",
        ]
        incomplete = self.symbols.filter(pl.col("missing") > 0)
        if incomplete.height:
            lines += ["", f"{'symbol':<12}{'due':>6}{'stored':>8}{'missing':>9}  {'which':<26}reason"]
        for row in incomplete.head(LISTED_SYMBOLS).iter_rows(named=True):
            counts = f"{row['due']:>6}{row['stored']:>8}{row['missing']:>9}"
            span = f"{row['first_missing']} to {row['last_missing']}"
            lines.append(f"{row['symbol']:<12}{counts}  {span:<26}{row['reason']}")
        if incomplete.height > LISTED_SYMBOLS:
            lines.append(f"... and {incomplete.height - LISTED_SYMBOLS} more symbols: --json has them")
        foreign = self.symbols.filter(pl.col("currency") != "USD").select("symbol", "currency")
        lines += [f"{symbol} is priced in {currency}" for symbol, currency in foreign.iter_rows()]
        return "\n".join(lines)

    def to_json(self) -> str:
        """Return the fractions and the counts by symbol and by session as JSON."""
        content: dict[str, Any] = {
            "store": str(self.url),
            "start": self.start,
            "target": self.target,
            "cells": round(self.cells, 6),
            "on_target": round(self.on_target, 6),
            "unanswered": round(self.unanswered, 6),
            "symbols": self.symbols.to_dicts(),
            "days": self.days.to_dicts(),
        }
        return json.dumps(content, indent=1, default=str)


def _fraction(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def measure_coverage(market: StoredMarket, task: CollectionTask) -> PriceCoverage:
    """Compare the stored closes with those that are due.

    Args:
        market: what the store holds.
        task: its days.

    Returns:
        Counts by symbol and by session.
    """
    missing = market.missing
    symbols = _by_symbol(market, missing, task.target)
    return PriceCoverage(task.url, task.start, task.target, symbols, _by_day(market.due, missing))


def _by_symbol(market: StoredMarket, missing: pl.DataFrame, target: date) -> pl.DataFrame:
    # on_target is null without a due cell on the target: no session, or not listed yet.
    ends_on_target = pl.col("date").max() == target
    due = market.due.group_by("symbol").agg(due=_count(), on_target=ends_on_target)
    counts = missing.group_by("symbol").agg(
        missing=_count(),
        first_missing=pl.col("date").min(),
        last_missing=pl.col("date").max(),
        target_missing=ends_on_target,
    )
    newest = market.closes.group_by("symbol").agg(newest=pl.col("date").max())
    target_stored = ~pl.col("target_missing").fill_null(False)
    reasons = market.gaps.select("symbol", "reason", last_missing="date")
    last_answers = market.series.select("symbol", "outcome", "detail", "currency")
    names = pl.DataFrame({"symbol": pl.Series(market.symbols, dtype=pl.String)})
    return (
        names.join(due, on="symbol", how="left")
        .join(counts, on="symbol", how="left")
        .join(newest, on="symbol", how="left")
        .with_columns(
            pl.col("due", "missing").fill_null(0), on_target=pl.when("on_target").then(target_stored)
        )
        .with_columns(stored=pl.col("due") - pl.col("missing"))
        .join(reasons, on=["symbol", "last_missing"], how="left")
        .join(last_answers, on="symbol", how="left")
        .with_columns(reason=_reason())
        .drop("detail", "target_missing")
        .sort("missing", "symbol", descending=[True, False])
    )


def _reason() -> pl.Expr:
    """Return why a session is missing: the last request's failure, else the reason of its gap."""
    failure = pl.format("{}: {}", "outcome", pl.col("detail").fill_null(""))
    return (
        pl.when(pl.col("missing") == 0)
        .then(None)
        .when(pl.col("outcome") != RequestOutcome.OK.value)
        .then(failure)
        .otherwise(pl.col("reason").fill_null("not asked for yet"))
    )


def _by_day(due: pl.DataFrame, missing: pl.DataFrame) -> pl.DataFrame:
    counts = due.group_by("date").agg(due=_count())
    missing_counts = missing.group_by("date").agg(missing=_count())
    both = counts.join(missing_counts, on="date", how="left").sort("date")
    return both.select("date", "due", stored=pl.col("due") - pl.col("missing").fill_null(0))


def _count() -> pl.Expr:
    return pl.len().cast(pl.Int64)
