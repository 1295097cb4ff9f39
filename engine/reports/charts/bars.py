"""Horizontal bar charts."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import polars as pl

from engine.reports.charts.colours import INK, MUTED
from engine.reports.charts.heat import names_axis
from engine.reports.charts.plan import ChartPlan, ChartSize, Drawable, Reading, Source, layer
from engine.reports.charts.scales import GAIN_AND_LOSS, ChartSeries, tone_colour, toned

WIDE_ROW = 24
"""Pixels per row on a desktop."""
NARROW_ROW = 34
"""Pixels per row on a phone, where the name stands above its bar."""
AXIS_HEIGHT = 40


def bar_heights(rows: int) -> tuple[int, int]:
    """Return the height in pixels of a chart of `rows` bars, on a desktop and on a phone."""
    return WIDE_ROW * rows + AXIS_HEIGHT, NARROW_ROW * rows + AXIS_HEIGHT


def signed_bars(
    frame: pl.DataFrame,
    form: str,
    *,
    tick: str | None = None,
    colours: tuple[str, str] = GAIN_AND_LOSS,
) -> ChartPlan:
    """Return a chart with a bar per row, in the frame's order, figures above and below 0 in two colours.

    Args:
        frame: columns name and value, and the column `tick`.
        form: number format of the axis, in the notation of d3.
        tick: column of a second figure, drawn as a stroke across the bar.
        colours: of figures above and below 0: see `tone_colour`.
    """
    names = frame["name"].to_list()
    second = [Reading(tick.partition("_")[0].capitalize(), tick)] if tick else []
    rows = Source(toned(frame, "value"))

    def make(size: ChartSize) -> Drawable:
        base = rows.chart
        y, x = _rows(names, size), _values("value:Q", form, size)
        offset, thickness = _bar(size)
        bars = base.mark_bar(size=thickness, yOffset=offset).encode(x=x, y=y, color=tone_colour(colours))
        layers = [bars]
        if tick:
            strokes = base.mark_tick(thickness=2.5, size=thickness + 6, color=INK, opacity=1, yOffset=offset)
            layers.append(strokes.encode(x=alt.X(f"{tick}:Q"), y=y))
        return layer(*layers, *_labels(base, y, size))

    return ChartPlan(make, [rows], form, [Reading("", "value"), *second])


def paired_bars(frame: pl.DataFrame, series: Sequence[ChartSeries], form: str) -> ChartPlan:
    """Return a chart with a bar and a stroke per row, such as a weight and its benchmark.

    Args:
        frame: column name, and a column for each series; nulls are not drawn.
        series: the figure of the bar, then the figure of the stroke.
        form: number format of the axis, in the notation of d3.
    """
    names = frame["name"].to_list()
    bar, stroke = series
    rows = Source(frame)

    def make(size: ChartSize) -> Drawable:
        base = rows.chart
        y = _rows(names, size)
        offset, thickness = _bar(size)
        bars = base.mark_bar(size=thickness, yOffset=offset, color=bar.colour).encode(
            x=_values(f"{bar.column}:Q", form, size), y=y
        )
        strokes = base.mark_tick(
            thickness=3, size=thickness + 8, yOffset=offset, opacity=1, color=stroke.colour
        ).encode(x=alt.X(f"{stroke.column}:Q"), y=y)
        return layer(bars, strokes, *_labels(base, y, size))

    return ChartPlan(make, [rows], form, [Reading(one.name, one.column) for one in series])


def _bar(size: ChartSize) -> tuple[int, int]:
    """Return a bar's offset below the middle of its row, and its thickness, in pixels."""
    return (6, 10) if size.narrow else (0, 14)


def _rows(names: Sequence[str], size: ChartSize) -> alt.Y:
    if size.narrow:
        return alt.Y("name:N", sort=list(names), axis=None)
    return names_axis("name:N", names)


def _values(field: str, form: str, size: ChartSize) -> alt.X:
    axis = alt.Axis(format=form, tickCount=4 if size.narrow else 6)
    return alt.X(field, axis=axis, scale=alt.Scale(nice=True))


def _labels(base: alt.Chart, y: alt.Y, size: ChartSize) -> list[alt.Chart]:
    """Return the names above the bars of a phone's drawing; a desktop's has them on the axis."""
    if not size.narrow:
        return []
    text = base.mark_text(align="left", baseline="middle", dy=-8, fontSize=11, color=MUTED)
    return [text.encode(x=alt.value(0), y=y, text=alt.Text("name:N"))]
