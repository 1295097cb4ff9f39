"""The positions, their contributions to the P&L, and their risk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from engine.analytics.positions.valuation import OPEN
from engine.html.blocks import Block, LegendKey, Notice, PageTable, Section
from engine.html.cells import (
    Cell,
    count,
    day,
    money,
    not_applicable,
    not_computed,
    percent,
    plain,
    quantity,
    ratio,
    short_money,
)
from engine.reports.charts.bars import bar_heights, signed_bars
from engine.reports.charts.drawing import chart
from engine.reports.charts.scales import money_format
from engine.reports.measures.contributions import contributions
from engine.reports.measures.data_quality import QUOTED
from engine.reports.measures.doubts import last_prices
from engine.reports.sections.common import cents_sum, share
from engine.reports.stored import StoredPortfolio

MOST_BARS = 12
REALIZED, INCOME = "of which realized", "of which income"
"""The latter by rules under which realized gains are a part of a lot's P&L."""
OF_RISK = "Of the risk"
"""A position's share of the predicted volatility; only by rules that split it."""
HOLDINGS = (
    "Position",
    "Contribution",
    REALIZED,
    "Value",
    "Of equity",
    "Market beta",
    "Volatility",
    OF_RISK,
    "Price",
    "Quantity",
    "Kind",
    "Entered",
)
RISK = ("Position", "Volatility, 21 sessions", "Forecast", "Market beta", "R²", "Returns", "Rate beta")
UNFITTED = "fewer than 30 returns"
UNMEASURED = "fewer than 63 returns"
SIDES = {"LC": "long call", "LP": "long put", "SC": "short call", "SP": "short put"}


def positions(stored: StoredPortfolio, days: pl.DataFrame) -> Section:
    """Return the largest contributions as bars, every position, and the risk of open ones.

    Args:
        stored: the portfolio's rows.
        days: the result of `engine.reports.measures.contributions.priced_days`.
    """
    rows = _rows(stored, contributions(stored, days), days)
    quoted = days.filter(OPEN, QUOTED)["id"].unique()
    risky = rows.filter(pl.col("position_id").is_in(quoted.implode()))
    blocks = [*_chart(stored, rows), _holdings(stored, rows), *_risk(stored, risky)]
    return Section("positions", "Positions", _lead(stored, rows), blocks)


def _rows(stored: StoredPortfolio, contributed: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Return positions with contribution and risk, largest contribution first.

    Deleted positions are left out unless they contributed.
    """
    # A position has a row per method and window; the page has room for one.
    market = stored.market_betas.unique("position_id", keep="first", maintain_order=True)
    risks = (
        market.select("position_id", "beta", "r_squared", "observations"),
        stored.rate_betas.select("position_id", "ir_beta"),
        stored.volatility.select("position_id", "realized_vol_21d", "expected_vol_21d"),
        stored.risk.positions.select("position_id", of_risk="share"),
        last_prices(stored, days).select("position_id", price_mark="mark", last_close="last_close"),
    )
    kept = pl.col("deleted_at").is_null() | pl.col("total").is_not_null()
    rows = stored.positions.rename({"id": "position_id"}).join(contributed, on="position_id").filter(kept)
    for risk in risks:
        rows = rows.join(risk, on="position_id", how="left")
    # Symbol and id break ties, so that the same store gives the same page.
    names = stored.profiles.select("symbol", "company_name")
    order = (pl.col("total").abs(), "symbol", "position_id")
    return rows.join(names, on="symbol", how="left").sort(
        *order, descending=[True, False, False], nulls_last=True
    )


def _lead(stored: StoredPortfolio, rows: pl.DataFrame) -> str:
    still_open = rows.filter(OPEN).height
    parts = [f"Positions: {still_open} open, {rows.height - still_open} closed or deleted."]
    contributing = rows.filter(pl.col("total").is_not_null()).sort("total")
    if contributing.is_empty():
        return f"{parts[0]} None contributed to the P&L, because no market quotes them."
    worst, best = (contributing.row(place, named=True) for place in (0, -1))
    if best["total"] > 0:
        parts.append(f"Largest gain: {best['symbol']}, {short_money(best['total'], stored.currency)}.")
    if worst["total"] < 0:
        parts.append(f"Largest loss: {worst['symbol']}, {short_money(worst['total'], stored.currency)}.")
    return " ".join(parts)


def _chart(stored: StoredPortfolio, rows: pl.DataFrame) -> list[Block]:
    symbols = rows.drop_nulls("total").group_by(name="symbol").agg(value=pl.col("total").sum().round(2))
    if symbols.is_empty():
        return []
    largest = symbols.sort(pl.col("value").abs(), "name", descending=[True, False]).head(MOST_BARS)
    shown = largest.sort("value", "name", descending=[True, False])
    wide, narrow = bar_heights(shown.height)
    drawing = chart(
        "Contributions to P&L",
        f"Bars of the {shown.height} largest contributions of {symbols.height} symbols to the P&L of the "
        f"window, from {shown['name'][0]} down to {shown['name'][-1]}. The table below holds the figures.",
        signed_bars(shown, money_format(stored.currency)),
        wide,
        narrow_height=narrow,
        unit=f"{stored.currency} by symbol",
        legend=[LegendKey("Gain", "up", shape="box"), LegendKey("Loss", "down", shape="box")],
    )
    return [drawing]


def _holdings(stored: StoredPortfolio, rows: pl.DataFrame) -> PageTable:
    cells = [_holding(stored, row) for row in rows.iter_rows(named=True)]
    headings = [INCOME if name == REALIZED and not stored.lots.is_empty() else name for name in HOLDINGS]
    if stored.risk.positions.is_empty():
        place = headings.index(OF_RISK)
        headings, cells = (
            [name for name in headings if name != OF_RISK],
            [[*row[:place], *row[place + 1 :]] for row in cells],
        )
    return PageTable("All positions", headings, cells, note=_reconciled(stored, rows))


def _reconciled(stored: StoredPortfolio, rows: pl.DataFrame) -> str:
    """Return how far the contributions explain the stored P&L."""
    pnl = cents_sum(stored.snapshots["daily_pnl"])
    if pnl is None:
        return "No session of the window has a P&L to compare the contributions with."
    explained = round(float(rows["total"].sum()), 2)
    rest = round(pnl - explained, 2)
    amounts = [money(v, stored.currency, cents=True).text for v in (explained, pnl, rest)]
    return (
        "Contributions sum to {}; the stored P&L of the window is {}; difference {}. Daily rounding explains "
        "cents; a larger difference means that positions were changed after the run.".format(*amounts)
    )


def _holding(stored: StoredPortfolio, row: dict[str, Any]) -> list[Cell]:
    realized = row["realized"]
    return [
        plain(row["symbol"], row["company_name"] or ""),
        money(row["total"], stored.currency, "no market quotes it", toned=True),
        not_applicable("none") if realized is None else money(realized, stored.currency, toned=True),
        *_value(stored, row)[:2],
        *_measured(row),
        _value(stored, row)[2],
        quantity(row["quantity"]),
        plain(kind(row)),
        day(row["entry_date"]),
    ]


def _value(stored: StoredPortfolio, row: dict[str, Any]) -> list[Cell]:
    """Return value, share of equity and price, or why there are none."""
    ended = row["deleted_at"] and row["deleted_at"].date(), row["exit_date"]
    for what, when in zip(("deleted", "closed"), ended, strict=True):
        if when:
            return [not_applicable(f"{what} {when}"), not_applicable(what), not_applicable(what)]
    if row["market_value"] is None:
        return [not_computed("never priced"), not_applicable("no value"), not_computed("never priced")]
    value = float(row["market_value"])
    return [
        money(value, stored.currency),
        share(value, stored.last["equity_balance"]),
        replace(money(row["last_price"], stored.currency, "never priced", cents=True), small=_doubt(row)),
    ]


def _doubt(row: dict[str, Any]) -> str:
    """Return what is wrong with a position's price in the last session; empty if nothing is."""
    if row["price_mark"] is None:
        return ""
    return f"{row['price_mark']}: close of {row['last_close'] or 'no day'}"


def _measured(row: dict[str, Any]) -> list[Cell]:
    """Return market beta, volatility and share of the risk; a position without them has none."""
    none = not_applicable("none")
    return [
        none if row["beta"] is None else ratio(row["beta"]),
        none if row["realized_vol_21d"] is None else percent(row["realized_vol_21d"]),
        none if row["of_risk"] is None else percent(row["of_risk"]),
    ]


def _risk(stored: StoredPortfolio, rows: pl.DataFrame) -> list[Block]:
    """Return volatility and betas of the open positions that a market quotes."""
    if rows.is_empty():
        return [Notice("No position's risk computed", "No market quotes any of the open positions.")]
    cells = [
        [
            plain(row["symbol"], row["company_name"] or ""),
            percent(row["realized_vol_21d"], UNMEASURED),
            percent(row["expected_vol_21d"], UNMEASURED),
            ratio(row["beta"], UNFITTED),
            ratio(row["r_squared"], UNFITTED),
            count(row["observations"], UNFITTED),
            ratio(row["ir_beta"], UNFITTED, digits=3),
        ]
        for row in rows.iter_rows(named=True)
    ]
    note = "Open positions that a market quotes; private assets and option contracts have no such figures."
    return [PageTable(f"Risk of each position on {stored.end}", RISK, cells, note=note)]


def kind(row: dict[str, Any]) -> str:
    """Return class and side of a position in lower case: public long, options short call."""
    side = SIDES.get(row["position_type"], str(row["position_type"]).lower())
    return f"{(row['investment_class'] or 'unclassified').lower()} {side}"
