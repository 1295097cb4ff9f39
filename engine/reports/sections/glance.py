"""Headline figures: the last session first, then how the portfolio got there."""

from __future__ import annotations

from collections.abc import Sequence

from engine.analytics.equity.returns import HORIZONS
from engine.html.blocks import Block, Card, Cards, PageTable, Section
from engine.html.cells import Cell, count, day, money, not_applicable, not_computed, percent, plain, ratio
from engine.reports.measures.doubts import EVERY_JOB, Doubt
from engine.reports.measures.growth import drawdowns, growth
from engine.reports.sections.common import cents_sum, reason, share
from engine.reports.stored import StoredPortfolio

WEIGHTED = ("time_weighted", "money_weighted")
NO_RETURN = "an equity that is divided by is not above 0"


def glance(stored: StoredPortfolio, doubted: Sequence[Doubt]) -> Section:
    """Return cards of the last session and of the window, and the figures that are in doubt.

    Args:
        stored: the portfolio's rows.
        doubted: doubts about the last session.
    """
    marks = {doubt.job: doubt.mark for doubt in reversed(doubted)}
    last = (
        _last_pnl(stored, marks),
        _equity(stored, marks),
        _exposure(stored, marks, "gross"),
        _exposure(stored, marks, "net"),
    )
    window = (
        _pnl(stored),
        _return(stored),
        _drawdown(stored),
        _volatility(stored, marks),
        _beta(stored, marks),
        _worst(stored, marks),
    )
    blocks: list[Block] = [Cards(last), Cards(window)]
    if doubted:
        blocks.append(_doubts(stored, doubted))
    if not stored.returns.is_empty():
        blocks.append(_returns(stored))
    return Section("glance", "At a glance", "", blocks)


def _doubts(stored: StoredPortfolio, doubted: Sequence[Doubt]) -> PageTable:
    rows = [[plain(one.figure), plain(one.mark), plain(one.why), plain(one.cure)] for one in doubted]
    headings = ("Figure", "Mark", "Why", "What to do")
    return PageTable(f"In doubt on {stored.end}", headings, rows, key="doubts")


def _mark(marks: dict[str, str], *jobs: str) -> str:
    return next((marks[job] for job in (*jobs, EVERY_JOB) if job in marks), "")


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


def _last_pnl(stored: StoredPortfolio, marks: dict[str, str]) -> Card:
    missing = reason(stored, "pnl", "daily_pnl")
    figure = money(stored.last["daily_pnl"], stored.currency, missing, toned=True)
    gained = percent(stored.last["daily_return"], digits=2)
    detail = f"{stored.end}" if gained.missing else f"{stored.end}: {gained.text}"
    mark = _mark(marks, "pnl")
    return Card("P&L of the last session", figure, detail, follows="last daily_pnl money", mark=mark)


def _equity(stored: StoredPortfolio, marks: dict[str, str]) -> Card:
    figure = money(stored.last["equity_balance"], stored.currency, reason(stored, "pnl", "equity_balance"))
    opening = money(stored.opening_equity, stored.currency)
    detail = f"{opening.text} before the first session"
    mark = _mark(marks, "pnl")
    return Card("Equity", figure, detail, follows="last equity_balance money", mark=mark)


def _exposure(stored: StoredPortfolio, marks: dict[str, str], side: str) -> Card:
    name = f"{side}_exposure"
    figure = share(stored.last[name], stored.last["equity_balance"])
    amount = money(stored.last[name], stored.currency, reason(stored, "snapshot", name))
    detail = f"of equity; {amount.text}"
    mark = _mark(marks, "snapshot", "market_values")
    return Card(
        f"{side.capitalize()} exposure", figure, detail, follows=f"last {side}_share percent 1", mark=mark
    )


def _pnl(stored: StoredPortfolio) -> Card:
    snapshots = stored.snapshots
    figure = money(cents_sum(snapshots["daily_pnl"]), stored.currency, "no session has a P&L", toned=True)
    flows = money(cents_sum(snapshots["daily_capital_flow"]), stored.currency)
    return Card("P&L", figure, "" if flows.missing else f"flows {flows.text}", follows="sum daily_pnl money")


def _return(stored: StoredPortfolio) -> Card:
    known = growth(stored.snapshots).drop_nulls("index")
    value = None if known.is_empty() else known["index"][-1] - 1
    figure = percent(value, "no session has a return", toned=True)
    detail = "time-weighted: without flows"
    return Card("Return", figure, detail, follows="growth daily_return percent 1")


def _drawdown(stored: StoredPortfolio) -> Card:
    grown = growth(stored.snapshots)
    worst = drawdowns(grown, 1)
    follows = "drawdown daily_return percent 1"
    if grown["drawdown"].count() == 0:
        return Card("Deepest drawdown", not_computed("no session has a return"))
    if worst.is_empty():
        return Card("Deepest drawdown", percent(0.0), "never below a peak", follows=follows)
    row = worst.row(0, named=True)
    figure = percent(row["depth"], toned=True)
    return Card("Deepest drawdown", figure, f"on {row['trough']}", follows=follows)


def _volatility(stored: StoredPortfolio, marks: dict[str, str]) -> Card:
    name = "realized_volatility_21d"
    figure = percent(stored.last[name], reason(stored, "volatility", name))
    forecast = percent(stored.last["expected_volatility_21d"])
    detail = f"forecast {forecast.text}" if not forecast.missing else ""
    mark = _mark(marks, "volatility")
    return Card("Volatility, 21 sessions", figure, detail, follows=f"last {name} percent 1", mark=mark)


def _beta(stored: StoredPortfolio, marks: dict[str, str]) -> Card:
    name = "beta_calculated_90d"
    returns = count(stored.last["beta_calculated_90d_observations"])
    figure = ratio(stored.last[name], reason(stored, "market_beta", name))
    detail = "" if returns.missing else f"at least {returns.text} returns"
    mark = _mark(marks, "market_beta")
    return Card("Market beta, 90 days", figure, detail, follows=f"last {name} ratio", mark=mark)


def _worst(stored: StoredPortfolio, marks: dict[str, str]) -> Card:
    figure: Cell
    detail = ""
    if stored.stress.is_empty():
        figure = not_computed(reason(stored, "stress"))
    else:
        row = stored.stress.sort("correlated_pnl", "scenario").row(0, named=True)
        loses = row["correlated_pnl"] < 0
        figure = money(row["correlated_pnl"], stored.currency, toned=True)
        figure, detail = (figure, row["scenario"]) if loses else (not_applicable("no scenario loses"), "")
    return Card("Worst scenario", figure, detail, mark=_mark(marks, "stress"))
