"""Value at risk: what the next session may lose, and how often earlier sessions lost more."""

from __future__ import annotations

from functools import partial
from typing import Any

import polars as pl

from engine.analytics.forecasts import RULES as FORECAST_RULES
from engine.analytics.forecasts.value_at_risk import KINDS
from engine.html.blocks import Block, Chart, LegendKey, Notice, PageTable, Section
from engine.html.cells import (
    Cell,
    Tone,
    count,
    money,
    not_applicable,
    not_computed,
    plain,
    ratio,
    short_money,
)
from engine.reports.charts.drawing import chart
from engine.reports.charts.lines import limited_columns
from engine.reports.charts.scales import money_format, series
from engine.reports.sections.common import reason, series_summary, share
from engine.reports.stored import StoredPortfolio

NAMES = {"historical": "By history", "model": "By the model"}
SHOWN = 95
"""Percent: the level of the chart."""
LIMITS = series(historical=f"Limit by history, {SHOWN}%", model=f"Limit by the model, {SHOWN}%")
ZONES: dict[str, Tone] = {"green": "up", "yellow": "", "red": "down"}
UNTESTED = "no session after one"


def value_at_risk(stored: StoredPortfolio) -> list[Section]:
    """Return the section of value at risk; none by rules that do not forecast losses."""
    if not FORECAST_RULES.items() <= stored.rules.record.items():
        return []
    if stored.forecasts.risk.is_empty():
        nothing = Notice("Value at risk not computed", f"{reason(stored, 'volatility')}.")
        return [Section("losses", "Value at risk", "", [nothing])]
    blocks: list[Block] = [_chart(stored), _forecasts(stored)]
    if not stored.forecasts.backtests.is_empty():
        blocks.append(_backtests(stored))
    return [Section("losses", "Value at risk", _lead(stored), blocks)]


def _at(rows: pl.DataFrame, method: str, level: int) -> dict[str, Any] | None:
    """Return the row of a method and level, None if there is none."""
    found = rows.filter(method=method, level=level)
    return found.row(0, named=True) if found.height else None


def _last(stored: StoredPortfolio) -> pl.DataFrame:
    return stored.forecasts.risk.filter(pl.col("calculation_date") == stored.end)


def _lead(stored: StoredPortfolio) -> str:
    """Return the losses that the next session exceeds with a probability of 5 %."""
    parts = []
    for method, name in NAMES.items():
        row = _at(_last(stored), method, SHOWN)
        if row is not None and row["value_at_risk"] is not None:
            parts.append(f"{short_money(row['value_at_risk'], stored.currency)} {name.lower()}")
    if not parts:
        return f"No forecast was made on {stored.end}."
    return (
        f"After {stored.end} the next session's loss exceeds {' or '.join(parts)} with a probability of "
        f"{100 - SHOWN}%. By history: the quantile of the last 252 returns with the session's weights. By "
        "the model: a normal distribution with the forecast volatility."
    )


def _chart(stored: StoredPortfolio) -> Chart:
    """Return the P&L of each session beside the limit that the session before set."""
    frame = _limits(stored)
    hits = frame.filter(pl.col("exceeded"))
    summary = (
        "Columns of the P&L by session, with two lines for the losses that the session before forecast to "
        f"be exceeded in {100 - SHOWN}% of sessions. {hits.height} of {frame.height} lost more than "
        "one of them."
    )
    return chart(
        "P&L and its limits",
        summary,
        limited_columns(frame, "pnl", LIMITS, hits, money_format(stored.currency), "P&L"),
        260,
        unit=f"{stored.currency}, limits of the session before",
        legend=[
            LegendKey("Gain", "up", shape="box"),
            LegendKey("Loss", "down", shape="box"),
            *(one.key for one in LIMITS),
            LegendKey("Exception", "ink", shape="down"),
        ],
        notes=_missing(frame),
        tables=[
            series_summary("Limits by session", frame, LIMITS, partial(money, currency=stored.currency)),
            _exceptions(stored),
        ],
    )


def _limits(stored: StoredPortfolio) -> pl.DataFrame:
    """Return date, pnl, the limits of the session before (negative), and whether one was exceeded."""
    rows = stored.forecasts.risk.filter(pl.col("level") == SHOWN)
    frame = stored.snapshots.select("date", pnl="daily_pnl")
    for method in NAMES:
        own = rows.filter(method=method).select(date="calculation_date", **{method: -pl.col("value_at_risk")})
        frame = frame.join(own, on="date", how="left", maintain_order="left")
    hits = rows.filter("exceeded")["calculation_date"].unique()
    return frame.with_columns(pl.col(*NAMES).shift(1), exceeded=pl.col("date").is_in(hits.implode()))


def _missing(frame: pl.DataFrame) -> list[str]:
    return [
        f"{one.name} not computed for {frame[one.column].null_count()} of {frame.height} sessions."
        for one in LIMITS
        if frame[one.column].null_count() > 1
    ]


def _exceptions(stored: StoredPortfolio) -> PageTable:
    """Return the sessions that lost more than a forecast of the session before."""
    rows = stored.forecasts.risk.filter("exceeded").sort("calculation_date", "level", "method")
    pnl = dict(stored.snapshots.select("date", "daily_pnl").iter_rows())
    cells = [
        [
            plain(f"{row['calculation_date']}"),
            plain(f"{NAMES[row['method']].lower()}, {row['level']}%"),
            money(pnl.get(row["calculation_date"]), stored.currency, toned=True),
        ]
        for row in rows.iter_rows(named=True)
    ]
    return PageTable("Exceptions", ("Session", "Forecast", "P&L"), cells)


def _forecasts(stored: StoredPortfolio) -> PageTable:
    rows = _last(stored)
    cells = [_forecast(stored, method, round(100 * level), rows) for method, level in KINDS]
    headings = ("Forecast", "Value at risk", "Of equity", "Expected shortfall", "Returns")
    return PageTable(f"Losses of the session after {stored.end}", headings, cells)


def _forecast(stored: StoredPortfolio, method: str, level: int, rows: pl.DataFrame) -> list[Cell]:
    row = _at(rows, method, level) or {}
    loss, missing = row.get("value_at_risk"), "too few returns, or no equity above 0"
    of_equity = share(loss, stored.last["equity_balance"]) if loss is not None else not_computed(missing)
    returns = not_applicable("none") if method == "model" else count(row.get("observations"), missing)
    return [
        plain(f"{NAMES[method]}, {level}%"),
        money(loss, stored.currency, missing),
        of_equity,
        money(row.get("expected_shortfall"), stored.currency, missing),
        returns,
    ]


def _backtests(stored: StoredPortfolio) -> PageTable:
    tests = stored.forecasts.backtests
    cells = [
        _backtest(row)
        for method, level in KINDS
        if (row := _at(tests, method, round(100 * level))) is not None
    ]
    headings = ("Forecast", "Sessions", "Exceptions", "Due", "Kupiec p", "Independence p", "Both p", "Light")
    note = (
        "Small p-values speak against a forecast. Kupiec: the number of exceptions. Independence "
        "(Christoffersen): exceptions that follow exceptions. Light: the Basel Committee's zones, which are "
        "made for 250 sessions at 99%."
    )
    return PageTable(f"Backtests up to {stored.end}", headings, cells, note=note)


def _backtest(row: dict[str, Any]) -> list[Cell]:
    sessions = row["sessions"]
    return [
        plain(f"{NAMES[row['method']]}, {row['level']}%"),
        count(sessions),
        count(row["exceptions"]),
        ratio(sessions * (100 - row["level"]) / 100, digits=1),
        ratio(row["kupiec_p"], digits=3),
        *(_p_value(row[name]) for name in ("christoffersen_p", "joint_p")),
        Cell(row["zone"], tone=ZONES[row["zone"]]),
    ]


def _p_value(value: float | None) -> Cell:
    """Return a p-value; none where no exception has a session after it."""
    return not_applicable(UNTESTED) if value is None else ratio(value, digits=3)
