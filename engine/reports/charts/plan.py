"""Plans of charts: their data, how they are drawn at a size, and the series that a cross-hair reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import altair as alt
import polars as pl

Drawable = Any
"""An Altair chart, or layers of charts; Altair's own types do not tell."""
PARTS = ("data", "mark", "encoding", "layer")
"""Parts of a specification that a layer has."""


@dataclass(frozen=True)
class ChartSize:
    """The outer size of a drawing in pixels.

    Attributes:
        narrow: whether the drawing is for a phone.
    """

    width: int
    height: int
    narrow: bool = False


@dataclass(frozen=True)
class Layers:
    """Charts drawn over each other. Altair's own class copies each of them several times.

    Attributes:
        charts: Altair charts, the lowest first.
    """

    charts: Sequence[Drawable]

    def to_dict(self, *, validate: bool) -> dict[str, Any]:
        """Return the specification, in the form of Altair's charts.

        Args:
            validate: check it against the schema.
        """
        layers = [chart.to_dict(validate=validate) for chart in self.charts]
        return {"layer": [{name: layer[name] for name in layer if name in PARTS} for layer in layers]}


def layer(*charts: Drawable) -> Layers:
    """Return charts drawn over each other, the lowest first."""
    return Layers(charts)


@dataclass(frozen=True, eq=False)
class Source:
    """Rows of a chart. Altair gets only their name: it copies rows many times.

    Attributes:
        frame: the rows; columns with days are Date.
    """

    frame: pl.DataFrame

    @cached_property
    def name(self) -> str:
        """A name by content: charts with the same rows share them."""
        return "d" + sha256(self.frame.write_json().encode()).hexdigest()[:10]

    @property
    def chart(self) -> alt.Chart:
        """An Altair chart of the rows, without a mark."""
        return alt.Chart(alt.NamedData(name=self.name))


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


@dataclass(frozen=True)
class ChartPlan:
    """A chart before its size is known: what fits a desktop does not fit a phone.

    Attributes:
        draw: draws the chart for a size.
        sources: the data that it draws; the first has the figures of the readings.
        form: number format of the axis of figures, in the notation of d3, or `text`.
        readings: the series, in the order of the legend.
    """

    draw: Callable[[ChartSize], Drawable]
    sources: Sequence[Source]
    form: str
    readings: Sequence[Reading]
