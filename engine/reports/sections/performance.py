"""Risk and return of the window: measures of its daily returns beside the benchmark's, and its months."""

from __future__ import annotations

import polars as pl

from engine.core.funds import MARKET_FUND
from engine.html.blocks import Card, Cards, Notice, PageTable, Section
from engine.html.cells import Cell, not_applicable, not_computed, percent, plain, ratio
from engine.reports.charts.heat import STEPS, thresholds
from engine.reports.measures.benchmark import benchmark
from engine.reports.measures.performance import FEW, NO_LOSS, NO_SPREAD, Performance, performance
from engine.reports.stored import StoredPortfolio

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LIMITS = (0.02, 0.05, 0.1, 0.2)
"""Returns of a month at which the colours may end."""


def risk_and_return(stored: StoredPortfolio) -> Section:
    """Return ratios and losses of the window's daily returns, and a heat map of its months."""
    own = performance(stored.snapshots["daily_return"])
    market = performance(benchmark(stored)["benchmark_return"])
    months = _months(stored)
    title = "Risk and return"
    if own is None:
        return Section("performance", title, "", [Notice("Risk and return not computed", f"{FEW}."), months])
    lead = (
        f"From {own.sessions} daily returns, {stored.start} to {stored.end}. A year has 252 sessions; the "
        f"risk-free rate is 0. {MARKET_FUND} is the market's fund over the same sessions, by price, without "
        "dividends."
    )
    return Section("performance", title, lead, [_cards(own, market), months])


def _cards(own: Performance, market: Performance | None) -> Cards:
    pairs = (
        ("Volatility of returns, a year", "volatility", "percent 1", ""),
        ("Sharpe ratio, a year", "sharpe", "ratio", NO_SPREAD),
        ("Sortino ratio, a year", "sortino", "ratio", NO_LOSS),
        ("Value at risk, 1 session, 95%", "value_at_risk", "percent 2", ""),
        ("Expected shortfall, 1 session, 95%", "expected_shortfall", "percent 2", ""),
    )
    cards = [
        Card(
            label,
            _figure(getattr(own, name), form, missing),
            _beside(getattr(market, name) if market else None, form),
            follows=f"{name} daily_return {form}",
        )
        for label, name, form, missing in pairs
    ]
    nothing = not_computed(f"the store has {FEW} of it")
    total = percent(market.total, toned=True) if market else nothing
    follows = "growth benchmark_return percent 1" if market else ""
    return Cards([*cards, Card(f"Return of {MARKET_FUND}", total, "the benchmark", follows=follows)])


def _figure(value: float | None, form: str, missing: str) -> Cell:
    if form == "ratio":
        return ratio(value, missing)
    return percent(value, missing, digits=int(form[-1]))


def _beside(value: float | None, form: str) -> str:
    return "" if value is None else f"{MARKET_FUND} {_figure(value, form, '').text}"


def _months(stored: StoredPortfolio) -> PageTable:
    """Return the compounded return of each month in a row a year, in the colours of a heat map."""
    month = pl.col("date").dt.truncate("1mo")
    kept = stored.snapshots.drop_nulls("daily_return")
    factor = (1 + pl.col("daily_return")).clip(lower_bound=0.0).product() - 1
    months = kept.group_by(month=month).agg(value=factor)
    years = dict(kept.group_by(pl.col("date").dt.year()).agg(factor).iter_rows())
    values = {(day.year, day.month): value for day, value in months.iter_rows()}
    largest = max(map(abs, values.values()), default=0.0)
    limit = next((one for one in LIMITS if largest <= one), LIMITS[-1])
    rows = [
        [
            plain(year),
            *(_month(values.get((year, number)), limit) for number in range(1, 13)),
            percent(years[year], digits=2, toned=True),
        ]
        for year in sorted(years)
    ]
    end = percent(limit, digits=0).text
    note = f"Colours end at {end} in both directions. Only sessions of the window count."
    return PageTable("Returns by month", ("Year", *MONTHS, "Whole year"), rows, note=note)


def _month(value: float | None, limit: float) -> Cell:
    if value is None:
        return not_applicable("")
    step = sum(value >= each for each in thresholds(limit))
    cell = percent(value, digits=1)
    return Cell(cell.text, cell.value, number=True, colour=f"h{min(step, STEPS - 1)}")
