"""Charts of figures over time."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import polars as pl

from engine.reports.charts.colours import INK, MUTED
from engine.reports.charts.plan import ChartPlan, ChartSize, Drawable, Reading, Source, layer
from engine.reports.charts.scales import DOWN, ChartSeries, dash, time_axis, tone_colour, toned, value_axis

ARROWS = alt.Scale(domain=["up", "down"], range=["triangle-up", "triangle-down"])
ZERO_LINE = Source(pl.DataFrame({"zero": [0.0]}))


def lines(
    frame: pl.DataFrame, series: Sequence[ChartSeries], form: str, *, zero: bool = False, steps: bool = False
) -> ChartPlan:
    """Return a chart with a line per series, broken where a figure is null or NaN.

    Args:
        frame: column date, and a column for each series.
        series: the series in the order of the legend.
        form: number format of the axis, in the notation of d3; empty: what Vega chooses.
        zero: include 0 in the axis, and draw a line there.
        steps: let a figure hold until the next one.
    """
    long = Source(_melted(frame, series))
    names, places = [s.name for s in series], [s.place for s in series]

    def make(size: ChartSize) -> Drawable:
        chart = long.chart.mark_line(
            strokeWidth=1.8, strokeJoin="round", interpolate="step-after" if steps else "linear"
        ).encode(
            x=time_axis(frame["date"].to_list(), size),
            y=value_axis("value:Q", form, size, zero=zero),
            color=_colour(names, places),
            strokeDash=_dashes(series),
        )
        return layer(_zero_rule(), chart) if zero else chart

    sources = [long, *([ZERO_LINE] if zero else [])]
    return ChartPlan(make, sources, form, [Reading(name, "value", "series") for name in names])


def marked_line(
    frame: pl.DataFrame, own: ChartSeries, other: ChartSeries | None, marks: pl.DataFrame, form: str
) -> ChartPlan:
    """Return a chart with a line, one to compare it with, and arrows at deposits (up) and withdrawals (down).

    Args:
        frame: column date, and one for each series.
        own: the series of the line.
        other: the series to compare it with; None: none.
        marks: columns date, that of `own` (the height of the arrow) and flow (its sign is the direction).
        form: number format of the axis, in the notation of d3.
    """
    shown = [one for one in (other, own) if one]
    rows, arrows_at = Source(frame), Source(toned(marks, "flow"))

    def make(size: ChartSize) -> Drawable:
        x = time_axis(frame["date"].to_list(), size)
        drawn = [_line(rows, one, x, form, size) for one in shown]
        arrows = arrows_at.chart.mark_point(size=90 if size.narrow else 170, filled=True, opacity=1).encode(
            x=x,
            y=value_axis(f"{own.column}:Q", form, size),
            shape=alt.Shape("tone:N", scale=ARROWS, legend=None),
            color=tone_colour(),
        )
        layers = [*drawn, *([arrows] if marks.height else [])]
        return layer(*layers)

    readings = [Reading(one.name, one.column) for one in reversed(shown)]
    return ChartPlan(make, [rows, *([arrows_at] if marks.height else [])], form, readings)


def _line(
    rows: Source, one: ChartSeries, x: alt.X, form: str, size: ChartSize, *, zero: bool = False
) -> Drawable:
    line = rows.chart.mark_line(strokeWidth=1.8, color=one.colour, strokeDash=dash(one.key.dash))
    return line.encode(x=x, y=value_axis(f"{one.column}:Q", form, size, zero=zero))


def area(frame: pl.DataFrame, own: ChartSeries, other: ChartSeries | None, form: str) -> ChartPlan:
    """Return a chart of the area between 0 and a figure, and a line to compare it with.

    Args:
        frame: date and the figures, a row for each session.
        own: the series of the area; its figure may be null.
        other: the series of the line; None: none.
        form: d3 format of the axis, such as `.0%`.
    """
    rows = Source(frame)

    def make(size: ChartSize) -> Drawable:
        x = time_axis(frame["date"].to_list(), size)
        edge = {"color": DOWN, "strokeWidth": 1.5}
        drawn = rows.chart.mark_area(color=DOWN, fillOpacity=0.18, line=edge, interpolate="linear").encode(
            x=x, y=value_axis(f"{own.column}:Q", form, size, zero=True)
        )
        lines_ = [_line(rows, other, x, form, size, zero=True)] if other else []
        return layer(drawn, *lines_)

    return ChartPlan(make, [rows], form, [Reading(one.name, one.column) for one in (own, other) if one])


def columns(frame: pl.DataFrame, column: str, form: str, name: str) -> ChartPlan:
    """Return a chart with a thin column per session from 0.

    Args:
        frame: date and the figure, a row for each session.
        column: name of the figure; its sign gives the colour.
        form: d3 format of the axis, such as `.0%`.
        name: how the page calls the figure.
    """
    rows = Source(toned(frame, column))

    def make(size: ChartSize) -> Drawable:
        thickness = max(1.0, min(8.0, 0.72 * size.width / max(frame.height, 1)))
        bars = rows.chart.mark_bar(size=thickness).encode(
            x=time_axis(frame["date"].to_list(), size),
            y=value_axis(f"{column}:Q", form, size, zero=True),
            color=tone_colour(),
        )
        return layer(bars, _zero_rule())

    return ChartPlan(make, [rows, ZERO_LINE], form, [Reading(name, column)])


def limited_columns(
    frame: pl.DataFrame,
    column: str,
    limits: Sequence[ChartSeries],
    marks: pl.DataFrame,
    form: str,
    name: str,
) -> ChartPlan:
    """Return a chart of columns from 0, lines for their limits, and a mark on each column that is beyond one.

    Args:
        frame: date, the figure and the limits, a row for each session.
        column: name of the figure; its sign gives the colour.
        limits: the series of the lines, which hold from session to session.
        marks: the rows of the frame to mark.
        form: number format of the axis, in the notation of d3.
        name: how the page calls the figure.
    """
    bars = columns(frame, column, form, name)
    rows, marked = bars.sources[0], Source(marks)

    def make(size: ChartSize) -> Drawable:
        x = time_axis(frame["date"].to_list(), size)
        lines_ = [
            rows.chart.mark_line(
                strokeWidth=1.6, color=one.colour, strokeDash=dash(one.key.dash), interpolate="step-after"
            ).encode(x=x, y=value_axis(f"{one.column}:Q", form, size, zero=True))
            for one in limits
        ]
        points = marked.chart.mark_point(
            shape="triangle-down", size=60 if size.narrow else 90, filled=True, opacity=1, color=INK
        ).encode(x=x, y=value_axis(f"{column}:Q", form, size, zero=True))
        return layer(bars.draw(size), *lines_, *([points] if marks.height else []))

    readings = [Reading(name, column), *(Reading(one.name, one.column) for one in limits)]
    return ChartPlan(make, [*bars.sources, *([marked] if marks.height else [])], form, readings)


def _melted(frame: pl.DataFrame, series: Sequence[ChartSeries]) -> pl.DataFrame:
    # NaN has no form in JSON, the format in which Vega gets the data.
    figures = [pl.col(one.column).cast(pl.Float64).fill_nan(None) for one in series]
    # Not an unpivot: a series may have the name of a portfolio, which may be that of a column.
    return pl.concat(
        frame.select("date", series=pl.lit(one.name), value=value)
        for one, value in zip(series, figures, strict=True)
    )


def _colour(names: list[str], places: list[int]) -> alt.Color:
    range_ = [f"var(--c{place + 1})" for place in places]
    return alt.Color("series:N", legend=None, scale=alt.Scale(domain=names, range=range_))


def _dashes(series: Sequence[ChartSeries]) -> alt.StrokeDash:
    scale = alt.Scale(domain=[s.name for s in series], range=[dash(s.key.dash) for s in series])
    return alt.StrokeDash("series:N", legend=None, scale=scale)


def _zero_rule() -> Drawable:
    return ZERO_LINE.chart.mark_rule(color=MUTED, strokeWidth=1).encode(y=alt.Y("zero:Q"))
