"""Charts for the script of a page: their form, and the series that its cross-hair reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from engine.html.live import LiveChart

META = "usermeta"
"""The key of a specification that Vega-Lite leaves to others."""
UNUSED = ("$schema", "datasets", META, "config")


@dataclass(frozen=True)
class Reading:
    """A series of a chart, as the cross-hair reads it.

    Attributes:
        name: as in the legend.
        field: column of the figure.
        by: column that tells series apart, where several share the column of figures.
        hold: whether a figure holds until the next one.
    """

    name: str
    field: str
    by: str = ""
    hold: bool = False


def readings(form: str, *series: Reading) -> dict[str, Any]:
    """Return the `usermeta` of a chart over time.

    Args:
        form: number format of the axis, in the notation of d3, or `text`.
        series: what the cross-hair reads, in the order of the legend.
    """
    return {"series": [asdict(one) for one in series], "form": _form(form)}


def _form(axis: str) -> str:
    if axis == "text" or "%" in axis:
        return "percent" if "%" in axis else axis
    return {"": "ratio", "d": "count"}.get(axis, "money")


def live_chart(title: str, wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> LiveChart:
    """Return a chart for the page's script.

    Args:
        title: of the chart.
        wide: the specification for a desktop, with its data and size.
        narrow: the specification for a phone.
    """
    meta = wide.get(META, {"series": [], "form": "ratio"})
    data = wide["datasets"] | narrow["datasets"]
    series = [one | {"data": _holder(data, one)} for one in meta["series"]]
    key = sha256(f"{title}{sorted(data)}".encode()).hexdigest()[:8]
    return LiveChart(key, _bare(wide), _bare(narrow), series, meta["form"], data)


def _bare(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name not in UNUSED}


def _holder(data: Mapping[str, Any], series: Mapping[str, Any]) -> str:
    """Return the name of the largest data with the series' columns, by day where any is by day."""
    wanted = {series["field"], *([series["by"]] if series["by"] else [])}
    names = [name for name, rows in data.items() if rows and wanted <= set(rows[0])]
    return max(names, key=lambda name: ("date" in data[name][0], len(data[name])), default="")
