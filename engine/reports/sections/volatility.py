"""Volatility, its forecast, and the volatility that followed the forecast."""

from __future__ import annotations

import polars as pl

from engine.analytics.forecasts import RULES as FORECAST_RULES
from engine.html.blocks import Block, Chart, Notice, PageTable, Section
from engine.html.cells import Cell, count, not_applicable, percent, plain
from engine.reports.charts.drawing import chart
from engine.reports.charts.lines import lines
from engine.reports.charts.scales import series
from engine.reports.measures.forecasts import HORIZON, ForecastScore, outcomes, score
from engine.reports.sections.common import gap_notes, reason, series_summary
from engine.reports.sections.scored import scored_forecasts
from engine.reports.stored import StoredPortfolio

REALIZED = "realized_volatility_21d"
SHOWN = series(
    realized_volatility_21d="Realised, 21 sessions",
    realized_volatility_63d="Realised, 63 sessions",
    expected_volatility_21d="Forecast",
)
COMPARED = series(outcome=f"Realised over the next {HORIZON} sessions", forecast="Forecast")
CAVEAT = (
    "The forecast regresses a day's volatility on that of the last day, week and month, so it is a forecast "
    f"for the next session. It is compared with the next {HORIZON} sessions, the horizon in its name."
)


def volatility(stored: StoredPortfolio) -> Section:
    """Return realised volatility and its forecast, and how accurate the forecasts were."""
    snapshots = stored.snapshots
    notes = gap_notes(stored, "volatility", REALIZED)
    if snapshots[REALIZED].null_count() == snapshots.height:
        nothing = Notice("Volatility not computed", " ".join(notes))
        return Section("volatility", "Volatility", "", [nothing])
    scored = FORECAST_RULES.items() <= stored.rules.record.items()
    compared = scored_forecasts(stored) if scored else _forecasts(stored, outcomes(snapshots))
    blocks = [_levels(stored, notes), *compared]
    return Section("volatility", "Volatility", _lead(stored), blocks)


def _lead(stored: StoredPortfolio) -> str:
    last = stored.last
    missing = reason(stored, "volatility", REALIZED)
    realized, longer, forecast = (percent(last[one.column], missing) for one in SHOWN)
    trend = f"; trend {last['volatility_trend']}" if last["volatility_trend"] else ""
    rank = percent(last["volatility_percentile"], reason(stored, "volatility", "volatility_percentile"))
    return (
        f"Annualised on {stored.end}: {realized.text} over 21 sessions, {longer.text} over 63; forecast "
        f"{forecast.text}{trend}. Share of the past year's volatilities that were lower: {rank.text}."
    )


def _levels(stored: StoredPortfolio, notes: list[str]) -> Chart:
    frame = stored.snapshots.select("date", *(one.column for one in SHOWN))
    return chart(
        "Realised and forecast",
        "Lines of realised volatility over 21 and 63 sessions and of its forecast, by session.",
        lines(frame, SHOWN, "%"),
        250,
        unit="percent a year",
        legend=[one.key for one in SHOWN],
        notes=notes,
        tables=[series_summary("Volatility by session", frame, SHOWN, percent)],
    )


def _forecasts(stored: StoredPortfolio, compared: pl.DataFrame) -> list[Block]:
    accuracy = score(compared)
    if accuracy is None:
        few = f"No forecast of the window has {HORIZON} sessions with a volatility after it."
        return [Notice("Forecasts without an outcome yet", few)]
    caveats = [CAVEAT] if stored.rules.volatility_forecast == "daily_har" else []
    drawing = chart(
        "Forecast and outcome",
        f"Lines of the forecast of a session and of the volatility realised over the next {HORIZON} "
        f"sessions, for {accuracy.days} sessions.",
        lines(compared, COMPARED, "%"),
        240,
        unit="percent a year, by the session of the forecast",
        legend=[one.key for one in COMPARED],
        notes=[f"The last {HORIZON} sessions have no outcome yet.", *caveats],
        tables=[series_summary("Forecasts and outcomes", compared, COMPARED, percent)],
    )
    headings = ("Measure", "Forecast", "Volatility of the day")
    return [drawing, PageTable(f"Accuracy of {accuracy.days} forecasts", headings, _scores(accuracy))]


def _scores(accuracy: ForecastScore) -> list[list[Cell]]:
    """Return rows that compare the forecast with the volatility of its day, taken as a forecast."""
    nothing = not_applicable("not compared")
    return [
        [plain("Mean error, forecast minus outcome"), percent(accuracy.bias, digits=2), nothing],
        [
            plain("Mean absolute error"),
            percent(accuracy.error, digits=2),
            percent(accuracy.naive_error, digits=2),
        ],
        [plain("Outcome above the forecast"), percent(accuracy.low_share), nothing],
        [plain("Sessions compared"), count(accuracy.days), count(accuracy.days)],
    ]
