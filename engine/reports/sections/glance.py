"""Headline figures: the last session, and how the portfolio got there."""

from __future__ import annotations

from engine.analytics.equity.returns import HORIZONS
from engine.html.blocks import Block, Card, Cards, PageTable, Section
from engine.html.cells import count, day, money, not_applicable, not_computed, percent, plain, ratio
from engine.reports.measures.growth import drawdowns, growth
from engine.reports.sections.common import cents_sum, reason, share
from engine.reports.stored import StoredPortfolio

WEIGHTED = ("time_weighted", "money_weighted")
NO_RETURN = "an equity that is divided by is not above 0"


def glance(stored: StoredPortfolio) -> Section:
    """Return cards: equity, P&L, return, drawdown, volatility, beta, exposure and worst scenario."""
    cards = (
        _equity(stored),
        _pnl(stored),
        _return(stored),
        _drawdown(stored),
        _volatility(stored),
        _beta(stored),
        _exposure(stored),
        _worst(stored),
    )
    blocks: list[Block] = [Cards(cards)]
    if not stored.returns.is_empty():
        blocks.append(_returns(stored))
    return Section("glance", "At a glance", "", blocks)


def _returns(stored: StoredPortfolio) -> PageTable:
    """Return the returns up to the last session over each horizon, as a run has stored them."""
    rows = {row["horizon"]: row for row in stored.returns.iter_rows(named=True)}
    cells = [
        [
            plain(horizon.replace("_", " ")),
            day(rows[horizon]["start_date"]),
            *(percent(rows[horizon][name], NO_RETURN, digits=2, toned=True) for name in WEIGHTED),
        ]
        for horizon in HORIZONS
        if horizon in rows
    ]
    headings = ("Horizon", "Since the close of", "Time-weighted", "Money-weighted")
    return PageTable("Returns, not annualised", headings, cells)


def _equity(stored: StoredPortfolio) -> Card:
    figure = money(stored.last["equity_balance"], stored.currency, reason(stored, "pnl", "equity_balance"))
    opening = money(stored.opening_equity, stored.currency)
    detail = f"{opening.text} before the first session"
    return Card("Equity", figure, detail, follows="last equity_balance money")


def _pnl(stored: StoredPortfolio) -> Card:
    snapshots = stored.snapshots
    figure = money(cents_sum(snapshots["daily_pnl"]), stored.currency, "no session has a P&L", toned=True)
    flows = money(cents_sum(snapshots["daily_capital_flow"]), stored.currency)
    return Card("P&L", figure, "" if flows.missing else f"flows {flows.text}", follows="sum daily_pnl money")


def _return(stored: StoredPortfolio) -> Card:
    known = growth(stored.snapshots).drop_nulls("index")
    value = None if known.is_empty() else known["index"][-1] - 1
    figure = percent(value, "no session has a return", toned=True)
    return Card("Return", figure, "time-weighted: without flows", follows="growth daily_return percent 1")


def _drawdown(stored: StoredPortfolio) -> Card:
    grown = growth(stored.snapshots)
    worst = drawdowns(grown, 1)
    follows = "drawdown daily_return percent 1"
    if grown["drawdown"].count() == 0:
        return Card("Deepest drawdown", not_computed("no session has a return"))
    if worst.is_empty():
        return Card("Deepest drawdown", percent(0.0), "never below a peak", follows=follows)
    row = worst.row(0, named=True)
    return Card("Deepest drawdown", percent(row["depth"], toned=True), f"on {row['trough']}", follows=follows)


def _volatility(stored: StoredPortfolio) -> Card:
    missing = reason(stored, "volatility", "realized_volatility_21d")
    figure = percent(stored.last["realized_volatility_21d"], missing)
    forecast = percent(stored.last["expected_volatility_21d"])
    detail = f"forecast {forecast.text}" if not forecast.missing else ""
    return Card("Volatility, 21 sessions", figure, detail)


def _beta(stored: StoredPortfolio) -> Card:
    last = stored.last
    returns = count(last["beta_calculated_90d_observations"])
    figure = ratio(last["beta_calculated_90d"], reason(stored, "market_beta", "beta_calculated_90d"))
    return Card("Market beta, 90 days", figure, "" if returns.missing else f"at least {returns.text} returns")


def _exposure(stored: StoredPortfolio) -> Card:
    net = share(stored.last["net_exposure"], stored.last["equity_balance"])
    gross = share(stored.last["gross_exposure"], stored.last["equity_balance"])
    return Card("Gross exposure", gross, f"of equity; net {net.text}" if not net.missing else "")


def _worst(stored: StoredPortfolio) -> Card:
    if stored.stress.is_empty():
        return Card("Worst scenario", not_computed(reason(stored, "stress")))
    row = stored.stress.sort("correlated_pnl", "scenario").row(0, named=True)
    if row["correlated_pnl"] >= 0:
        return Card("Worst scenario", not_applicable("no scenario loses"))
    return Card("Worst scenario", money(row["correlated_pnl"], stored.currency, toned=True), row["scenario"])
