"""What a page is built of. The templates know these, and nothing of portfolios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from engine.html.cells import Cell

Width = Literal["full", "half"]


@dataclass(frozen=True)
class PageTable:
    """Rows under a caption; the first cell of a row is its heading.

    headings: what stands over each column; numbers are set to the right.
    folded: whether the reader unfolds it; a chart folds its tables by itself.
    sortable: whether headings sort the rows, where a script runs. key: its id in the page.
    """

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    folded: bool = False
    sortable: bool = False
    key: str = ""
    width: Width = "full"
    kind: str = field(default="table", init=False)

    @cached_property
    def numeric(self) -> list[bool]:
        """By column, whether it holds numbers."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.headings)
        return [any(cell.number for cell in column) for column in columns]


@dataclass(frozen=True)
class LegendKey:
    """A series of a chart as its legend shows it: the colour's name in the style sheet, the dashes."""

    name: str
    colour: str
    dash: str = ""
    shape: Literal["line", "box", "up", "down"] = "line"


@dataclass(frozen=True)
class Chart:
    """A drawing, what it shows in a sentence, and the figures behind it.

    wide, narrow: the drawing for a desk and for a telephone, as SVG.
    tables: the figures, folded under the drawing; none where a table of the section holds them.
    unit: what the axis counts. notes: what is not computed, and why.
    ends: of a heat map, what its first and its last colour stand for.
    """

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
    kind: str = field(default="chart", init=False)


@dataclass(frozen=True)
class Card:
    """One figure that matters, with what it is and what it stands beside."""

    label: str
    figure: Cell
    detail: str = ""


@dataclass(frozen=True)
class Cards:
    """Figures side by side."""

    cards: Sequence[Card]
    width: Width = "full"
    kind: str = field(default="cards", init=False)


@dataclass(frozen=True)
class Notice:
    """Something that is not there, and why."""

    title: str
    text: str
    width: Width = "full"
    kind: str = field(default="notice", init=False)


Block = PageTable | Chart | Cards | Notice


@dataclass(frozen=True)
class Section:
    """A part of the page with its own entry in the contents."""

    key: str
    title: str
    lead: str
    blocks: Sequence[Block]
