"""Turn an Altair chart into SVG inside the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from typing import Any

import altair as alt
import polars as pl
import polars.selectors as cs
from altair.utils.schemapi import debug_mode
from vl_convert import vegalite_to_svg

from engine.html.blocks import Chart, LegendKey, PageTable, Width
from engine.html.live import CONFIG
from engine.reports.charts.live import live_chart
from engine.reports.charts.plan import ChartPlan, ChartSize

WIDTHS: dict[Width, int] = {"full": 1040, "half": 500}
NARROW = 330
"""Width of the narrowest phones less the margins of the page."""

PADDING = {"left": 8, "top": 4, "right": 8, "bottom": 2}
"""Room for labels, which the page's font draws wider than Vega measured them."""
VEGA_LITE = "_".join(alt.SCHEMA_VERSION.split(".")[:2])
"""The version of Vega-Lite that Altair writes."""

HEAD = re.compile(r"^<svg[^>]*?viewBox=\"([^\"]*)\"[^>]*>")
NOISE = re.compile(
    r' (?:role="(?!img)[^"]*"|aria-[a-z]+="[^"]*"|class="[^"]*"|pointer-events="none"|opacity="1"'
    r'|font-family="[^"]*"|stroke-miterlimit="10")|<path d="M0,0h0v0h0Z"/>|<path d="" display="none"/>'
)
"""Attributes and paths of Vega that have no effect here, or that would be read aloud."""
PLACE = re.compile(r"(?<=[ ,(\"MLHVhvlCc-])\d+\.\d{2,}(?=[ ,)\"MLHVhvlCcZ-])")
"""A length or a place of which nobody sees more than a tenth of a pixel."""
BOX = r'<path d="(M[\d.,-]+h[\d.-]+v[\d.-]+h[\d.-]+Z)"((?: (?:fill|stroke|stroke-width)="[^"]*")*)/>'
BOXES = re.compile(f"(?:{BOX}){{9,}}")
"""Cells of a heat map: boxes that do not overlap."""
CLIP = re.compile(r"(id=\"|url\(#)([\w-]+)")


def chart(
    title: str,
    summary: str,
    plan: ChartPlan,
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
    """Return a block with a chart, drawn once for a desktop and once for a phone.

    Args:
        title: heading of the block.
        summary: what the chart shows, for readers who cannot see it.
        plan: of the chart.
        height: pixels on a desktop.
        narrow_height: pixels on a phone; default `height`, at most 220.
        width: of the block.
        unit: see `engine.html.blocks.Chart`, as for the arguments below.
        legend: keys of the series.
        ends: values of the first and last colour of a heat map.
        notes: which figures are not computed, and why.
        tables: the figures behind the drawing.
    """
    desktop = ChartSize(WIDTHS[width], height)
    phone = ChartSize(NARROW, narrow_height or min(height, 220), narrow=True)
    wide, narrow = (specification(plan, size) for size in (desktop, phone))
    return Chart(
        title,
        summary,
        svg(wide, summary),
        svg(narrow, summary),
        unit=unit,
        legend=legend,
        ends=ends,
        notes=notes,
        tables=tables,
        width=width,
        live=live_chart(title, plan, wide, narrow),
    )


def specification(plan: ChartPlan, size: ChartSize) -> dict[str, Any]:
    """Return a chart as Vega-Lite with its data, its size and the configuration of all charts.

    Args:
        plan: of the chart.
        size: its outer size.
    """
    # Altair checks each part against a schema, which takes longer than drawing it.
    with debug_mode(False):
        spec: dict[str, Any] = plan.draw(size).to_dict(validate=False)
    return spec | {
        "width": size.width,
        "height": size.height,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": PADDING,
        "config": CONFIG,
        "datasets": {source.name: _rows(source.frame) for source in plan.sources},
    }


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return rows as Vega reads them: days as local times; NaN has no form in JSON."""
    days = cs.temporal().cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%dT%H:%M:%S")
    return frame.with_columns(days, cs.float().fill_nan(None)).to_dicts()


def svg(spec: dict[str, Any], label: str) -> str:
    """Return an SVG element that fills its box.

    Args:
        spec: the result of `specification`.
        label: accessible name of the drawing.
    """
    # Not Altair's converter, which may load files and URLs.
    return _inline(vegalite_to_svg(spec, VEGA_LITE, allowed_base_urls=[]), label)


def plain_svg(chart: alt.Chart) -> str:
    """Return a chart as an SVG document of its own, such as for a notebook.

    Args:
        chart: an Altair chart with its own size and colours.
    """
    return vegalite_to_svg(chart.to_dict(), VEGA_LITE, allowed_base_urls=[])


def _inline(document: str, label: str) -> str:
    """Turn an SVG document into an element of a page: no namespaces, and ids that are unique in it."""
    prefix = sha256(f"{label}{document}".encode()).hexdigest()[:8]
    head = f'<svg viewBox="\\1" role="img" aria-label="{escape(label)}">'
    # Twice, because removing an attribute can leave one of the empty paths.
    element = CLIP.sub(rf"\g<1>c{prefix}-\g<2>", NOISE.sub("", NOISE.sub("", document)))
    return HEAD.sub(lambda match: head.replace("\\1", match[1]), _smaller(element), count=1)


def _smaller(element: str) -> str:
    """Return a drawing with shorter numbers, and one path for all cells of a colour."""
    element = PLACE.sub(lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), element)
    return BOXES.sub(lambda cells: _one_path_a_colour(cells[0]), element)


def _one_path_a_colour(cells: str) -> str:
    paths: dict[str, list[str]] = {}
    for path, looks in re.findall(BOX, cells):
        paths.setdefault(looks, []).append(path)
    return "".join(f'<path d="{"".join(parts)}"{looks}/>' for looks, parts in paths.items())
