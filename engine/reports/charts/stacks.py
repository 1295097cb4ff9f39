"""Stacked bars and grids of kinds: durations by stage, outcomes by job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl

from engine.reports.charts.colours import MUTED
from engine.reports.charts.heat import names_axis
from engine.reports.charts.plan import ChartPlan, ChartSize, Drawable, Reading, Source, layer
from engine.reports.charts.scales import time_axis

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri")


def kind_colour(colours: Mapping[Any, str]) -> alt.Color:
    """Return the colour of the field `kind`.

    Args:
        colours: variable of the style sheet, without dashes, by kind.
    """
    scale = alt.Scale(domain=list(colours), range=[f"var(--{name})" for name in colours.values()])
    return alt.Color("kind:N", scale=scale, legend=None)


def stacked_bars(frame: pl.DataFrame, colours: Mapping[Any, str], form: str) -> ChartPlan:
    """Return a chart with a bar per name, made of a part per kind.

    Args:
        frame: columns name, kind and value (0 or above); names from the top.
        colours: of the parts, by kind, in the order of the parts.
        form: number format of the axis, in the notation of d3.
    """
    labels = list(dict.fromkeys(frame["name"].to_list()))
    places = {kind: place for place, kind in enumerate(colours)}
    placed = frame.with_columns(
        label="name",
        name=pl.format("{}: {}", "name", "kind"),  # how the part is called under the pointer
        place=pl.col("kind").replace_strict(places, return_dtype=pl.Int64),
    )
    parts, heads = Source(placed), Source(pl.DataFrame({"label": labels}))

    def make(size: ChartSize) -> Drawable:
        axis = alt.Axis(format=form, tickCount=4 if size.narrow else 6)
        base = parts.chart
        y = alt.Y("label:N", sort=labels, axis=None) if size.narrow else names_axis("label:N", labels)
        bars = base.mark_bar(size=9 if size.narrow else 14, yOffset=7 if size.narrow else 0).encode(
            x=alt.X("value:Q", stack="zero", axis=axis),
            y=y,
            color=kind_colour(colours),
            order=alt.Order("place:Q"),
        )
        if not size.narrow:
            return bars
        # On a phone the name stands above its bar.
        above = heads.chart.mark_text(align="left", baseline="middle", dy=-6, fontSize=11, color=MUTED)
        named = above.encode(x=alt.value(0), y=y, text=alt.Text("label:N"))
        return layer(bars, named)

    return ChartPlan(make, [parts, heads], form, [Reading("", "value")])


def grid(frame: pl.DataFrame, columns: Sequence[str], colours: Mapping[Any, str]) -> ChartPlan:
    """Return a grid of boxes, coloured by kind.

    Args:
        frame: columns row, column and kind; rows from the top.
        columns: names, from the left.
        colours: of the boxes, by kind.
    """
    rows = list(dict.fromkeys(frame["row"].to_list()))
    boxes = Source(frame)

    def make(size: ChartSize) -> Drawable:
        upright = alt.Axis(labelAngle=-90 if size.narrow else -40, labelLimit=150, grid=False, orient="top")
        rows_axis = alt.Axis(labelLimit=110 if size.narrow else 260, grid=False)
        return boxes.chart.mark_rect(stroke="var(--card)", strokeWidth=2).encode(
            x=alt.X("column:N", sort=list(columns), axis=upright),
            y=alt.Y("row:N", sort=rows, axis=rows_axis),
            color=kind_colour(colours),
        )

    return ChartPlan(make, [boxes], "text", [Reading("", "kind")])


def calendar(frame: pl.DataFrame, colours: Mapping[str, str]) -> ChartPlan:
    """Return a calendar with a column per week and a row per weekday, coloured by kind.

    Args:
        frame: columns date and kind, a row for each day.
        colours: of the days, by kind.
    """
    monday = pl.col("date").dt.truncate("1w")
    names = dict(enumerate(WEEKDAYS, start=1))
    days = frame.with_columns(
        name=pl.col("date").dt.strftime("%a %Y-%m-%d"),
        week=monday,
        end=monday + pl.duration(days=7),
        weekday=pl.col("date").dt.weekday().replace_strict(names, return_dtype=pl.String),
    ).drop("date")
    source = Source(days)

    def make(size: ChartSize) -> Drawable:
        return source.chart.mark_rect(stroke="var(--card)", strokeWidth=0.5 if size.narrow else 1.5).encode(
            x=time_axis([*days["week"], *days["end"]], size, "week"),
            x2=alt.X2("end:T"),
            y=names_axis("weekday:N", WEEKDAYS),
            color=kind_colour(colours),
        )

    return ChartPlan(make, [source], "text", [Reading("", "kind")])
