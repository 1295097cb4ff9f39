"""The page of all portfolios of a store, with a row for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from engine.core.calendar import sessions
from engine.core.job_catalog import JOBS
from engine.html.blocks import Block, Card, Cards, Notice, PageTable, Section
from engine.html.cells import (
    Cell,
    count,
    money,
    not_applicable,
    not_computed,
    percent,
    plain,
    ratio,
    short_money,
)
from engine.html.page import page
from engine.reports.charts.sparks import spark
from engine.reports.measures.growth import growth
from engine.reports.missing_figures import label, meaning, why_missing
from engine.reports.sections.common import FOOTER, cents_sum, share
from engine.reports.stored import SNAPSHOT_DATE
from engine.reports.stored_fleet import StoredFleet

KEY = "fleet"
HEADINGS = (
    "Portfolio",
    "Equity",
    "P&L today",
    "Today",
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
STATES = {"failed": "failed job", "held_back": "held back", "partial": "partial figure"}
SIZES = (100_000, 1_000_000, 10_000_000, 100_000_000)
"""Equities at which a class of sizes begins."""


def render(fleet: StoredFleet, links: Mapping[str, str]) -> str:
    """Return the document.

    Args:
        fleet: what the page shows.
        links: addresses of the portfolios' own pages by portfolio id.
    """
    table = _table(fleet, links)
    lead = f"What was not computed on {fleet.end}, and why."
    sections = [
        Section("glance", "At a glance", "", [_cards(fleet)]),
        Section("portfolios", "Portfolios", "", [table]),
        Section("quality", "Data quality", lead, _reasons(fleet)),
    ]
    facts = {
        "Window": f"{fleet.start} to {fleet.end}, {len(sessions(fleet.start, fleet.end))} sessions",
        "Store": fleet.url,
    }
    return page("fleet", "All portfolios", facts, sections, footer=FOOTER)


def _table(fleet: StoredFleet, links: Mapping[str, str]) -> PageTable:
    """Return a row for each portfolio, largest equity first, with what a reader can filter by."""
    portfolios = list(fleet.portfolios.iter_rows(named=True))
    rows = [(_row(fleet, one, links), one) for one in portfolios]
    rows.sort(key=lambda row: -float(row[0][1].value or "-inf"))
    return PageTable(
        "Last session and window",
        HEADINGS,
        [cells for cells, _ in rows],
        note="Today: each portfolio's last session, as are the figures after the drawdown; P&L, return and "
        "drawdown of the window. Each small line has a scale of its own.",
        search="Find a portfolio",
        key=KEY,
        facets={
            "Status": [_states(fleet, one["id"]) for _, one in rows],
            "Type": [[str(one["account_type"]).lower()] for _, one in rows],
            "Size": [[_size(cells[1], one["currency"])] for cells, one in rows],
        },
        multiples=True,
    )


def _states(fleet: StoredFleet, key: str) -> list[str]:
    """Return what a portfolio's last session has: failed, held back or partial jobs, or no session at all."""
    snapshots = fleet.snapshots_of(key)
    if snapshots.is_empty():
        return ["no snapshot"]
    last = snapshots[SNAPSHOT_DATE][-1]
    found = set(fleet.status_of(key).filter(pl.col("calculation_date") >= last)["status"])
    states = [STATES[status] for status in STATES if status in found]
    return [*states, *(["behind"] if last < fleet.end else [])] or ["complete"]


def _size(equity: Cell, currency: str) -> str:
    """Return the class of an equity: the largest limit that it reaches."""
    if not equity.value:
        return "no equity"
    limit = max((one for one in SIZES if float(equity.value) >= one), default=None)
    if limit is None:
        return f"under {short_money(SIZES[0], currency)}"
    return f"from {short_money(limit, currency)}"


def _cards(fleet: StoredFleet) -> Cards:
    on = f"on {fleet.end}"
    last = fleet.snapshots.filter(pl.col(SNAPSHOT_DATE) == fleet.end)
    owned = last.join(fleet.portfolios.select("currency", portfolio_id="id"), on="portfolio_id")
    totals = owned.group_by("currency").agg(pl.col("equity_balance").sum()).sort("currency")
    equity = [
        Card("Total equity", money(round(total, 2), currency), on) for currency, total in totals.iter_rows()
    ]
    portfolios = Card("Portfolios", count(fleet.portfolios.height), f"{last.height} with a snapshot {on}")
    return Cards([portfolios, *equity, Card("Portfolios with a failed job", _failed(fleet), on)])


def _failed(fleet: StoredFleet) -> Cell:
    if fleet.status.is_empty():
        return not_applicable("unknown: no status is stored")
    failed = fleet.status.filter(pl.col("calculation_date") == fleet.end, pl.col("status") == "failed")
    return count(failed["portfolio_id"].n_unique())


def _row(fleet: StoredFleet, portfolio: dict[str, Any], links: Mapping[str, str]) -> list[Cell]:
    key, currency = portfolio["id"], portfolio["currency"]
    name = plain(portfolio["name"], portfolio["account_type"], links.get(key, ""))
    snapshots = fleet.snapshots_of(key)
    if snapshots.is_empty():
        nothing = not_computed("no snapshot in the window")
        return [name, nothing, *[not_applicable("no snapshot")] * (len(HEADINGS) - 2)]
    last = snapshots.row(-1, named=True)
    day = last[SNAPSHOT_DATE]
    status = fleet.status_of(key)
    no_pnl = why_missing(status, "pnl", day, "daily_pnl")
    no_volatility = why_missing(status, "volatility", day, "realized_volatility_21d")
    no_beta = why_missing(status, "market_beta", day, "beta_calculated_90d")
    return [
        name if day == fleet.end else plain(name.text, f"last session {day}", name.href),
        _equity(snapshots, currency),
        money(last["daily_pnl"], currency, no_pnl, toned=True),
        percent(last["daily_return"], no_pnl, digits=2, toned=True),
        money(cents_sum(snapshots["daily_pnl"]), currency, "no session has a P&L", toned=True),
        *_growth(snapshots),
        percent(last["realized_volatility_21d"], no_volatility),
        ratio(last["beta_calculated_90d"], no_beta),
        share(last["gross_exposure"], last["equity_balance"]),
        share(last["net_exposure"], last["equity_balance"]),
        _stress(fleet, last, status),
        _not_done(status.filter(pl.col("calculation_date") == day)),
        count(len(sessions(snapshots[SNAPSHOT_DATE][0], fleet.end)) - snapshots.height),
    ]


def _equity(snapshots: pl.DataFrame, currency: str) -> Cell:
    equity = snapshots["equity_balance"]
    last = money(equity[-1], currency, "no equity is stored")
    return _with_spark(last, equity, "Equity in the window", "c1")


def _growth(snapshots: pl.DataFrame) -> list[Cell]:
    """Return the return of the window, and its deepest drawdown."""
    grown = growth(snapshots.rename({SNAPSHOT_DATE: "date"}))
    index, drawdown = grown["index"].drop_nulls(), grown["drawdown"]
    nothing = "no session has a return"
    gained = percent(None if index.is_empty() else float(index[-1]) - 1, nothing, toned=True)
    deepest = percent(grown.select(pl.col("drawdown").min()).item(), nothing, toned=True)
    return [gained, _with_spark(deepest, drawdown, "Drawdown in the window", "down")]


def _with_spark(cell: Cell, values: pl.Series, label: str, colour: str) -> Cell:
    return replace(cell, drawing=spark(values.to_list(), label, colour))


def _stress(fleet: StoredFleet, last: dict[str, Any], status: pl.DataFrame) -> Cell:
    """Return the P&L of the last session's worst scenario as a share of equity."""
    day, equity = last[SNAPSHOT_DATE], last["equity_balance"]
    rows = fleet.worst.filter(pl.col("portfolio_id") == last["portfolio_id"], pl.col("date") == day)
    if rows.is_empty():
        return not_computed(why_missing(status, "stress", day))
    return share(rows["correlated_pnl"][0], equity)


def _not_done(status: pl.DataFrame) -> Cell:
    """Return how many jobs of the last session failed, were skipped or are partial."""
    if status.is_empty():
        return not_applicable("no status is stored")
    counts = {kind: status.filter(status=kind).height for kind in ("failed", "skipped", "partial")}
    total = str(sum(counts.values()))
    parts = ", ".join(f"{number} {kind}" for kind, number in counts.items() if number)
    return Cell(total, total, number=True, small=parts)


def _reasons(fleet: StoredFleet) -> list[Block]:
    missing = fleet.status.filter(pl.col("calculation_date") == fleet.end, pl.col("status") != "ok")
    if fleet.status.is_empty():
        return [Notice("No status is stored", "The batch that wrote these tables wrote no analytics_status.")]
    if missing.is_empty():
        return [Notice("Nothing left out", "Every job succeeded for every portfolio.")]
    counted = missing.group_by("job", "status", "reason").agg(portfolios=pl.len())
    order = {job: place for place, job in enumerate(JOBS)}
    rows = sorted(counted.iter_rows(), key=lambda row: (order.get(row[0], len(order)), str(row[1:3])))
    cells = [
        [plain(label(job)), plain(status), count(number), plain(meaning(job, reason))]
        for job, status, reason, number in rows
    ]
    return [PageTable("Jobs not done, by reason", ("Job", "Outcome", "Portfolios", "Reason"), cells)]
