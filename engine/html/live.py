"""Charts that a page's script draws again: their specifications, their data, and the library that draws.

Data are stored by column and once a page: charts that show the same rows share them.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from gzip import compress
from hashlib import sha256
from typing import Any

import polars as pl

DIGITS = 6
"""Decimals of a number in a page's data; money has two."""
CONFIG: dict[str, Any] = {
    "aria": False,
    "background": "transparent",
    "font": "sans-serif",
    "view": {"stroke": None},
    "scale": {"invalid": {"color": {"value": "var(--void)"}}},
    "axis": {
        "labelColor": "var(--muted)",
        "labelFontSize": 11,
        "gridColor": "var(--grid)",
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
        "title": None,
    },
}
"""Vega-Lite's configuration, common to all charts, in the colours of the style sheet."""


@dataclass(frozen=True)
class LiveChart:
    """A chart as Vega-Lite, without its data.

    Attributes:
        key: names the chart in its page.
        wide: specification for a desktop.
        narrow: specification for a phone.
        series: what the cross-hair reads: dictionaries with name, data, field and, where several series
            share a column, the column `by` and its value `where`; `hold` if a figure holds until the next.
            Empty for a chart without time.
        form: how a figure is written: money, percent, count, ratio or text.
        data: rows by the name that the specifications use.
    """

    key: str
    wide: Mapping[str, Any]
    narrow: Mapping[str, Any]
    series: Sequence[Mapping[str, Any]]
    form: str
    data: Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class LivePage:
    """Sessions and figures of a page, for its scripts.

    Attributes:
        days: the sessions of the page, ascending.
        currency: sign before an amount.
        columns: figures by session, from which cards follow a range: {name: values}.
    """

    days: Sequence[date]
    currency: str
    columns: Mapping[str, Sequence[float | None]]


@dataclass(frozen=True)
class Library:
    """The script that draws charts.

    Attributes:
        packed: the script, by gzip and base64: 0.4 MB instead of 0.9.
        digest: of the script itself, which the page's policy allows.
    """

    packed: str
    digest: str


def chart_data(page: LivePage, charts: Iterable[LiveChart]) -> str:
    """Return the JSON of a page's charts, safe inside a script element.

    Args:
        page: sessions, and figures by session.
        charts: the charts of the page.
    """
    places = {day.isoformat(): place for place, day in enumerate(page.days)}
    shown = list(charts)
    rows = {name: data for chart in shown for name, data in chart.data.items()}
    content = {
        "days": list(places),
        "currency": page.currency,
        "columns": {name: [_number(value) for value in column] for name, column in page.columns.items()},
        "config": CONFIG,
        "data": {name: _columns(data, places) for name, data in rows.items()},
        "charts": {
            chart.key: {
                "wide": chart.wide,
                "narrow": chart.narrow,
                "series": chart.series,
                "form": chart.form,
            }
            for chart in shown
        },
    }
    # "<" would end the element, or begin a comment in it.
    return json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


@cache
def library() -> Library:
    """Return the script of Vega-Embed, Vega-Lite and Vega, out of the installed package vl-convert-python.

    The package bundles the three with Vega's expression interpreter, which a page needs whose policy
    forbids scripts that make scripts. Cached: bundling takes more than a second.
    """
    from vl_convert import javascript_bundle

    script = javascript_bundle("window.vegaEmbed=vegaEmbed;").encode()
    return Library(b64encode(compress(script, mtime=0)).decode(), digest(script))


def digest(script: bytes) -> str:
    """Return what a page's policy calls a script that may run."""
    return f"'sha256-{b64encode(sha256(script).digest()).decode()}'"


def _columns(rows: pl.DataFrame, places: Mapping[str, int]) -> dict[str, Any]:
    return {column.name: _column(column, places) for column in rows}


def _column(column: pl.Series, places: Mapping[str, int]) -> Any:
    """Return numbers as they are, and texts and days as places in a list of the different ones."""
    if column.dtype.is_numeric():
        return [_number(value) for value in column]
    if column.dtype == pl.Boolean:
        return column.to_list()
    values = column.cast(pl.String).to_list()
    if column.dtype == pl.Date and all(value in places for value in values):
        return {"days": [places[value] for value in values]}
    different = list(dict.fromkeys(values))
    at = {value: place for place, value in enumerate(different)}
    return {"texts": different, "at": [at[value] for value in values]}


def _number(value: float | Decimal | None) -> float | int | None:
    if value is None or not math.isfinite(value):
        return None
    short = round(float(value), DIGITS)
    return int(short) if short == int(short) else short
