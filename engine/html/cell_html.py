"""Cells of tables as HTML: a page has thousands, and a template's macro takes three times as long."""

from __future__ import annotations

from markupsafe import Markup, escape

from engine.html.cells import Cell


def row_html(cells: list[Cell], numeric: list[bool]) -> Markup:
    """Return the cells of a row; the first is the row's heading. Text is escaped.

    Args:
        cells: of the row.
        numeric: whether each column holds numbers.
    """
    html = [
        _cell(cell, right, place == 0) for place, (cell, right) in enumerate(zip(cells, numeric, strict=True))
    ]
    return Markup("".join(html))  # noqa: S704  each part is escaped below


def _cell(cell: Cell, numeric: bool, head: bool) -> str:
    names = (
        "n" if numeric else "",
        "d" if cell.value and not cell.number else "",
        "missing" if cell.missing else "",
        cell.tone,
        cell.colour,
    )
    classes = " ".join(name for name in names if name)
    tag = "th" if head else "td"
    scope = ' scope="row"' if head else ""
    attribute = f' class="{classes}"' if classes else ""
    small = f"<small>{escape(cell.small)}</small>" if cell.small else ""
    # Drawings are made by the page's own code, which escapes their words.
    return f"<{tag}{scope}{attribute}>{_text(cell)}{small}{cell.drawing}</{tag}>"


def _text(cell: Cell) -> str:
    text = escape(cell.text)
    if cell.number:
        return f'<data value="{escape(cell.value)}">{text}</data>'
    return f'<a href="{escape(cell.href)}">{text}</a>' if cell.href else str(text)
