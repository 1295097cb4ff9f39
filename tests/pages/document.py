"""A page as its reader gets it: parsed by the standard library, tag by tag."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "input", "br", "hr", "link", "img"}
INVISIBLE = {"style", "script", "svg"}


@dataclass
class Node:
    """An element: its attributes, its elements and texts in order."""

    tag: str
    attributes: dict[str, str]
    inside: list[Node | str] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        """Itself and every element within, in order."""
        yield self
        for one in self.inside:
            if isinstance(one, Node):
                yield from one.walk()

    def all(self, tag: str, **attributes: str) -> list[Node]:
        """The elements within of a tag and with these attributes."""
        return [
            node
            for node in self.walk()
            if node.tag == tag and all(node.attributes.get(k) == v for k, v in attributes.items())
        ]

    def one(self, tag: str, **attributes: str) -> Node:
        """The only such element."""
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} of {tag} {attributes}"
        return found[0]

    @property
    def text(self) -> str:
        """What is written in it, drawings left out."""
        parts = (
            one if isinstance(one, str) else one.text
            for one in self.inside
            if isinstance(one, str) or one.tag not in INVISIBLE
        )
        return " ".join(" ".join(parts).split())

    @property
    def value(self) -> float | None:
        """The number behind a cell's text."""
        known = self.all("data")
        return float(known[0].attributes["value"]) if known else None


class _Builder(HTMLParser):
    """Builds the tree, and refuses tags that don't close."""

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
    """The document's tree."""
    builder = _Builder()
    builder.feed(page)
    builder.close()
    assert len(builder.open) == 1, f"<{builder.open[-1].tag}> stays open"
    return builder.root


@dataclass(frozen=True)
class Grid:
    """A table: headings, and cells by row."""

    headings: list[str]
    rows: list[list[Node]]

    def column(self, heading: str) -> list[Node]:
        """The cells under a heading."""
        place = self.headings.index(heading)
        return [row[place] for row in self.rows]

    def values(self, heading: str) -> list[float | None]:
        """The numbers under a heading; None where a cell tells of none."""
        return [cell.value for cell in self.column(heading)]

    def texts(self, heading: str) -> list[str]:
        """What is written under a heading."""
        return [cell.text for cell in self.column(heading)]


def table(document: Node, caption: str) -> Grid:
    """The table of a caption."""
    found = [node for node in document.all("table") if node.one("caption").text == caption]
    assert len(found) == 1, f"{len(found)} tables are called {caption}"
    head, *rows = found[0].all("tr")
    cells = [[cell for cell in row.inside if isinstance(cell, Node)] for row in rows]
    return Grid([cell.text for cell in head.walk() if cell.tag in ("th", "td")], cells)


def card(document: Node, label: str) -> Node:
    """The figure of the first card of a label."""
    for box in document.all("div"):
        terms = [node for node in box.inside if isinstance(node, Node) and node.tag == "dt"]
        if terms and terms[0].text == label:
            return next(node for node in box.all("dd"))
    raise AssertionError(f"no card is called {label}")
