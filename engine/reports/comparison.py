"""The page of two portfolios side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from uuid import UUID

import polars as pl

from engine.core.errors import UsageError
from engine.core.funds import MARKET_FUND
from engine.core.rules import Rules
from engine.html.blocks import Block, Notice, PageTable, Section
from engine.html.cells import Cell, money, not_applicable, percent, plain, ratio, sign_of
from engine.html.live import LivePage
from engine.html.page import page
from engine.reports.charts.drawing import chart
from engine.reports.charts.lines import lines
from engine.reports.charts.scales import ChartSeries
from engine.reports.measures.benchmark import benchmark
from engine.reports.measures.pair import (
    Pair,
    by_session,
    compared_growth,
    held_weights,
    return_correlation,
    sector_weights,
)
from engine.reports.measures.performance import FEW, FEWEST, NO_LOSS, NO_SPREAD, performance
from engine.reports.sections.common import FOOTER, cents_sum, series_summary, share
from engine.reports.stored import StoredPortfolio, read_stored

EQUITY = pl.col("equity_balance")
OVER_TIME = {
    "Gross exposure": (pl.when(EQUITY > 0).then(pl.col("gross_exposure") / EQUITY), "%"),
    "Net exposure": (pl.when(EQUITY > 0).then(pl.col("net_exposure") / EQUITY), "%"),
    "Volatility, 21 sessions": (pl.col("realized_volatility_21d"), "%"),
    "Market beta, 90 days": (pl.col("beta_calculated_90d"), ""),
}
"""Figures of the snapshots that a chart compares, and the number format of its axis."""
Form = Callable[[float | None], Cell]


def read_pair(
    url: str,
    one: str | UUID,
    other: str | UUID,
    start: date | None,
    end: date | None,
    rules: Rules | None = None,
) -> Pair:
    """Return two portfolios over the window in which both have snapshots.

    Args:
        url: the store.
        one: id or name.
        other: id or name.
        start: first day; None: from the first session that both have.
        end: last day; None: to the last session that both have.
        rules: the rules that contributions follow; default those of the store.

    Raises:
        UsageError: both are the same portfolio, or they have no session in common.
    """
    read = partial(read_stored, url, rules=rules)
    first, second = read(one, start=start, end=end), read(other, start=start, end=end)
    if first.portfolio["id"] == second.portfolio["id"]:
        raise UsageError(f"{first.name} is compared with itself: name two portfolios")
    begin, close = max(first.start, second.start), min(first.end, second.end)
    if begin > close:
        raise UsageError(f"{first.name} and {second.name} have no session in common")
    if (begin, close) == (first.start, first.end) == (second.start, second.end):
        return Pair(first, second)
    return Pair(read(one, start=begin, end=close), read(other, start=begin, end=close))


def render(pair: Pair) -> str:
    """Return the document.

    Args:
        pair: the portfolios.
    """
    first, second = pair.both
    facts = {
        "Window": f"{first.start} to {first.end}, {len(first.days)} sessions",
        "Rules": str(first.rules),
        "Currencies": f"{first.currency} and {second.currency}",
        "Store": first.url,
    }
    sections = [
        Section("glance", "At a glance", _lead(pair), [_figures(pair)]),
        Section("growth", "Return and drawdown", "", _growth(pair)),
        Section("over-time", "Exposure and risk", "", _over_time(pair)),
        Section("held", "Positions and sectors", "", _weights(pair)),
    ]
    days = sorted({*first.days, *second.days})
    live = LivePage(days, sign_of(first.currency), {})
    title = " and ".join(pair.names)
    return page("comparison", title, facts, sections, footer=FOOTER, contents=True, live=live)


def _lead(pair: Pair) -> str:
    value = return_correlation(pair)
    if value is None:
        return f"They have fewer than {FEWEST} daily returns in common."
    return f"The correlation of their daily returns is {ratio(value).text}."


def _figures(pair: Pair) -> PageTable:
    """Return headline figures of both and of the market's fund."""
    columns = [_measures(one) for one in pair.both]
    returns = benchmark(pair.first)["benchmark_return"]
    market = {**dict.fromkeys(columns[0], not_applicable("")), **_of_returns(returns)}
    rows = [[plain(name), columns[0][name], columns[1][name], market[name]] for name in columns[0]]
    note = (
        f"Of the whole window. Ratios: 252 sessions a year, risk-free rate 0. {MARKET_FUND} by price, "
        "without dividends."
    )
    return PageTable("Side by side", ("Figure", *pair.names, MARKET_FUND), rows, note=note)


def _measures(stored: StoredPortfolio) -> dict[str, Cell]:
    last, currency = stored.last, stored.currency
    equity = last["equity_balance"]
    shares = {
        f"{side.capitalize()} exposure": share(last[f"{side}_exposure"], equity) for side in ("gross", "net")
    }
    return {
        f"P&L on {stored.end}": money(last["daily_pnl"], currency, toned=True),
        "Equity": money(equity, currency),
        **shares,
        "P&L of the window": money(cents_sum(stored.snapshots["daily_pnl"]), currency, toned=True),
        **_of_returns(stored.snapshots["daily_return"]),
        "Market beta, 90 days": ratio(last["beta_calculated_90d"]),
        "Volatility, 21 sessions": percent(last["realized_volatility_21d"]),
    }


def _of_returns(returns: pl.Series) -> dict[str, Cell]:
    found = performance(returns)
    no_spread, no_loss = (NO_SPREAD, NO_LOSS) if found else (FEW, FEW)
    index = (1 + returns.cast(pl.Float64).drop_nulls()).clip(lower_bound=0.0).cum_prod()
    peak = index.cum_max().clip(lower_bound=1.0)
    drawdown, nothing = index / peak - 1, "no session has a return"
    return {
        "Return": percent(index[-1] - 1 if index.len() else None, nothing, toned=True),
        "Deepest drawdown": percent(drawdown.min(), nothing, toned=True),  # type: ignore[arg-type]
        "Volatility of returns, a year": percent(found.volatility if found else None, FEW),
        "Sharpe ratio, a year": ratio(found.sharpe if found else None, no_spread),
        "Sortino ratio, a year": ratio(found.sortino if found else None, no_loss),
        "Value at risk, 1 session, 95%": percent(found.value_at_risk if found else None, FEW, digits=2),
        "Expected shortfall, 1 session, 95%": percent(
            found.expected_shortfall if found else None, FEW, digits=2
        ),
    }


def _pair_series(pair: Pair, name: str) -> list[ChartSeries]:
    first, second = pair.names
    return [ChartSeries(f"{name}_first", first, 0), ChartSeries(f"{name}_second", second, 1)]


def _growth(pair: Pair) -> list[Block]:
    frame = compared_growth(pair)
    market = ChartSeries("gain_market", MARKET_FUND, 2)
    known = frame["gain_market"].count() > 0
    gains = [*_pair_series(pair, "gain"), *([market] if known else [])]
    return [
        _chart("Return since the start", frame, gains, "%", percent, 280),
        _chart("Below the peak so far", frame, _pair_series(pair, "drawdown"), "%", percent, 220),
    ]


def _over_time(pair: Pair) -> list[Block]:
    frame = by_session(pair, {name: column for name, (column, _) in OVER_TIME.items()})
    return [
        _chart(name, frame, _pair_series(pair, name), axis, percent if axis else ratio, 220, half=True)
        if frame[f"{name}_first"].count() + frame[f"{name}_second"].count()
        else Notice(f"{name} not computed", "Neither portfolio has the figure in the window.", "half")
        for name, (_, axis) in OVER_TIME.items()
    ]


def _chart(
    title: str,
    frame: pl.DataFrame,
    shown: Sequence[ChartSeries],
    axis: str,
    form: Form,
    height: int,
    *,
    half: bool = False,
) -> Block:
    return chart(
        title,
        f"Lines of {title.lower()} by session of {' and '.join(one.name for one in shown)}.",
        lines(frame, shown, axis, zero=axis == "%"),
        height,
        width="half" if half else "full",
        legend=[one.key for one in shown],
        tables=[series_summary(f"{title} by session", frame, shown, form)],
    )


def _weights(pair: Pair) -> list[Block]:
    tables = {"Positions, of equity": held_weights(pair), "Sectors, of equity": sector_weights(pair)}
    return [
        PageTable(caption, ("Name", *pair.names, "Difference"), [_weight(*row) for row in rows.iter_rows()])
        for caption, rows in tables.items()
        if rows.height
    ]


def _weight(name: str, first: float, second: float) -> list[Cell]:
    return [plain(name), percent(first), percent(second), percent(first - second, toned=True)]
