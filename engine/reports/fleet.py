"""The fleet's page: a row for each portfolio of a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from engine.analyst.store import Store
from engine.analyst.store import open as open_store
from engine.core.calendar import sessions
from engine.core.job_catalog import JOBS
from engine.core.store_url import safe_url
from engine.html.blocks import Block, Card, Cards, Notice, PageTable, Section
from engine.html.cells import Cell, absent, count, missing, money, percent, ratio, word
from engine.html.page import page
from engine.reports.charts.sparks import spark
from engine.reports.measures.growth import growth
from engine.reports.reasons import label, meaning, why
from engine.reports.sections.common import FOOTER
from engine.reports.sections.glance import share
from engine.reports.stored import SNAPSHOT_DATE, extent

KEY = "fleet"
COLUMNS = (
    "portfolio_id",
    SNAPSHOT_DATE,
    "equity_balance",
    "daily_pnl",
    "daily_return",
    "gross_exposure",
    "net_exposure",
    "realized_volatility_21d",
    "beta_calculated_90d",
)
HEADINGS = (
    "Portfolio",
    "Equity",
    "P&L",
    "Return",
    "Deepest drawdown",
    "Volatility",
    "Market beta",
    "Gross",
    "Net",
    "Worst scenario",
    "Jobs not done",
    "Sessions missing",
)


@dataclass(frozen=True)
class StoredFleet:
    """A store's portfolios in a window. Figures are doubles in the units of the schema.

    start, end: first and last session with a snapshot. portfolios: those that are not deleted.
    snapshots: of the window, by portfolio and day. status: of each portfolio's last session and
    later. worst: portfolio_id, date, correlated_pnl of the worst scenario of the last session.
    """

    url: str
    start: date
    end: date
    portfolios: pl.DataFrame
    snapshots: pl.DataFrame
    status: pl.DataFrame
    worst: pl.DataFrame


def read_fleet(url: str, start: date | None, end: date | None) -> StoredFleet:
    """Read what the page shows.

    Raises:
        NothingStoredError: no snapshot in these days.
        EngineError: the store cannot be read.
    """
    store = open_store(url)
    portfolios = store.portfolios
    kept = pl.col("portfolio_id").is_in(portfolios["id"].implode())
    known = store.read("portfolio_snapshots", columns=COLUMNS, start=start, end=end).filter(kept)
    first, last = extent(known, start, end, url, "any portfolio")
    newest = known.group_by("portfolio_id").agg(pl.col(SNAPSHOT_DATE).max())[SNAPSHOT_DATE].min()
    assert isinstance(newest, date)
    status = store.read("analytics_status", start=newest, end=last).filter(kept)
    return StoredFleet(safe_url(url), first, last, portfolios, known, status, _worst(store, newest, last))


def _worst(store: Store, first: date, last: date) -> pl.DataFrame:
    results = store.read(
        "stress_test_results",
        start=first,
        end=last,
        columns=["portfolio_id", "calculation_date", "correlated_pnl"],
    )
    return results.group_by("portfolio_id", date="calculation_date").agg(pl.col("correlated_pnl").min())


def render(fleet: StoredFleet, links: Mapping[str, str]) -> str:
    """The document. `links`: addresses of the portfolios' own pages by id."""
    rows = [_row(fleet, portfolio, links) for portfolio in fleet.portfolios.iter_rows(named=True)]
    rows.sort(key=lambda row: -float(row[1].value or "-inf"))
    note = "Figures of each portfolio's last session; P&L, return and drawdown of the window."
    table = PageTable(
        "Last session and window",
        HEADINGS,
        rows,
        note=note,
        sortable=True,
        search="Find a portfolio",
        key=KEY,
    )
    sections = [
        Section("glance", "At a glance", "", [_cards(fleet)]),
        Section("portfolios", "Portfolios", "", [table]),
        Section("quality", "Data quality", _quality_lead(fleet), _reasons(fleet)),
    ]
    facts = {
        "Window": f"{fleet.start} to {fleet.end}, {len(sessions(fleet.start, fleet.end))} sessions",
        "Store": fleet.url,
    }
    return page("fleet", "All portfolios", facts, sections, footer=FOOTER)


def _cards(fleet: StoredFleet) -> Cards:
    on = f"on {fleet.end}"
    last = fleet.snapshots.filter(pl.col(SNAPSHOT_DATE) == fleet.end)
    held = last.join(fleet.portfolios.select("currency", portfolio_id="id"), on="portfolio_id")
    totals = held.group_by("currency").agg(pl.col("equity_balance").sum()).sort("currency")
    together = [
        Card("Equity together", money(round(total, 2), currency), on)
        for currency, total in totals.iter_rows()
    ]
    portfolios = Card("Portfolios", count(fleet.portfolios.height), f"{last.height} with a snapshot {on}")
    return Cards([portfolios, *together, Card("Portfolios with a failed job", _failed(fleet), on)])


def _failed(fleet: StoredFleet) -> Cell:
    if fleet.status.is_empty():
        return absent("unknown: no status is stored")
    bad = fleet.status.filter(pl.col("calculation_date") == fleet.end, pl.col("status") == "failed")
    return count(bad["portfolio_id"].n_unique())


def _row(fleet: StoredFleet, portfolio: dict[str, Any], links: Mapping[str, str]) -> list[Cell]:
    key, currency = portfolio["id"], portfolio["currency"]
    name = word(portfolio["name"], portfolio["account_type"], links.get(key, ""))
    mine = fleet.snapshots.filter(pl.col("portfolio_id") == key).sort(SNAPSHOT_DATE)
    if mine.is_empty():
        nothing = missing("no snapshot in the window")
        return [name, nothing, *[absent("no snapshot")] * (len(HEADINGS) - 2)]
    last = mine.row(-1, named=True)
    status = fleet.status.filter(pl.col("portfolio_id") == key)
    day = last[SNAPSHOT_DATE]
    return [
        name if day == fleet.end else word(name.text, f"last session {day}", name.href),
        _equity(mine, currency),
        money(_sum(mine["daily_pnl"]), currency, "no session has a P&L", toned=True),
        *_growth(mine),
        percent(last["realized_volatility_21d"], why(status, "volatility", day, "realized_volatility_21d")),
        ratio(last["beta_calculated_90d"], why(status, "market_beta", day, "beta_calculated_90d")),
        share(last["gross_exposure"], last["equity_balance"]),
        share(last["net_exposure"], last["equity_balance"]),
        _stress(fleet, last, status),
        _not_done(status.filter(pl.col("calculation_date") == day)),
        count(len(sessions(mine[SNAPSHOT_DATE][0], fleet.end)) - mine.height),
    ]


def _sum(values: pl.Series) -> float | None:
    known = values.drop_nulls()
    return None if known.is_empty() else round(float(known.sum()), 2)


def _equity(mine: pl.DataFrame, currency: str) -> Cell:
    equity = mine["equity_balance"]
    shown = money(equity[-1], currency, "no equity is stored")
    return _with_spark(shown, equity, "Equity through the window", "c1")


def _growth(mine: pl.DataFrame) -> list[Cell]:
    """The window's return, and its deepest drawdown."""
    grown = growth(mine.rename({SNAPSHOT_DATE: "date"}))
    index, fall = grown["index"].drop_nulls(), grown["drawdown"]
    nothing = "no session has a return"
    gained = percent(None if index.is_empty() else float(index[-1]) - 1, nothing, toned=True)
    deepest = percent(grown.select(pl.col("drawdown").min()).item(), nothing, toned=True)
    return [gained, _with_spark(deepest, fall, "Drawdown through the window", "down")]


def _with_spark(cell: Cell, values: pl.Series, label: str, colour: str) -> Cell:
    drawn = spark(values.to_list(), label, colour)
    return replace(cell, drawing=drawn)


def _stress(fleet: StoredFleet, last: dict[str, Any], status: pl.DataFrame) -> Cell:
    """The worst scenario of the last session, as a share of equity."""
    day, equity = last[SNAPSHOT_DATE], last["equity_balance"]
    found = fleet.worst.filter(pl.col("portfolio_id") == last["portfolio_id"], pl.col("date") == day)[
        "correlated_pnl"
    ]
    if found.is_empty():
        return missing(why(status, "stress", day))
    return share(found[0], equity)


def _not_done(status: pl.DataFrame) -> Cell:
    """How many jobs of the last session failed or were skipped."""
    if status.is_empty():
        return absent("no status is stored")
    failed, skipped = (status.filter(status=kind).height for kind in ("failed", "skipped"))
    told = ", ".join(f"{n} {kind}" for n, kind in ((failed, "failed"), (skipped, "skipped")) if n)
    return Cell(str(failed + skipped), str(failed + skipped), number=True, small=told)


def _quality_lead(fleet: StoredFleet) -> str:
    return f"What was not computed on {fleet.end}, and why."


def _reasons(fleet: StoredFleet) -> list[Block]:
    lacking = fleet.status.filter(pl.col("calculation_date") == fleet.end, pl.col("status") != "ok")
    if fleet.status.is_empty():
        return [Notice("No status is stored", "The batch that wrote these tables left no analytics_status.")]
    if lacking.is_empty():
        return [Notice("Nothing left out", "Every job was done for every portfolio.")]
    counted = lacking.group_by("job", "status", "reason").agg(portfolios=pl.len())
    order = {job: place for place, job in enumerate(JOBS)}
    rows = sorted(counted.iter_rows(), key=lambda row: (order.get(row[0], len(order)), str(row[1:3])))
    cells = [
        [word(label(job)), word(status), count(number), word(meaning(job, reason))]
        for job, status, reason, number in rows
    ]
    return [PageTable("Jobs not done, by reason", ("Job", "Outcome", "Portfolios", "Reason"), cells)]
