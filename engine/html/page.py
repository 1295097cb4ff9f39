"""Render blocks as one self-contained HTML document: style sheet and script are inside it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from engine.html.blocks import PageTable, Section

TEMPLATES = "templates"
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
    """
    script = _file("sort.js") if any(map(_needs_script, sections)) else ""
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
            script=_trusted(script),
            # The page's policy allows this one script, by its digest, and no other.
            script_digest=b64encode(sha256(script.encode()).digest()).decode(),
        )
    )


def fragment(sections: Sequence[Section]) -> str:
    """Return sections without a document around them and without style, for a notebook cell."""
    return _environment().get_template("sections.html").render(sections=sections)


def _needs_script(section: Section) -> bool:
    tables = [block for block in section.blocks if isinstance(block, PageTable)]
    return any(table.sortable or table.search for table in tables)


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
    return environment


def _trusted(text: str) -> Markup:
    """Return text that is not escaped: files of this package, and SVG in which Vega escaped the words."""
    return Markup(text)  # noqa: S704  never text from a store


@cache
def _file(name: str) -> str:
    return files("engine.html").joinpath(TEMPLATES, name).read_text(encoding="utf-8").strip()
