"""Blocks of a page: tables, charts, cards and notices.

The templates know these classes and nothing about portfolios or comparisons.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal

from engine.html.cells import Cell
from engine.html.live import LiveChart

Width = Literal["full", "half"]
"""The whole width of a page, or half of it."""


@dataclass(frozen=True)
class PageTable:
    """Rows under a caption; the first cell of a row is the row's heading.

    Attributes:
        headings: one for each column; columns of numbers are aligned to the right.
        note: a remark below the table.
        folded: collapse the table; a chart collapses its tables by itself.
        sortable: let a reader sort, filter, copy and save the rows.
        search: label of a field above the table that filters its rows; empty: one without a label in a
            long table.
        key: id of the table element; needed for `search`.
        by_day: the first column has days or months, so that rows outside of a page's range are hidden.
        facets: by the label of a choice above the table, each row's values; a reader picks one of them.
        multiples: let a reader see the rows as small charts: name, and the cells with a drawing.
    """

    kind: ClassVar[str] = "table"
    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    folded: bool = False
    sortable: bool = True
    search: str = ""
    key: str = ""
    by_day: bool = False
    facets: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    multiples: bool = False
    width: Width = "full"

    def facets_of(self, row: int) -> str:
        """Return the values of a row as JSON, a list for each choice.

        Args:
            row: its place.
        """
        return json.dumps([list(values[row]) for values in self.facets.values()])

    @cached_property
    def numeric(self) -> list[bool]:
        """Return whether each column holds numbers."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.headings)
        return [any(cell.number for cell in column) for column in columns]


@dataclass(frozen=True)
class LegendKey:
    """One series in the legend of a chart.

    Attributes:
        colour: name of a colour variable of the style sheet, without its dashes.
        dash: lengths of dashes and gaps, as SVG's stroke-dasharray; empty: a solid line.
    """

    name: str
    colour: str
    dash: str = ""
    shape: Literal["line", "box", "up", "down"] = "line"


@dataclass(frozen=True)
class Chart:
    """A drawing with a summary in words and the figures behind it.

    Attributes:
        summary: what the chart shows, for readers who cannot see it.
        wide: the drawing for a desktop, as SVG.
        narrow: the drawing for a phone, as SVG.
        unit: the unit of the value axis.
        ends: the values of the first and last colour of a heat map.
        notes: which figures are not computed, and why.
        tables: the figures, collapsed below the drawing; empty where another block holds them.
        live: what the page's script draws in place of the drawing, if the reader lets scripts run.
    """

    kind: ClassVar[str] = "chart"
    title: str
    summary: str
    wide: str
    narrow: str
    unit: str = ""
    legend: Sequence[LegendKey] = ()
    ends: tuple[str, str] | None = None
    notes: Sequence[str] = ()
    tables: Sequence[PageTable] = ()
    width: Width = "full"
    live: LiveChart | None = None


@dataclass(frozen=True)
class Card:
    """One headline figure with its label and a line of detail.

    Attributes:
        follows: how the page's script computes the figure for a range of sessions: a measure, a column
            of the page's data and a form, such as `sum pnl money`; empty for a figure of one session.
        mark: why the figure is in doubt, in a word; it leads to the element `doubts`.
    """

    label: str
    figure: Cell
    detail: str = ""
    follows: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Cards:
    """Headline figures side by side."""

    kind: ClassVar[str] = "cards"
    cards: Sequence[Card]
    width: Width = "full"


@dataclass(frozen=True)
class Notice:
    """A sentence in place of a figure that is missing."""

    kind: ClassVar[str] = "notice"
    title: str
    text: str
    width: Width = "full"


Block = PageTable | Chart | Cards | Notice


@dataclass(frozen=True)
class Section:
    """A part of the page with an entry in the contents.

    Attributes:
        key: id of the section element.
        lead: the sentence under the title; may be empty.
    """

    key: str
    title: str
    lead: str
    blocks: Sequence[Block]
