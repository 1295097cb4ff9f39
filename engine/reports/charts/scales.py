"""Axes and colours that the charts share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import altair as alt
import polars as pl

from engine.html.blocks import LegendKey
from engine.html.cells import SIGNS
from engine.reports.charts.drawing import ChartSize

LONG_SPAN_DAYS = 120
"""Calendar days from which an axis names months instead of days."""
SHORT_SPAN_DAYS = 14
"""Calendar days up to which an axis would else name half days."""
DAYS_A_MONTH = 31
DASHES = ("", "7 3", "2 2", "9 3 2 3")
DOWN = "var(--down)"
TONES = alt.Scale(domain=["up", "down"], range=["var(--up)", DOWN])


def toned(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """A frame with `tone`: whether a column's figure is a loss (down) or not (up)."""
    down = pl.when(pl.col(column) < 0).then(pl.lit("down")).otherwise(pl.lit("up"))
    return frame.with_columns(tone=down)


def tone_colour() -> alt.Color:
    """Gains and losses in colours of their own."""
    return alt.Color("tone:N", scale=TONES, legend=None)


@dataclass(frozen=True)
class ChartSeries:
    """A column of a frame as a chart draws it."""

    column: str
    name: str
    place: int
    """Among the chart's series: its colour and its dashes, so that colour alone tells nothing."""

    @property
    def colour(self) -> str:
        """As the style sheet calls it."""
        return f"var(--c{self.place + 1})"

    @property
    def key(self) -> LegendKey:
        """Its entry in the legend."""
        return LegendKey(self.name, f"c{self.place + 1}", DASHES[self.place])


def series(**names: str) -> list[ChartSeries]:
    """Columns and what they are called, in the order in which they are drawn."""
    return [ChartSeries(column, name, place) for place, (column, name) in enumerate(names.items())]


def dash(pattern: str) -> list[float]:
    """Dashes as Vega takes them."""
    return [float(part) for part in pattern.split()] or [1, 0]


def time_axis(days: Sequence[date], size: ChartSize) -> alt.X:
    """Sessions from left to right, to scale."""
    span = (max(days) - min(days)).days
    most = 4 if size.narrow else 10 if size.width > 600 else 6
    axis = alt.Axis(
        format="%b %Y" if span > LONG_SPAN_DAYS else "%d %b",
        tickCount=_ticks(span, most),
        labelOverlap=True,
        grid=False,
    )
    return alt.X("date:T", axis=axis, scale=alt.Scale(nice=False))


def _ticks(span: int, most: int) -> alt.TimeIntervalStep | int:
    """At most so many ticks over a span of days, none of which says what the one before says."""
    if span > LONG_SPAN_DAYS:
        return alt.TimeIntervalStep(interval="month", step=-(-span // (most * DAYS_A_MONTH)))
    if span > SHORT_SPAN_DAYS:
        return most
    return alt.TimeIntervalStep(interval="day", step=max(1, -(-span // most)))


def money_format(currency: str) -> str:
    """Amounts on an axis: $1.2M. Other currencies than the commonest stand in the unit."""
    return "$~s" if SIGNS.get(currency) == "$" else "~s"


def value_axis(column: str, form: str, size: ChartSize, *, zero: bool = False) -> alt.Y:
    """Figures from below upwards, a few lines to read them by."""
    axis = alt.Axis(format=form or alt.Undefined, tickCount=4 if size.narrow else 5)
    return alt.Y(column, axis=axis, scale=alt.Scale(zero=zero, nice=True))
