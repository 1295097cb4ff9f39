"""Volatility, its forecast, and what came after the forecast."""

from __future__ import annotations

import polars as pl

from engine.html.blocks import Block, Chart, Notice, PageTable, Section
from engine.html.cells import Cell, absent, count, percent, word
from engine.reports.charts.drawing import chart
from engine.reports.charts.lines import lines
from engine.reports.charts.scales import series
from engine.reports.measures.forecasts import HORIZON, ForecastScore, afterwards, score
from engine.reports.sections.common import gap_notes, reason, shape_table
from engine.reports.stored import StoredPortfolio

REALIZED = "realized_volatility_21d"
DRAWN = series(
    realized_volatility_21d="Realised, 21 sessions",
    realized_volatility_63d="Realised, 63 sessions",
    expected_volatility_21d="Forecast",
)
COMPARED = series(after=f"Realised over the {HORIZON} sessions after", forecast="Forecast")
CAVEAT = (
    "The forecast regresses a day's volatility on the last day's, week's and month's, so that it is made "
    "for the next session; it is held here against the 21 sessions that followed, the horizon in its name."
)


def volatility(stored: StoredPortfolio) -> Section:
    """Realised volatility and its forecast; forecasts against outcomes."""
    snapshots = stored.snapshots
    notes = gap_notes(stored, "volatility", REALIZED)
    if snapshots[REALIZED].null_count() == snapshots.height:
        nothing = Notice("Volatility not computed", " ".join(notes))
        return Section("volatility", "Volatility", "", [nothing])
    blocks = [_levels(stored, notes), *_forecasts(afterwards(snapshots))]
    return Section("volatility", "Volatility", _lead(stored), blocks)


def _lead(stored: StoredPortfolio) -> str:
    last = stored.last
    told = reason(stored, "volatility", REALIZED)
    realized, longer, forecast = (percent(last[one.column], told) for one in DRAWN)
    trend = f"; trend {last['volatility_trend']}" if last["volatility_trend"] else ""
    rank = percent(last["volatility_percentile"], reason(stored, "volatility", "volatility_percentile"))
    return (
        f"Annualised on {stored.end}: {realized.text} over 21 sessions, {longer.text} over 63; forecast "
        f"{forecast.text}{trend}. Share of the past year's volatilities that were lower: {rank.text}."
    )


def _levels(stored: StoredPortfolio, notes: list[str]) -> Chart:
    frame = stored.snapshots.select("date", *(one.column for one in DRAWN))
    return chart(
        "Realised and forecast",
        "Lines of realised volatility over 21 and 63 sessions and of its forecast, by session.",
        lines(frame, DRAWN, "%"),
        250,
        unit="percent a year",
        legend=[one.key for one in DRAWN],
        notes=notes,
        tables=[shape_table("Volatility by session", frame, DRAWN, percent)],
    )


def _forecasts(compared: pl.DataFrame) -> list[Block]:
    found = score(compared)
    if found is None:
        few = f"No forecast of the window has {HORIZON} sessions with a volatility after it."
        return [Notice("Forecasts not yet held against what came after", few)]
    drawing = chart(
        "The forecast and what came after",
        f"Lines of the forecast made in a session and of the volatility realised over the {HORIZON} sessions "
        f"after it, for {found.days} sessions.",
        lines(compared, COMPARED, "%"),
        240,
        unit="percent a year, by the session of the forecast",
        legend=[one.key for one in COMPARED],
        notes=[f"What followed the last {HORIZON} sessions is not known yet.", CAVEAT],
        tables=[shape_table("Forecasts and outcomes", compared, COMPARED, percent)],
    )
    return [
        drawing,
        PageTable(f"How {found.days} forecasts did", ("Measure", "Forecast", "No change"), _scores(found)),
    ]


def _scores(found: ForecastScore) -> list[list[Cell]]:
    return [
        [word("Mean miss, forecast less outcome"), percent(found.bias, digits=2), absent("not compared")],
        [
            word("Mean size of the miss"),
            percent(found.error, digits=2),
            percent(found.naive_error, digits=2),
        ],
        [word("Outcome above the forecast"), percent(found.low_share), absent("not compared")],
        [word("Sessions compared"), count(found.days), count(found.days)],
    ]
