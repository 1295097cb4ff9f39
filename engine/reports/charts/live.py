"""Charts for the script of a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from engine.html.live import LiveChart
from engine.reports.charts.plan import ChartPlan

UNUSED = ("$schema", "datasets", "config")


def live_chart(title: str, plan: ChartPlan, wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> LiveChart:
    """Return a chart for the page's script.

    Args:
        title: of the chart.
        plan: of the chart.
        wide: the specification for a desktop, with its data and size.
        narrow: the specification for a phone.
    """
    data = {source.name: source.frame for source in plan.sources}
    figures = plan.sources[0].name
    key = sha256(f"{title}{sorted(data)}".encode()).hexdigest()[:8]
    series = [asdict(one) | {"data": figures} for one in plan.readings]
    return LiveChart(key, _bare(wide), _bare(narrow), series, _form(plan.form), data)


def _form(axis: str) -> str:
    if axis == "text" or "%" in axis:
        return "percent" if "%" in axis else axis
    return {"": "ratio", "d": "count"}.get(axis, "money")


def _bare(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name not in UNUSED}
