"""Render blocks as one self-contained HTML document: style sheet and script are inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from engine.html.blocks import Block, Chart, PageTable, Section
from engine.html.cell_html import row_html
from engine.html.live import Library, LiveChart, LivePage, chart_data, digest, library

TEMPLATES = "templates"
CHART_SCRIPTS = ("state.js", "draw.js", "point.js", "range.js")
"""Scripts of charts, in the order in which they build on each other."""
TABLE_SCRIPT = "tables.js"
Kind = Literal["portfolio", "fleet", "run", "comparison"]
"""Subject of a page; the style sheet has rules for each."""


def page(
    kind: Kind,
    title: str,
    facts: Mapping[str, str],
    sections: Sequence[Section],
    *,
    footer: str,
    contents: bool = False,
    fleet: str | None = None,
    live: LivePage | None = None,
) -> str:
    """Return a whole document that loads nothing; text from a store is escaped.

    Args:
        kind: class of the body element, and the words above the title.
        title: heading of the page.
        facts: what the page was made from, by name.
        sections: the parts of the page in their order.
        footer: a closing remark.
        contents: show links to the sections.
        fleet: address of the page of all portfolios, for a link back.
        live: sessions of the page; None: its charts stay drawings.
    """
    charts = _live_charts(sections) if live else []
    script = _script(sections, bool(charts))
    packed = library() if charts else None
    return (
        _environment()
        .get_template("page.html")
        .render(
            kind=kind,
            title=title,
            facts=facts,
            sections=sections,
            footer=footer,
            contents=contents,
            fleet=fleet,
            style=_trusted(_file("page.css")),
            live=live if charts else None,
            data=_trusted(chart_data(live, charts)) if live and charts else "",
            script=_trusted(script),
            library=_trusted(packed.packed) if packed else "",
            # The page's policy allows these scripts, by their digests, and no other.
            allowed=_trusted(" ".join(_allowed(script, packed))),
        )
    )


def fragment(sections: Sequence[Section]) -> str:
    """Return sections without a document around them and without style, for a notebook cell."""
    return _environment().get_template("sections.html").render(sections=sections)


def _live_charts(sections: Sequence[Section]) -> list[LiveChart]:
    blocks = [block for section in sections for block in section.blocks]
    return [block.live for block in blocks if isinstance(block, Chart) and block.live]


def _script(sections: Sequence[Section], live: bool) -> str:
    """Return the page's own script: for its charts and for its tables; empty if it needs none."""
    tables = any(map(_needs_script, sections))
    names = [*([TABLE_SCRIPT] if tables or live else ()), *(CHART_SCRIPTS if live else ())]
    return "\n".join(map(_file, names))


def _allowed(script: str, packed: Library | None) -> list[str]:
    own = [digest(script.encode())] if script else []
    return [*own, *([packed.digest] if packed else [])]


def _needs_script(section: Section) -> bool:
    tables = [table for block in section.blocks for table in _tables(block)]
    return any(table.sortable or table.search for table in tables)


def _tables(block: Block) -> Sequence[PageTable]:
    match block:
        case PageTable():
            return [block]
        case Chart():
            return block.tables
        case _:
            return ()


# Cached, because compiling the templates takes longer than filling them.
@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("engine.html", TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["drawn"] = _trusted
    environment.globals["row_html"] = row_html
    return environment


def _trusted(text: str) -> Markup:
    """Return text that is not escaped: files of this package, and SVG in which Vega escaped the words."""
    return Markup(text)  # noqa: S704  never text from a store


@cache
def _file(name: str) -> str:
    return files("engine.html").joinpath(TEMPLATES, name).read_text(encoding="utf-8").strip()
