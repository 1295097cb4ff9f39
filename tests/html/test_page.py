"""A page from blocks: whole, self-contained, and with text that stays text."""

from __future__ import annotations

import re

import pytest

from engine.html.blocks import Block, Card, Cards, Chart, Notice, PageTable, Section
from engine.html.cells import count, plain
from engine.html.page import fragment, page
from tests.pages.document import Node, card, parsed, table

HOSTILE = '<script>alert("&")</script>'
DRAWING = '<svg viewBox="0 0 1 1" role="img" aria-label="A line"></svg>'
ROWS = [[plain("A"), count(1)], [plain("B"), count(None, "no price")]]


def document(*blocks: Block, contents: bool = False, fleet: str | None = None) -> Node:
    """Return the tree of a page with one section."""
    sections = [Section("one", "First section", "What it shows.", blocks)]
    facts = {"Store": "duckdb:///x"}
    text = page("fleet", "A title", facts, sections, footer="The end.", contents=contents, fleet=fleet)
    return parsed(text)


def policy(node: Node) -> str:
    return node.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]


def test_a_page_has_title_facts_section_and_footer() -> None:
    shown = document(Cards([Card("Symbols", count(12), "of 20")]), Notice("No beta", "Too few returns."))
    assert shown.one("title").text == "A title: fleet report"
    assert shown.one("body").attributes["class"] == "fleet"
    assert shown.one("header").text == "Fleet report A title Store duckdb:///x"
    section = shown.one("section", id="one")
    assert section.one("h2").text == "First section"
    assert section.text.startswith("First section What it shows. Symbols 12 of 20 No beta")
    assert card(shown, "Symbols").value == 12
    assert shown.one("footer").text == "The end."


def test_a_table_has_row_headings_numbers_and_reasons() -> None:
    grid = table(document(PageTable("Counts", ("Symbol", "Closes"), ROWS, note="A note.")), "Counts")
    assert grid.headings == ["Symbol", "Closes"]
    assert [row[0].tag for row in grid.rows] == ["th", "th"]
    assert grid.values("Closes") == [1.0, None]
    assert grid.texts("Closes")[1] == "not computed: no price"


@pytest.mark.parametrize("sortable", [True, False])
def test_only_a_sortable_table_brings_the_script(sortable: bool) -> None:
    shown = document(PageTable("Counts", ("Symbol", "Closes"), ROWS, sortable=sortable))
    assert len(shown.all("script")) == sortable
    assert ("script-src 'sha256-" in policy(shown)) is sortable
    assert policy(shown).startswith("default-src 'none'")
    assert ("data-sortable" in shown.one("table").attributes) is sortable


def test_a_search_field_belongs_to_its_table() -> None:
    headings = ("Symbol", "Closes")
    shown = document(PageTable("Counts", headings, ROWS, search="Find a symbol", key="counts"))
    assert shown.all("script"), "the script shows the field and filters the rows"
    field = shown.one("input")
    assert field.attributes["data-filters"] == shown.one("table").attributes["id"] == "counts"
    assert shown.one("label", **{"for": field.attributes["id"]}).text == "Find a symbol"


def test_a_chart_has_two_drawings_and_its_figures() -> None:
    figures = PageTable("Figures", ("Symbol", "Closes"), ROWS)
    chart = Chart("Closes", "A line", DRAWING, DRAWING, unit="closes", notes=["One gap."], tables=[figures])
    shown = document(chart).one("figure")
    assert len(shown.all("svg", role="img")) == 2
    assert shown.one("details").one("caption").text == "Figures"
    assert "One gap." in shown.text


def test_contents_and_a_link_back_are_optional() -> None:
    assert not document().all("nav")
    shown = document(contents=True, fleet="all.html")
    assert [link.attributes["href"] for link in shown.one("nav").all("a")] == ["#one"]
    assert shown.one("header").one("a").attributes["href"] == "all.html"


def test_text_stays_text() -> None:
    block = PageTable(HOSTILE, (HOSTILE,), [[plain(HOSTILE, HOSTILE)]], note=HOSTILE)
    section = Section("one", HOSTILE, HOSTILE, [block, Notice(HOSTILE, HOSTILE)])
    text = page("comparison", HOSTILE, {HOSTILE: HOSTILE}, [section], footer=HOSTILE)
    assert "<script>alert" not in text
    assert parsed(text).one("h1").text == HOSTILE


def test_a_page_loads_nothing() -> None:
    text = page("portfolio", "A title", {}, [], footer="")
    assert not re.search(r"https?:|//\w|@import|url\(", text)
    assert "prefers-color-scheme: dark" in text


def test_a_fragment_is_the_sections_of_the_page() -> None:
    sections = [Section("one", "First section", "", [PageTable("Counts", ("Symbol", "Closes"), ROWS)])]
    part = fragment(sections)
    assert "<style" not in part
    assert part.strip() in page("fleet", "A title", {}, sections, footer="")
