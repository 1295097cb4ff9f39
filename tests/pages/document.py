"""A page parsed into elements, tables and cards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "input", "br", "hr", "link", "img"}
INVISIBLE = {"style", "script", "svg"}


@dataclass
class Node:
    """An element with its attributes, and its elements and texts in order."""

    tag: str
    attributes: dict[str, str]
    inside: list[Node | str] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        """Yield the element and every element inside it, in order."""
        yield self
        for part in self.inside:
            if isinstance(part, Node):
                yield from part.walk()

    def all(self, tag: str, **attributes: str) -> list[Node]:
        """Return the elements inside with a tag and these attributes."""
        return [
            node
            for node in self.walk()
            if node.tag == tag and all(node.attributes.get(k) == v for k, v in attributes.items())
        ]

    def one(self, tag: str, **attributes: str) -> Node:
        """Return the only such element."""
        nodes = self.all(tag, **attributes)
        assert len(nodes) == 1, f"{len(nodes)} of {tag} {attributes}"
        return nodes[0]

    @property
    def text(self) -> str:
        """The text inside, without drawings."""
        parts = (
            part if isinstance(part, str) else part.text
            for part in self.inside
            if isinstance(part, str) or part.tag not in INVISIBLE
        )
        return " ".join(" ".join(parts).split())

    @property
    def value(self) -> float | None:
        """The number behind a cell's text."""
        data = self.all("data")
        return float(data[0].attributes["value"]) if data else None


class _Builder(HTMLParser):
    """Builds the tree, and fails at tags that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Node("document", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} repeats an attribute"
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def parsed(page: str) -> Node:
    """Return the tree of a document or fragment."""
    builder = _Builder()
    builder.feed(page)
    builder.close()
    assert len(builder.open) == 1, f"<{builder.open[-1].tag}> stays open"
    return builder.root


@dataclass(frozen=True)
class Grid:
    """The headings of a table, and its cells by row."""

    headings: list[str]
    rows: list[list[Node]]

    def column(self, heading: str) -> list[Node]:
        """Return the cells of a column."""
        place = self.headings.index(heading)
        return [row[place] for row in self.rows]

    def values(self, heading: str) -> list[float | None]:
        """Return the numbers of a column; None where a cell has none."""
        return [cell.value for cell in self.column(heading)]

    def texts(self, heading: str) -> list[str]:
        """Return the texts of a column."""
        return [cell.text for cell in self.column(heading)]


def table(document: Node, caption: str) -> Grid:
    """Return the only table with a caption."""
    tables = [node for node in document.all("table") if node.one("caption").text == caption]
    assert len(tables) == 1, f"{len(tables)} tables have the caption {caption}"
    head, *rows = tables[0].all("tr")
    cells = [[cell for cell in row.inside if isinstance(cell, Node)] for row in rows]
    return Grid([cell.text for cell in head.walk() if cell.tag in ("th", "td")], cells)


def card(document: Node, label: str) -> Node:
    """Return the figure of the first card with a label."""
    for box in document.all("div"):
        terms = [node for node in box.inside if isinstance(node, Node) and node.tag == "dt"]
        if terms and terms[0].text == label:
            return next(node for node in box.all("dd"))
    raise AssertionError(f"there is no card {label}")
