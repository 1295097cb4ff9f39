"""Prices: what a store lacks of the daily closes, fetched, checked and committed in batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import polars as pl

from engine.core.calendar import sessions
from engine.market_data.batch import Batch
from engine.market_data.coverage import covered
from engine.market_data.findings import Known, finding, whole_finding
from engine.market_data.holes import CELLS, apart, askable, requests
from engine.market_data.order import ANSWERS, Collected, Order
from engine.market_data.stored_market import Market, read_market, whole_rows
from loaders import open_reader
from loaders.market import PriceRequest, Provider, RequestOutcome

Parts = Mapping[str, pl.DataFrame]


class Ended(NamedTuple):
    """How one symbol's request ended; `moved`: why it has to be fetched whole."""

    symbol: str
    outcome: RequestOutcome
    detail: str
    moved: str | None = None


def collect(order: Order, provider: Provider) -> Collected:
    """Collect the closes that are missing, and whole series whose basis has moved.

    Each symbol is asked for once, from its first missing session to its last with a little of
    what is stored; nothing that is there is fetched for its own sake. Where the overlap, or an
    action, shows that the stored closes stand on an older basis, nothing of the answer is used:
    the symbol is fetched again from its oldest stored close, and replaced as a whole. No row is
    ever deleted, and an answer that brings nothing changes nothing but the memory of it.
    """
    with open_reader(order.url) as reader:
        market = read_market(reader, order)
    wanted = askable(market.missing, market.gaps, market.series, order.today)
    known = _known(market, wanted)
    batch = Batch(order, provider.name)
    asked = requests(wanted, market.closes, market.calendar)
    moved = dict.fromkeys(apart(asked, market.closes, market.extents), "what is stored lies apart")
    near = [one for one in asked if one.symbol not in moved]
    first = _first_pass(order, provider, batch, known, market.calendar, near)
    moved |= {one.symbol: one.moved for one in first if one.moved}
    again = _second_pass(order, provider, batch, known, moved)
    if asked:
        with open_reader(order.url) as reader:
            market = read_market(reader, order)
    found = covered(market, order)
    ended = {one.symbol: one for one in (*first, *again)}
    return Collected(
        "prices",
        order.target,
        wanted=len(market.symbols),
        answers=_answers(ended.values()),
        rows=batch.rows,
        coverage=found.least,
        unanswered=found.unanswered,
    )


def _first_pass(
    order: Order,
    provider: Provider,
    batch: Batch,
    known: Mapping[str, Known],
    calendar: Sequence[date],
    asked: Sequence[PriceRequest],
) -> list[Ended]:
    """Fetch what is missing, with a little of what is stored."""
    order.told.stage("prices", len(asked))
    found = []
    for answer in provider.prices(asked):
        one = finding(answer, known[answer.symbol], order, calendar)
        found.append(Ended(one.symbol, one.outcome, one.detail, one.moved))
        if one.moved is None:
            batch.add(one)
        order.told.rows("symbols", 1)
    batch.flush()
    return found


def _second_pass(
    order: Order, provider: Provider, batch: Batch, known: Mapping[str, Known], moved: Mapping[str, str]
) -> list[Ended]:
    """Fetch the symbols whole whose basis has moved."""
    if not moved:
        return []
    for symbol, reason in sorted(moved.items()):
        order.told.note(f"{symbol} is fetched whole: {reason}")
    with open_reader(order.url) as reader:
        stored = _by_symbol(whole_rows(reader, sorted(moved)))
    asked = [
        PriceRequest(symbol, rows["date"][0], max(rows["date"][-1], order.target))
        for symbol, rows in stored.items()
    ]
    calendar = sessions(min(one.start for one in asked), max(one.end for one in asked))
    order.told.stage("whole series", len(asked))
    found = []
    for answer in provider.prices(asked):
        symbol = answer.symbol
        one = whole_finding(answer, known[symbol], stored[symbol], order, calendar)
        found.append(Ended(one.symbol, one.outcome, one.detail))
        batch.add(one)
        order.told.rows("symbols", 1)
    batch.flush()
    return found


def _known(market: Market, wanted: pl.DataFrame) -> dict[str, Known]:
    """What the store has of each symbol, apart."""
    closes, actions, gaps = (
        _by_symbol(frame.join(wanted, on="symbol", how="semi"))
        for frame in (market.closes, market.actions, market.gaps)
    )
    missing = _by_symbol(wanted)
    series = {row["symbol"]: row for row in market.series.iter_rows(named=True)}
    nothing = (market.closes.clear(), market.actions.clear(), market.gaps.clear(), pl.DataFrame(schema=CELLS))
    return {
        symbol: Known(
            wanted=missing.get(symbol, nothing[3]).select("date"),
            closes=closes.get(symbol, nothing[0]).select("date", "close"),
            actions=actions.get(symbol, nothing[1]).select("date", "kind"),
            gaps=gaps.get(symbol, nothing[2]).select("date", "tries"),
            series=series.get(symbol, {}),
        )
        for symbol in missing
    }


def _by_symbol(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    parts = frame.partition_by("symbol", maintain_order=True, as_dict=True)
    return {str(symbol): rows for (symbol,), rows in parts.items()}


def _answers(found: Iterable[Ended]) -> pl.DataFrame:
    rows = [(one.symbol, one.outcome.value, one.detail) for one in found]
    return pl.DataFrame(rows, schema=ANSWERS, orient="row").sort("symbol")
