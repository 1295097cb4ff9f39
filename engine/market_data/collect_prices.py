"""Collect the daily closes that a store lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from engine.core.calendar import sessions
from engine.core.request_outcomes import RequestOutcome
from engine.market_data.close_changes import can_record, read_computed
from engine.market_data.missing_bars import disjoint_symbols, fetchable_cells, price_requests, with_checks
from engine.market_data.price_coverage import measure_coverage
from engine.market_data.price_updates import StoredSymbol, SymbolUpdate, fill_missing, replace_history
from engine.market_data.price_writer import PriceWriter
from engine.market_data.stored_market import StoredMarket, read_full_history, read_market
from engine.market_data.task import CollectionResult, CollectionTask, answer_rows
from loaders import open_reader
from loaders.market import Answer, PriceRequest, Prices, Provider


class SymbolResult(NamedTuple):
    """Outcome of a symbol's request; `basis_change`: why its whole history must be fetched."""

    symbol: str
    outcome: RequestOutcome
    detail: str
    basis_change: str | None


def collect(task: CollectionTask, provider: Provider) -> CollectionResult:
    """Collect the missing closes, and the whole history of symbols whose basis has changed.

    Each symbol is requested once, from its first missing session to its last with a short overlap
    of stored sessions. If the overlap or a new action shows that the stored closes are on an older
    basis, the answer is discarded: the symbol is fetched from its oldest stored close on, and its
    rows are replaced together. No price is ever deleted, and a failed answer changes only the
    symbol's row of engine_price_series.

    Args:
        task: what to collect.
        provider: of the prices.

    Returns:
        The answers, and the coverage after the collection.
    """
    with open_reader(task.url) as reader:
        market = read_market(reader, task)
        computed = read_computed(reader) if can_record(reader) else None
    cells = fetchable_cells(market.missing, market.gaps, market.series, task.today)
    stored = _by_stored_symbol(market, cells, task.refresh)
    writer = PriceWriter(task, provider.name, computed)
    requests = with_checks(price_requests(cells, market.closes, market.calendar), cells, market.closes)
    disjoint = disjoint_symbols(requests, market.closes, market.extents)
    changes = dict.fromkeys(disjoint, "its stored closes do not overlap the request")
    if task.refresh:
        changes = dict.fromkeys(market.extents["symbol"].sort(), "--refresh")

    def fill(answer: Answer[Prices]) -> SymbolUpdate:
        return fill_missing(answer, stored[answer.symbol], task, market.calendar)

    near = [one for one in requests if one.symbol not in changes]
    results = _fetch(task, provider, writer, near, "prices", fill)
    changes |= {one.symbol: one.basis_change for one in results if one.basis_change}
    results += _replace_histories(task, provider, writer, stored, changes)
    # Coverage is measured on what is stored now, not on what was meant to be written.
    if results:
        with open_reader(task.url) as reader:
            market = read_market(reader, task)
    coverage = measure_coverage(market, task)
    # A history's result replaces the first request's.
    answers = {one.symbol: (one.symbol, one.outcome, one.detail) for one in results}
    return CollectionResult(
        "prices",
        task.target,
        wanted=len(market.symbols),
        answers=answer_rows(answers.values()).sort("symbol"),
        rows=writer.rows,
        coverage=coverage.lowest,
        unanswered=coverage.unanswered,
        changes=writer.changes,
        stale=writer.stale,
        names=computed.names if computed else {},
    )


def _fetch(
    task: CollectionTask,
    provider: Provider,
    writer: PriceWriter,
    requests: Sequence[PriceRequest],
    stage_name: str,
    update_of: Callable[[Answer[Prices]], SymbolUpdate],
) -> list[SymbolResult]:
    """Send requests, and write the update that follows from each answer."""
    stage = task.progress.stage(stage_name, len(requests))
    results = []
    for answer in provider.prices(requests):
        update = update_of(answer)
        results.append(SymbolResult(update.symbol, update.outcome, update.detail, update.basis_change))
        if update.basis_change is None:
            writer.add(update)
        stage.rows("symbols", 1)
    writer.flush()
    return results


def _replace_histories(
    task: CollectionTask,
    provider: Provider,
    writer: PriceWriter,
    stored: Mapping[str, StoredSymbol],
    changes: Mapping[str, str],
) -> list[SymbolResult]:
    """Fetch the whole history of symbols whose basis has changed, and replace their rows."""
    if not changes:
        return []
    for symbol, reason in sorted(changes.items()):
        task.progress.note(f"{symbol}: its whole history is fetched again: {reason}")
    with open_reader(task.url) as reader:
        histories = _by_symbol(read_full_history(reader, sorted(changes)))
    requests = [
        PriceRequest(symbol, rows["date"][0], max(rows["date"][-1], task.target))
        for symbol, rows in histories.items()
    ]
    calendar = sessions(min(one.start for one in requests), max(one.end for one in requests))

    def replace(answer: Answer[Prices]) -> SymbolUpdate:
        return replace_history(answer, stored[answer.symbol], histories[answer.symbol], task, calendar)

    return _fetch(task, provider, writer, requests, "whole series", replace)


def _by_stored_symbol(market: StoredMarket, cells: pl.DataFrame, everything: bool) -> dict[str, StoredSymbol]:
    """Return what the store holds of each symbol that has cells to request; of all, if all are requested."""
    requested = _by_symbol(cells)
    symbols = market.symbols if everything else list(requested)
    wanted = pl.DataFrame({"symbol": pl.Series(symbols, dtype=pl.String)})
    closes, actions, gaps = (
        _by_symbol(frame.join(wanted, on="symbol", how="semi"))
        for frame in (market.closes, market.actions, market.gaps)
    )
    series = {row["symbol"]: row for row in market.series.iter_rows(named=True)}
    priced = set(market.extents["symbol"])
    return {
        symbol: StoredSymbol(
            requested=requested.get(symbol, cells.clear()).select("date"),
            closes=closes.get(symbol, market.closes.clear()).select("date", "close"),
            actions=actions.get(symbol, market.actions.clear()).select("date", "kind"),
            gaps=gaps.get(symbol, market.gaps.clear()).select("date", "tries"),
            series=series.get(symbol, {}),
            priced=symbol in priced,
        )
        for symbol in symbols
    }


def _by_symbol(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    parts = frame.partition_by("symbol", maintain_order=True, as_dict=True)
    return {str(symbol): rows for (symbol,), rows in parts.items()}
