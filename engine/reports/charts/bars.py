"""Figures side by side, one above the other."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import polars as pl

from engine.reports.charts.drawing import INK, MUTED, AnyChart, ChartBuilder, ChartSize
from engine.reports.charts.heat import names_axis
from engine.reports.charts.scales import ChartSeries, tone_colour, toned

NARROW_ROW = 34
WIDE_ROW = 24
HEADROOM = 40
"""Pixels a row takes on a telephone, where its name stands above its bar, and on a desk; and what
the axis takes."""


def bar_heights(rows: int) -> tuple[int, int]:
    """The height of a chart of `rows` bars, wide and narrow."""
    return WIDE_ROW * rows + HEADROOM, NARROW_ROW * rows + HEADROOM


def signed_bars(frame: pl.DataFrame, form: str, *, tick: str | None = None) -> ChartBuilder:
    """A bar for each row, in the frame's order, up and down in colours of their own.

    Args:
        frame: name, value, and the column `tick`: a second figure, as a stroke across the bar.
    """
    names = frame["name"].to_list()

    def make(size: ChartSize) -> AnyChart:
        base = alt.Chart(toned(frame, "value"))
        y, x = _rows(names, size), _values("value:Q", form, size)
        offset, thick = _bar(size)
        bars = base.mark_bar(size=thick, yOffset=offset).encode(x=x, y=y, color=tone_colour())
        layers = [bars]
        if tick:
            strokes = base.mark_tick(thickness=2.5, size=thick + 6, color=INK, opacity=1, yOffset=offset)
            layers.append(strokes.encode(x=alt.X(f"{tick}:Q"), y=y))
        return alt.layer(*layers, *_labels(base, y, size))

    return make


def paired_bars(frame: pl.DataFrame, drawn: Sequence[ChartSeries], form: str) -> ChartBuilder:
    """A thick bar, and upon it a stroke, for each row: what is held beside what it is held against.

    Args:
        frame: name and a column for each of two series; nulls are not drawn.
    """
    names = frame["name"].to_list()
    held, against = drawn

    def make(size: ChartSize) -> AnyChart:
        base = alt.Chart(frame)
        y = _rows(names, size)
        offset, thick = _bar(size)
        bars = base.mark_bar(size=thick, yOffset=offset, color=held.colour).encode(
            x=_values(f"{held.column}:Q", form, size), y=y
        )
        strokes = base.mark_tick(
            thickness=3, size=thick + 8, yOffset=offset, opacity=1, color=against.colour
        ).encode(x=alt.X(f"{against.column}:Q"), y=y)
        return alt.layer(bars, strokes, *_labels(base, y, size))

    return make


def _bar(size: ChartSize) -> tuple[int, int]:
    """How far below the middle of its row a bar lies, and how thick it is."""
    return (6, 10) if size.narrow else (0, 14)


def _rows(names: Sequence[str], size: ChartSize) -> alt.Y:
    if size.narrow:
        return alt.Y("name:N", sort=list(names), axis=None)
    return names_axis("name:N", names)


def _values(field: str, form: str, size: ChartSize) -> alt.X:
    return alt.X(
        field, axis=alt.Axis(format=form, tickCount=4 if size.narrow else 6), scale=alt.Scale(nice=True)
    )


def _labels(base: alt.Chart, y: alt.Y, size: ChartSize) -> list[alt.Chart]:
    """On a telephone the names stand above their bars."""
    if not size.narrow:
        return []
    text = base.mark_text(align="left", baseline="middle", dy=-8, fontSize=11, color=MUTED)
    return [text.encode(x=alt.value(0), y=y, text=alt.Text("name:N"))]
