"""Changes to a symbol's stored prices that follow from one answer of the provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from engine.core.request_outcomes import NO_BAR, RECENTLY_TRADED, RequestOutcome
from engine.market_data.adjustment_basis import basis_change, rebase
from engine.market_data.answer_checks import contradiction
from engine.market_data.close_changes import CHANGED, close_changes
from engine.market_data.missing_bars import newest_final_day
from engine.market_data.price_bars import PRICE_ROWS, round_prices, split_valid
from engine.market_data.task import CollectionTask
from loaders.market import Answer, Prices
from loaders.market.provider import ACTIONS

RECENT_GAP = timedelta(days=7)
"""A bar missing so near to the target may still come: every run requests it."""
LONGEST_BACKOFF = 5
"""Exponent of 2, days: what keeps failing is requested about once a month."""


@dataclass(frozen=True)
class StoredSymbol:
    """Stored rows of one symbol.

    Attributes:
        requested: date of the missing sessions that were requested.
        closes: date, close.
        actions: date, kind.
        gaps: date, tries.
        series: its row of engine_price_series; empty before the first answer.
        priced: whether any close is stored.
    """

    requested: pl.DataFrame
    closes: pl.DataFrame
    actions: pl.DataFrame
    gaps: pl.DataFrame
    series: Mapping[str, Any]
    priced: bool = True


@dataclass(frozen=True)
class SymbolUpdate:
    """Rows to write and to remove for one symbol.

    Attributes:
        symbol: canonical.
        outcome: of the request.
        detail: the reason of a failure.
        series: the symbol's row of engine_price_series.
        rows: columns of `PRICE_ROWS`.
        actions: columns of `ACTIONS`.
        gaps: date, reason, tries, retry_on.
        filled: date of sessions that are no gap any more.
        removed_actions: date, kind of stored actions that the provider has withdrawn.
        changes: the span of days whose close is added or changed (`close_changes.CHANGED`).
        basis_change: why the whole history must be fetched; then nothing of this is written.
    """

    symbol: str
    outcome: RequestOutcome
    detail: str
    series: Mapping[str, Any]
    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PRICE_ROWS))
    actions: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ACTIONS))
    gaps: pl.DataFrame = field(default_factory=pl.DataFrame)
    filled: pl.DataFrame = field(default_factory=pl.DataFrame)
    removed_actions: pl.DataFrame = field(default_factory=pl.DataFrame)
    changes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CHANGED))
    basis_change: str | None = None


def fill_missing(
    answer: Answer[Prices], stored: StoredSymbol, task: CollectionTask, calendar: Sequence[date]
) -> SymbolUpdate:
    """Return the update after a request for missing sessions.

    Args:
        answer: of the provider.
        stored: what the store holds of the symbol.
        task: the collection.
        calendar: sessions that may be stored.

    Returns:
        The bars of requested sessions; with `basis_change` if the overlap differs.
    """
    if answer.data is None:
        return _failed(answer, stored, task)
    valid, refused = split_valid(answer.symbol, answer.data.bars, calendar)
    if reason := contradiction(answer.data, valid, stored.closes, stored.series):
        return _inconsistent(answer, reason, stored, task)
    valid = valid.filter(pl.col("date") <= newest_final_day(answer.data.exchange, task.now))
    rows = valid.join(stored.requested, on="date", how="semi", maintain_order="left")
    change = basis_change(stored.closes, valid, answer.data.actions, stored.actions)
    update = _update(answer, answer.data, stored, rows, refused, task)
    changes = close_changes(stored.closes, rows, fresh=not stored.priced)
    return replace(update, basis_change=change, changes=changes)


def replace_history(
    answer: Answer[Prices],
    stored: StoredSymbol,
    history: pl.DataFrame,
    task: CollectionTask,
    calendar: Sequence[date],
) -> SymbolUpdate:
    """Return the update after a request for a symbol's whole history.

    Args:
        answer: of the provider.
        stored: what the store holds of the symbol.
        history: every stored row of the symbol, columns of `PRICE_ROWS`.
        task: the collection.
        calendar: sessions from the symbol's oldest row to the target.

    Returns:
        All rows on the answer's basis; none if a stored row fits no single basis.
    """
    if answer.data is None:
        return _failed(answer, stored, task)
    rows, refused = split_valid(answer.symbol, answer.data.bars, calendar)
    closes = history.select("date", "close")
    if reason := contradiction(answer.data, rows, closes, stored.series, task.refresh):
        return _inconsistent(answer, reason, stored, task)
    rows = rows.filter(pl.col("date") <= newest_final_day(answer.data.exchange, task.now))
    left = rebase(history, rows)
    left = None if left is None else round_prices(left).select(list(PRICE_ROWS))
    # A rescaled close that its column cannot hold is null.
    if left is None or left["close"].null_count():
        reason = "the provider no longer has all that is stored, and what it has fits no single basis"
        return _inconsistent(answer, reason, stored, task)
    withdrawn = stored.actions.filter(pl.col("date") >= rows["date"].min()).join(
        answer.data.actions, on=["date", "kind"], how="anti"
    )
    update = _update(answer, answer.data, stored, rows, refused, task)
    whole = pl.concat([rows, left]).sort("date")
    changes = close_changes(history.select("date", "close"), whole.select("date", "close"), fresh=False)
    return replace(update, rows=whole, removed_actions=withdrawn, changes=changes)


def _inconsistent(
    answer: Answer[Prices], reason: str, stored: StoredSymbol, task: CollectionTask
) -> SymbolUpdate:
    refused = replace(answer, outcome=RequestOutcome.INCONSISTENT, detail=reason, data=None)
    return _failed(refused, stored, task)


def _failed(answer: Answer[Prices], stored: StoredSymbol, task: CollectionTask) -> SymbolUpdate:
    return SymbolUpdate(answer.symbol, answer.outcome, answer.detail, series_row(answer, stored, task))


def _update(
    answer: Answer[Prices],
    prices: Prices,
    stored: StoredSymbol,
    rows: pl.DataFrame,
    refused: pl.DataFrame,
    task: CollectionTask,
) -> SymbolUpdate:
    return SymbolUpdate(
        answer.symbol,
        RequestOutcome.OK,
        "",
        series_row(answer, stored, task),
        rows=rows,
        actions=prices.actions,
        gaps=_gaps(stored, prices, rows, refused, task),
        filled=rows.join(stored.gaps, on="date", how="semi").select("date"),
    )


def _gaps(
    stored: StoredSymbol, prices: Prices, rows: pl.DataFrame, refused: pl.DataFrame, task: CollectionTask
) -> pl.DataFrame:
    """Return the requested sessions that did not come: date, reason, tries, retry_on.

    Sessions before the listing are not due, nor is a day that is not over in the symbol's market.
    """
    first, last = prices.listed or date.min, newest_final_day(prices.exchange, task.now)
    due = stored.requested.filter(pl.col("date").is_between(first, last))
    missing = due.join(rows, on="date", how="anti").join(refused, on="date", how="left")
    tried = missing.join(stored.gaps, on="date", how="left").sort("date")
    tries = (pl.col("tries").fill_null(0) + 1).cast(pl.Int32)
    backoff = pl.duration(days=(2 ** (tries - 1).clip(0, LONGEST_BACKOFF)).cast(pl.Int64))
    recent = pl.col("date") > task.target - RECENT_GAP
    return tried.select(
        "date",
        reason=pl.col("reason").fill_null(NO_BAR),
        tries=tries,
        retry_on=pl.when(recent).then(task.today).otherwise(task.today + backoff).cast(pl.Date),
    )


def series_row(answer: Answer[Prices], stored: StoredSymbol, task: CollectionTask) -> dict[str, Any]:
    """Return the symbol's row of engine_price_series after an answer.

    Args:
        answer: of the provider.
        stored: what the store holds of the symbol.
        task: the collection.

    Returns:
        Values by column; what the answer does not say stays as it is stored.
    """
    old = stored.series
    row = {
        "symbol": answer.symbol,
        "exchange": old.get("exchange"),
        "currency": old.get("currency"),
        "listed": old.get("listed"),
        "outcome": answer.outcome.value,
        "detail": answer.detail or None,
        "failures": old.get("failures", 0),
        "retry_on": old.get("retry_on"),
        "asked_at": task.now,
    }
    if answer.data is not None:
        prices = answer.data
        row |= {"failures": 0, "retry_on": None}
        row |= {
            "exchange": prices.exchange or row["exchange"],
            "currency": prices.currency or row["currency"],
            "listed": prices.listed or row["listed"],
        }
    # A transient failure says nothing about the symbol: its retry date stays.
    elif not answer.outcome.transient:
        row["failures"] += 1
        days = 2 ** min(row["failures"] - 1, LONGEST_BACKOFF)
        row["retry_on"] = None if _recently_traded(stored, task) else task.today + timedelta(days=days)
    return row


def _recently_traded(stored: StoredSymbol, task: CollectionTask) -> bool:
    newest = stored.closes["date"].max()
    return isinstance(newest, date) and newest >= task.target - RECENTLY_TRADED
