"""From blocks to a document: templates, the style sheet and the script, all in one file."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = "templates"


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("engine.html", TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["drawn"] = _own
    return found


def write(template: str, **values: object) -> str:
    """A template filled; whatever a store holds is text there, never markup."""
    style, script = _file("page.css"), _file("sort.js")
    allowed = b64encode(sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template(template)
        .render(**values, style=_own(style), script=_own(script), script_digest=allowed)
    )


def _own(text: str) -> Markup:
    """Markup of the engine's making: its files, and drawings, in which Vega has escaped the words."""
    return Markup(text)  # noqa: S704  never what a store holds


@cache
def _file(name: str) -> str:
    return files("engine.html").joinpath(TEMPLATES, name).read_text(encoding="utf-8").strip()
