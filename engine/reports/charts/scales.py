"""Axes, colours and series that the charts share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import altair as alt
import polars as pl

from engine.html.blocks import LegendKey
from engine.html.cells import SIGNS
from engine.reports.charts.plan import ChartSize

LONG_SPAN_DAYS = 120
"""Calendar days from which an axis labels months instead of days."""
SHORT_SPAN_DAYS = 14
"""Calendar days up to which Vega would label half days."""
DAYS_A_MONTH = 31
DASHES = ("", "7 3", "2 2", "9 3 2 3")
DOWN = "var(--down)"
GAIN_AND_LOSS = ("up", "down")
"""Colours of figures above and below 0, as variables of the style sheet."""


def toned(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return a frame with a column `tone`: "down" where `column` is below 0, else "up".

    Args:
        frame: rows of a chart.
        column: name of a figure; a null has the tone "up", but nothing is drawn of it.
    """
    down = pl.when(pl.col(column) < 0).then(pl.lit("down")).otherwise(pl.lit("up"))
    return frame.with_columns(tone=down)


def tone_colour(colours: tuple[str, str] = GAIN_AND_LOSS) -> alt.Color:
    """Return two colours by the column `tone` of `toned`.

    Args:
        colours: of figures above and below 0, as variables of the style sheet without dashes.
    """
    scale = alt.Scale(domain=["up", "down"], range=[f"var(--{name})" for name in colours])
    return alt.Color("tone:N", scale=scale, legend=None)


@dataclass(frozen=True)
class ChartSeries:
    """A column of a frame as a line or bar of a chart.

    Attributes:
        place: position among the series of the chart, from 0. It decides colour and dashes: series
            must not differ in colour alone.
    """

    column: str
    name: str
    place: int

    @property
    def colour(self) -> str:
        """The colour as a variable of the style sheet."""
        return f"var(--c{self.place + 1})"

    @property
    def key(self) -> LegendKey:
        """The entry of the series in the legend."""
        return LegendKey(self.name, f"c{self.place + 1}", DASHES[self.place])


def series(**names: str) -> list[ChartSeries]:
    """Return the series of a chart from columns and their names, in the order of the legend."""
    return [ChartSeries(column, name, place) for place, (column, name) in enumerate(names.items())]


def dash(pattern: str) -> list[float]:
    """Return an SVG dash pattern as numbers; solid for an empty one."""
    return [float(part) for part in pattern.split()] or [1, 0]


def time_axis(days: Sequence[date], size: ChartSize, field: str = "date") -> alt.X:
    """Return an x axis for a field of dates, to scale.

    Args:
        days: the days that the axis must cover.
        size: a narrower drawing has fewer labels.
        field: name of the column.
    """
    span = (max(days) - min(days)).days
    most = 4 if size.narrow else 10 if size.width > 600 else 6
    axis = alt.Axis(
        format="%b %Y" if span > LONG_SPAN_DAYS else "%d %b",
        tickCount=_ticks(span, most),
        labelOverlap=True,
        grid=False,
    )
    return alt.X(f"{field}:T", axis=axis, scale=alt.Scale(nice=False))


def _ticks(span: int, most: int) -> alt.TimeIntervalStep | int:
    """Return at most `most` ticks over a span of days, no two of which have the same label."""
    if span > LONG_SPAN_DAYS:
        return alt.TimeIntervalStep(interval="month", step=-(-span // (most * DAYS_A_MONTH)))
    if span > SHORT_SPAN_DAYS:
        return most
    return alt.TimeIntervalStep(interval="day", step=max(1, -(-span // most)))


def money_format(currency: str) -> str:
    """Return the d3 format of amounts on an axis, such as $1.2M; only the dollar has its sign there."""
    return "$~s" if SIGNS.get(currency) == "$" else "~s"


def value_axis(column: str, form: str, size: ChartSize, *, zero: bool = False) -> alt.Y:
    """Return a y axis for figures.

    Args:
        column: the field, with Vega's type.
        form: number format in the notation of d3; empty: what Vega chooses.
        size: a narrower drawing has fewer labels.
        zero: include 0.
    """
    axis = alt.Axis(format=form or alt.Undefined, tickCount=4 if size.narrow else 5)
    return alt.Y(column, axis=axis, scale=alt.Scale(zero=zero, nice=True))
