"""From an Altair chart to a drawing inside the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import Any

import altair as alt
from vl_convert import vegalite_to_svg

from engine.html.blocks import Chart, LegendKey, PageTable, Width

AnyChart = Any
"""An Altair chart, layered or not: its own methods promise unions or nothing."""


@dataclass(frozen=True)
class ChartSize:
    """A drawing's outer measures in pixels; `narrow` where a telephone shows it."""

    width: int
    height: int
    narrow: bool = False


ChartBuilder = Callable[[ChartSize], AnyChart]
"""Draws a chart for a size: what fits a desk does not fit a telephone."""

WIDTHS: dict[Width, int] = {"full": 1040, "half": 500}
NARROW = 330
"""What is left of the narrowest telephones once the page's margins are off."""

PADDING = {"left": 8, "top": 4, "right": 8, "bottom": 2}
"""Room for names that the page's own letters make wider than Vega took them for."""
VEGA_LITE = "_".join(alt.SCHEMA_VERSION.split(".")[:2])
"""The version that Altair writes for."""

INK, MUTED, GRID = "var(--ink)", "var(--muted)", "var(--grid)"
HEAD = re.compile(r"^<svg[^>]*?viewBox=\"([^\"]*)\"[^>]*>")
NOISE = re.compile(
    r' (?:role="(?!img)[^"]*"|aria-[a-z]+="[^"]*"|class="[^"]*"|pointer-events="none"|opacity="1"'
    r'|font-family="[^"]*"|stroke-miterlimit="10")|<path d="M0,0h0v0h0Z"/>|<path d="" display="none"/>'
)
"""What Vega says to a reader of its own, and what says nothing."""
CLIP = re.compile(r"(id=\"|url\(#)([\w-]+)")
_CONFIG: dict[str, Any] = {
    "aria": False,
    "background": "transparent",
    "font": "sans-serif",
    "view": {"stroke": None},
    "scale": {"invalid": {"color": {"value": "var(--void)"}}},
    "axis": {
        "labelColor": MUTED,
        "labelFontSize": 11,
        "gridColor": GRID,
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
        "title": None,
    },
}


def chart(
    title: str,
    summary: str,
    maker: ChartBuilder,
    height: int,
    *,
    narrow_height: int | None = None,
    width: Width = "full",
    unit: str = "",
    legend: Sequence[LegendKey] = (),
    ends: tuple[str, str] | None = None,
    notes: Sequence[str] = (),
    tables: Sequence[PageTable] = (),
) -> Chart:
    """A block with the chart drawn for a desk and for a telephone; see `engine.html.blocks.Chart`.

    Args:
        summary: what it shows in a sentence; the drawing's name for those who do not see it.
        height, narrow_height: pixels, on a desk and on a telephone.
    """
    desk = ChartSize(WIDTHS[width], height)
    telephone = ChartSize(NARROW, narrow_height or min(height, 220), narrow=True)
    wide, narrow = (svg(maker(size), size, summary) for size in (desk, telephone))
    return Chart(
        title,
        summary,
        wide,
        narrow,
        unit=unit,
        legend=legend,
        ends=ends,
        notes=notes,
        tables=tables,
        width=width,
    )


def svg(chart: AnyChart, size: ChartSize, label: str) -> str:
    """An SVG element that fills its box, with a name for those who do not see it.

    Altair would check the finished chart against its schema once more, and convert it with leave to
    load what it names from anywhere.
    """
    spec = chart.to_dict(validate=False) | {
        "width": size.width,
        "height": size.height,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": PADDING,
        "config": _CONFIG,
    }
    return _inline(vegalite_to_svg(spec, VEGA_LITE, allowed_base_urls=[]), label)


def _inline(drawing: str, label: str) -> str:
    """A document of its own made part of another: no name spaces, ids that nothing else bears."""
    mark = sha256(f"{label}{drawing}".encode()).hexdigest()[:8]
    head = f'<svg viewBox="\\1" role="img" aria-label="{escape(label)}">'
    own = CLIP.sub(rf"\g<1>c{mark}-\g<2>", NOISE.sub("", NOISE.sub("", drawing)))
    return HEAD.sub(lambda found: head.replace("\\1", found[1]), own, count=1)
