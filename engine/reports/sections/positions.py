"""The positions, and what each added to the P&L."""

from __future__ import annotations

from typing import Any

import polars as pl

from engine.analytics.positions.valuation import OPEN
from engine.html.blocks import Block, LegendKey, Notice, PageTable, Section
from engine.html.cells import (
    Cell,
    absent,
    count,
    day,
    missing,
    money,
    percent,
    quantity,
    ratio,
    short_money,
    word,
)
from engine.reports.charts.bars import bar_heights, signed_bars
from engine.reports.charts.drawing import chart
from engine.reports.charts.scales import money_format
from engine.reports.measures.contributions import contributions
from engine.reports.measures.data_quality import QUOTED
from engine.reports.sections.glance import share, window_sum
from engine.reports.stored import StoredPortfolio

MOST_BARS = 12
HELD = (
    "Position",
    "Contribution",
    "of which realized",
    "Value",
    "Of equity",
    "Price",
    "Quantity",
    "Kind",
    "Entered",
)
RISK = ("Position", "Volatility, 21 sessions", "Forecast", "Market beta", "R²", "Returns", "Rate beta")
UNFITTED = "fewer than 30 returns"
UNMEASURED = "fewer than 63 returns"


def positions(stored: StoredPortfolio, days: pl.DataFrame) -> Section:
    """The largest contributions as bars, every position, and what is known of its risk.

    Args:
        days: of `engine.reports.measures.contributions.priced_days`.
    """
    rows = _rows(stored, contributions(stored, days))
    quoted = days.filter(OPEN, QUOTED)["id"].unique()
    risky = rows.filter(pl.col("position_id").is_in(quoted.implode()))
    blocks = [*_chart(stored, rows), _holdings(stored, rows), *_risk(stored, risky)]
    return Section("positions", "Positions", _lead(stored, rows), blocks)


def _rows(stored: StoredPortfolio, added: pl.DataFrame) -> pl.DataFrame:
    """Positions with contributions and risk, largest contribution first; deleted ones that added any."""
    market = stored.market_betas.unique("position_id", keep="first", maintain_order=True)
    risks = (
        market.select("position_id", "beta", "r_squared", "observations"),
        stored.rate_betas.select("position_id", "ir_beta"),
        stored.volatility.select("position_id", "realized_vol_21d", "expected_vol_21d"),
    )
    kept = pl.col("deleted_at").is_null() | pl.col("total").is_not_null()
    rows = stored.positions.rename({"id": "position_id"}).join(added, on="position_id").filter(kept)
    for risk in risks:
        rows = rows.join(risk, on="position_id", how="left")
    names = stored.profiles.select("symbol", "company_name")
    order = (pl.col("total").abs(), "symbol", "position_id")
    return rows.join(names, on="symbol", how="left").sort(
        *order, descending=[True, False, False], nulls_last=True
    )


def _lead(stored: StoredPortfolio, rows: pl.DataFrame) -> str:
    still_open = rows.filter(OPEN).height
    told = [f"Positions: {still_open} open, {rows.height - still_open} closed or deleted."]
    moved = rows.filter(pl.col("total").is_not_null()).sort("total")
    if moved.is_empty():
        return f"{told[0]} None of them moved the P&L: no market quotes them."
    worst, best = (moved.row(place, named=True) for place in (0, -1))
    if best["total"] > 0:
        told.append(f"{best['symbol']} added most, {short_money(best['total'], stored.currency)}.")
    if worst["total"] < 0:
        told.append(f"{worst['symbol']} lost most, {short_money(worst['total'], stored.currency)}.")
    return " ".join(told)


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
    return PageTable("All positions", HELD, cells, note=_reconciled(stored, rows), sortable=True)


def _reconciled(stored: StoredPortfolio, rows: pl.DataFrame) -> str:
    """How far the contributions explain the stored P&L."""
    stored_pnl = window_sum(stored, "daily_pnl")
    if stored_pnl is None:
        return "No session of the window has a P&L that contributions could be held against."
    explained = round(float(rows["total"].sum()), 2)
    rest = round(stored_pnl - explained, 2)
    amounts = [money(v, stored.currency, cents=True).text for v in (explained, stored_pnl, rest)]
    return (
        "Contributions add up to {}, the stored P&L of the window is {}: {} are left. Daily rounding leaves "
        "cents; more than that means that positions were changed after the run.".format(*amounts)
    )


def _holding(stored: StoredPortfolio, row: dict[str, Any]) -> list[Cell]:
    return [
        word(row["symbol"], row["company_name"] or ""),
        money(row["total"], stored.currency, "no market quoted it", toned=True),
        absent("none") if row["realized"] is None else money(row["realized"], stored.currency, toned=True),
        *_worth(stored, row),
        quantity(row["quantity"]),
        word(kind(row)),
        day(row["entry_date"]),
    ]


def _worth(stored: StoredPortfolio, row: dict[str, Any]) -> list[Cell]:
    """Value, share of equity and price, or why there are none."""
    ended = row["deleted_at"] and row["deleted_at"].date(), row["exit_date"]
    for what, when in zip(("deleted", "closed"), ended, strict=True):
        if when:
            return [absent(f"{what} {when}"), absent(what), absent(what)]
    if row["market_value"] is None:
        return [missing("never priced"), absent("no value"), missing("never priced")]
    value = float(row["market_value"])
    return [
        money(value, stored.currency),
        share(value, stored.last["equity_balance"]),
        money(row["last_price"], stored.currency, "never priced", cents=True),
    ]


def _risk(stored: StoredPortfolio, rows: pl.DataFrame) -> list[Block]:
    """Volatility and betas of the open positions that a market quotes."""
    if rows.is_empty():
        return [Notice("No position's risk computed", "No open position is quoted on a market.")]
    cells = [
        [
            word(row["symbol"], row["company_name"] or ""),
            percent(row["realized_vol_21d"], UNMEASURED),
            percent(row["expected_vol_21d"], UNMEASURED),
            ratio(row["beta"], UNFITTED),
            ratio(row["r_squared"], UNFITTED),
            count(row["observations"], UNFITTED),
            ratio(row["ir_beta"], UNFITTED, digits=3),
        ]
        for row in rows.iter_rows(named=True)
    ]
    note = "Open positions that a market quotes; private assets and option contracts have none of these."
    return [PageTable(f"Risk of each position on {stored.end}", RISK, cells, note=note, sortable=True)]


def kind(row: dict[str, Any]) -> str:
    """Class and side in small letters: public long, options short call."""
    names = {"LC": "long call", "LP": "long put", "SC": "short call", "SP": "short put"}
    side = names.get(row["position_type"], str(row["position_type"]).lower())
    return f"{(row['investment_class'] or 'unclassified').lower()} {side}"
