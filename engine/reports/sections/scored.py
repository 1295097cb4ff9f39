"""Volatility forecasts of a portfolio and its positions beside what came, with their stored scores."""

from __future__ import annotations

from typing import Any

import polars as pl

from engine.analytics.forecasts.forecast_scores import PORTFOLIO, POSITIONS
from engine.core.job_catalog import OWN_FORECAST
from engine.html.blocks import Block, Chart, Notice, PageTable
from engine.html.cells import Cell, count, percent, plain, ratio
from engine.numerics.forecasts import HORIZON
from engine.reports.charts.drawing import chart
from engine.reports.charts.lines import lines
from engine.reports.charts.scales import series
from engine.reports.sections.common import series_summary
from engine.reports.stored import StoredPortfolio

COMPARED = series(realized=f"What came in {HORIZON} sessions", forecast="Forecast")
SUBJECTS = {PORTFOLIO: "The portfolio's last forecasts", POSITIONS: "Its positions, this session"}
FEW = "fewer than 10 scores, or forecasts that are all the same"
NO_LOSS = "the forecast or what came is 0"


def scored_forecasts(stored: StoredPortfolio) -> list[Block]:
    """Return forecast and outcome by session, their scores, and those of each position."""
    own = stored.forecasts.scores.filter(symbol=OWN_FORECAST)
    few = f"No forecast of the portfolio has {HORIZON} sessions with a return after it in the window."
    blocks: list[Block] = [_chart(stored, own) if own.height else Notice("No forecast is scored yet", few)]
    if not stored.forecasts.score_tests.is_empty():
        blocks.append(_tests(stored))
    return [*blocks, *_positions(stored)]


def _chart(stored: StoredPortfolio, own: pl.DataFrame) -> Chart:
    calendar = pl.DataFrame({"date": pl.Series(stored.days, dtype=pl.Date)})
    rows = own.select("forecast", "realized", date="calculation_date")
    frame = calendar.join(rows, on="date", how="left", maintain_order="left")
    return chart(
        "Forecast and what came",
        f"Lines of the volatility of {HORIZON} sessions and of its forecast before them, for {own.height} "
        "sessions in which they end.",
        lines(frame, COMPARED, "%"),
        240,
        unit="percent a year, by the session that ends the forecast's 21",
        legend=[one.key for one in COMPARED],
        tables=[series_summary("Forecasts and outcomes", frame, COMPARED, percent)],
    )


def _tests(stored: StoredPortfolio) -> PageTable:
    rows = {row["subject"]: row for row in stored.forecasts.score_tests.iter_rows(named=True)}
    cells = [_test(name, rows[subject]) for subject, name in SUBJECTS.items() if subject in rows]
    headings = ("Forecasts", "Scores", "Mean loss (QLIKE)", "Forecast / what came", "Slope", "R²")
    note = (
        "QLIKE is 0 for a right forecast, 0.1 where 1.5 times its variance came, or 0.6 of it. An unbiased "
        "forecast has a ratio and a slope of 1 (Mincer and Zarnowitz). Consecutive scores share 20 of 21 "
        "returns."
    )
    return PageTable(f"Scores on {stored.end}", headings, cells, note=note)


def _test(name: str, row: dict[str, Any]) -> list[Cell]:
    return [
        plain(name),
        count(row["scores"]),
        ratio(row["qlike"], NO_LOSS, digits=4),
        ratio(row["sum_ratio"], "nothing moved", digits=3),
        ratio(row["slope"], FEW),
        ratio(row["r_squared"], FEW),
    ]


def _positions(stored: StoredPortfolio) -> list[Block]:
    """Return the scores of symbols whose forecasts end in the last session, worst first."""
    ended = pl.col("calculation_date") == stored.end
    rows = stored.forecasts.scores.filter(ended, pl.col("symbol") != OWN_FORECAST)
    if rows.is_empty():
        return []
    cells = [
        [
            plain(row["symbol"]),
            percent(row["forecast"]),
            percent(row["realized"]),
            ratio(row["qlike"], NO_LOSS, digits=4),
        ]
        for row in rows.sort("qlike", "symbol", descending=[True, False], nulls_last=True).to_dicts()
    ]
    caption = f"Forecasts of {rows['forecast_date'][0]} that ended on {stored.end}"
    headings = ("Symbol", "Forecast", "What came", "Loss (QLIKE)")
    return [PageTable(caption, headings, cells, folded=True)]
