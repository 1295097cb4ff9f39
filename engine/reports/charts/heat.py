"""Heat maps, in nine colours of the style sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import polars as pl

from engine.core.job_catalog import Status
from engine.reports.charts.plan import ChartPlan, ChartSize, Drawable, Reading, Source, layer
from engine.reports.charts.scales import time_axis

STEPS = 9
"""Colours of the diverging scale: --h0 (most negative) to --h8; the middle one includes 0."""
MOST_WITH_TEXT = 14
"""Symbols up to which a correlation matrix shows its figures on a desktop."""
DEEP = 0.55
"""Absolute correlation from which a cell is too dark for text in the usual colour."""
ON_COLOURS = alt.Scale(domain=[False, True], range=["var(--ink)", "var(--on-deep)"])
MOST_ROOM = 210
"""Pixels for the names on an axis."""


def thresholds(limit: float) -> list[float]:
    """Return the values at which the colours change, between -limit and limit."""
    step = 2 * limit / STEPS
    return [round(-limit + step * n, 6) for n in range(1, STEPS)]


def heat_colour(limit: float) -> alt.Color:
    """Return the colour of the field `value`; null has the colour --void.

    Args:
        limit: the value at which the colours end.
    """
    steps = [f"var(--h{number})" for number in range(STEPS)]
    scale = alt.Scale(type="threshold", domain=thresholds(limit), range=steps)
    return alt.Color("value:Q", scale=scale, legend=None)


def time_heat(cells: pl.DataFrame, rows: Sequence[str], limit: float) -> ChartPlan:
    """Return a heat map with a row per name and time from left to right.

    Args:
        cells: columns name, date, until (the end of the cell), value.
        rows: names from the top.
        limit: the value at which the colours end.
    """
    source = Source(cells)

    def make(size: ChartSize) -> Drawable:
        return source.chart.mark_rect(invalid="show").encode(
            x=time_axis(cells["date"].to_list(), size),
            x2=alt.X2("until:T"),
            y=names_axis("name:N", rows),
            color=heat_colour(limit),
        )

    return ChartPlan(make, [source], "", [Reading(name, "value", "name", hold=True) for name in rows])


def matrix_heat(cells: pl.DataFrame, names: Sequence[str]) -> ChartPlan:
    """Return a square matrix of correlations, with figures where there is room.

    Args:
        cells: columns row, column, value.
        names: the symbols, from the top and from the left.
    """
    deep = pl.col("value").abs() > DEEP
    # Deep colours need text of another colour; a null cell has no text, but the scale needs a Boolean.
    source = Source(cells.with_columns(deep=deep.fill_null(False)))

    def make(size: ChartSize) -> Drawable:
        upright = alt.Axis(labelAngle=-90, labelLimit=MOST_ROOM // 2, grid=False)
        across = alt.X("column:N", sort=list(names), axis=upright)
        base = source.chart.encode(x=across, y=names_axis("row:N", names))
        boxes = base.mark_rect(stroke="var(--card)", strokeWidth=1, invalid="show").encode(
            color=heat_colour(1.0)
        )
        if size.narrow or len(names) > MOST_WITH_TEXT:
            return boxes
        figures = base.mark_text(fontSize=11).encode(
            text=alt.Text("value:Q", format=".2f"),
            color=alt.Color("deep:N", scale=ON_COLOURS, legend=None),
        )
        return layer(boxes, figures)

    return ChartPlan(make, [source], "", [Reading("", "value")])


def spans_chart(cells: pl.DataFrame, rows: Sequence[str], colours: Mapping[Status, str]) -> ChartPlan:
    """Return spans of time in a row per name, coloured by kind.

    Args:
        cells: columns name, date, until, kind.
        rows: names from the top.
        colours: colour of the style sheet by kind.
    """
    source = Source(cells)

    def make(size: ChartSize) -> Drawable:
        colour = alt.Color(
            "kind:N",
            legend=None,
            scale=alt.Scale(domain=list(colours), range=[f"var(--{name})" for name in colours.values()]),
        )
        return source.chart.mark_rect(height={"band": 0.62}).encode(
            x=time_axis([*cells["date"], *cells["until"]], size),
            x2=alt.X2("until:T"),
            y=names_axis("name:N", rows),
            color=colour,
        )

    return ChartPlan(make, [source], "text", [Reading(name, "kind", "name", hold=True) for name in rows])


def names_axis(field: str, names: Sequence[str]) -> alt.Y:
    """Return a y axis with names from the top, in their order.

    Args:
        field: name of the column with the names.
        names: in the order of the axis, each once.
    """
    return alt.Y(field, sort=list(names), axis=alt.Axis(labelLimit=MOST_ROOM, grid=False))
