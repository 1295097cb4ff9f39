"""Findings: what one answer means for the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from engine.market_data.bars import ROWS, as_stored, usable
from engine.market_data.order import Order
from engine.market_data.overlap import moved, rebased
from loaders.market import Answer, Prices, RequestOutcome
from loaders.market.provider import ACTIONS

ALIVE = timedelta(days=10)
"""A symbol with a close so near to the target is traded: that it is not found will pass."""
FRESH = timedelta(days=7)
"""A bar that is missing so near to the target may yet come: it is asked for by every run."""
LONGEST_PAUSE = 5
"""Powers of 2, in days: what keeps failing is asked for about once a month."""
DAYS: dict[str, pl.DataType] = {"date": pl.Date()}
NAMED: dict[str, pl.DataType] = {"date": pl.Date(), "kind": pl.String()}


@dataclass(frozen=True)
class Known:
    """What the store has of one symbol.

    wanted: sessions that are missing and were asked for. closes: date, close. actions: date,
    kind. gaps: date, tries. series: its row of engine_price_series; empty before the first answer.
    """

    wanted: pl.DataFrame
    closes: pl.DataFrame
    actions: pl.DataFrame
    gaps: pl.DataFrame
    series: Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """What is to be written of one symbol.

    rows: columns of `ROWS`. actions: columns of `ACTIONS`. gaps: rows of engine_price_gaps but
    ids and times. filled: sessions that are no gap any more. gone: date, kind of actions that
    the provider no longer tells. series: the symbol's row of engine_price_series.
    moved: why the symbol must be fetched whole; then the rest of the answer is not used.
    """

    symbol: str
    outcome: RequestOutcome
    detail: str
    series: Mapping[str, Any]
    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ROWS))
    actions: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ACTIONS))
    gaps: pl.DataFrame = field(default_factory=pl.DataFrame)
    filled: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=DAYS))
    gone: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"date": pl.Date(), "kind": pl.String()})
    )
    moved: str | None = None


def finding(answer: Answer[Prices], known: Known, order: Order, calendar: Sequence[date]) -> Finding:
    """What an answer to a request for missing sessions brought."""
    if answer.data is None:
        return Finding(answer.symbol, answer.outcome, answer.detail, remembered(answer, known, order))
    rows, refused = usable(answer.symbol, answer.data.bars, calendar)
    reason = moved(known.closes, rows, answer.data.actions, known.actions)
    fresh = rows.join(known.wanted, on="date", how="semi", maintain_order="left")
    return Finding(
        answer.symbol,
        RequestOutcome.OK,
        "",
        remembered(answer, known, order),
        rows=fresh,
        actions=answer.data.actions,
        gaps=_gaps(known, answer.data, fresh, refused, order),
        filled=fresh.join(known.gaps, on="date", how="semi").select("date"),
        moved=reason,
    )


def whole_finding(
    answer: Answer[Prices], known: Known, stored: pl.DataFrame, order: Order, calendar: Sequence[date]
) -> Finding:
    """What an answer to a request for a whole series brought: all of it on one basis, or nothing.

    Args:
        stored: every stored row of the symbol, columns of `ROWS`.
        calendar: sessions from the symbol's oldest row to the target.
    """
    if answer.data is None:
        return Finding(answer.symbol, answer.outcome, answer.detail, remembered(answer, known, order))
    rows, refused = usable(answer.symbol, answer.data.bars, calendar)
    left = rebased(stored, rows)
    left = None if left is None else as_stored(left).select(list(ROWS))
    if left is None or left["close"].null_count():
        detail = "the provider no longer has all that is stored, and what it has fits no single basis"
        failed = replace(answer, outcome=RequestOutcome.ERROR, detail=detail, data=None)
        return Finding(answer.symbol, RequestOutcome.ERROR, detail, remembered(failed, known, order))
    new = pl.concat([rows, left]).sort("date")
    spanned = known.actions.filter(pl.col("date") >= rows["date"].min())
    return Finding(
        answer.symbol,
        RequestOutcome.OK,
        "",
        remembered(answer, known, order),
        rows=new,
        actions=answer.data.actions,
        gaps=_gaps(known, answer.data, rows, refused, order),
        filled=rows.join(known.gaps, on="date", how="semi").select("date"),
        gone=spanned.join(answer.data.actions, on=["date", "kind"], how="anti"),
    )


def _gaps(
    known: Known, told: Prices, rows: pl.DataFrame, refused: pl.DataFrame, order: Order
) -> pl.DataFrame:
    """The sessions asked for that did not come: date, reason, tries, retry_on.

    Before the listing none was to be expected.
    """
    due = known.wanted.filter(pl.col("date") >= told.listed) if told.listed else known.wanted
    left = due.join(rows, on="date", how="anti").join(refused, on="date", how="left")
    tried = left.join(known.gaps, on="date", how="left").sort("date")
    tries = (pl.col("tries").fill_null(0) + 1).cast(pl.Int32)
    pause = pl.duration(days=(2 ** (tries - 1).clip(0, LONGEST_PAUSE)).cast(pl.Int64))
    recent = pl.col("date") > order.target - FRESH
    return tried.select(
        "date",
        reason=pl.col("reason").fill_null("the provider has no bar"),
        tries=tries,
        retry_on=pl.when(recent).then(order.today).otherwise(order.today + pause).cast(pl.Date),
    )


def remembered(answer: Answer[Prices], known: Known, order: Order) -> dict[str, Any]:
    """The symbol's row of engine_price_series after an answer."""
    old = known.series
    row = {
        "symbol": answer.symbol,
        "exchange": old.get("exchange"),
        "currency": old.get("currency"),
        "listed": old.get("listed"),
        "outcome": answer.outcome.value,
        "detail": answer.detail or None,
        "failures": old.get("failures", 0),
        "retry_on": old.get("retry_on"),
        "asked_at": order.now,
    }
    if answer.data is not None:
        told = answer.data
        row |= {"failures": 0, "retry_on": None}
        row |= {"exchange": told.exchange or row["exchange"], "currency": told.currency or row["currency"]}
        row["listed"] = told.listed or row["listed"]
    elif not answer.outcome.transient:
        row["failures"] += 1
        row["retry_on"] = None if _alive(known, order) else _later(order.today, row["failures"])
    return row


def _alive(known: Known, order: Order) -> bool:
    newest = known.closes["date"].max()
    return isinstance(newest, date) and newest >= order.target - ALIVE


def _later(today: date, failures: int) -> date:
    return today + timedelta(days=2 ** min(failures - 1, LONGEST_PAUSE))
