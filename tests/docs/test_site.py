"""The site builds without a warning and loads nothing from a network."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough

LOADING = {"src", "srcset", "data", "poster", "action"}
"""Attributes that make a browser fetch; `href` does of a link element."""
FETCHED = re.compile(r"url\(\s*['\"]?https?:|@import\s+['\"]?https?:", re.IGNORECASE)
OUTSIDE = re.compile(r"^(https?:)?//")


class Fetches(HTMLParser):
    """Gathers the addresses that a page loads by itself, and those that it links to."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []
        self.formulas = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.formulas += tag == "math"
        for name, value in attrs:
            if name in LOADING or (name == "href" and tag == "link"):
                self.loaded.append(value or "")
            elif name == "href":
                self.linked.append(value or "")


def pages(site: Path) -> dict[str, Fetches]:
    found = {}
    for path in sorted(site.rglob("*.html")):
        parser = Fetches()
        parser.feed(path.read_text(encoding="utf-8"))
        found[str(path.relative_to(site))] = parser
    return found


def test_no_page_loads_anything_from_outside(site: Path) -> None:
    found = pages(site)
    assert "calculations/stress.html" in found
    outside = {(page, url) for page, read in found.items() for url in read.loaded if OUTSIDE.match(url)}
    assert outside == set()
    for sheet in site.rglob("*.css"):
        assert not FETCHED.search(sheet.read_text(encoding="utf-8")), sheet


def test_every_fence_became_a_block_of_code(site: Path) -> None:
    for path in site.rglob("*.html"):
        assert "```" not in path.read_text(encoding="utf-8"), path


def test_formulas_are_mathml(site: Path) -> None:
    text = (site / "calculations/market-beta.html").read_text(encoding="utf-8")
    assert pages(site)["calculations/market-beta.html"].formulas > 10
    assert "arithmatex" not in text
    assert "<mfrac>" in text
