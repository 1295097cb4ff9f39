"""The pages as documents: well-formed, self-contained, and accessible."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections import Counter
from gzip import decompress
from hashlib import sha256
from itertools import pairwise

import pytest
from vl_convert import javascript_bundle

from tests.pages.document import Node, parsed

pytestmark = pytest.mark.thorough

ADDRESSES = ("href", "src", "srcset", "action", "poster", "data", "xlink:href", "background")
SECTIONS = (
    "glance",
    "performance",
    "equity",
    "drawdown",
    "exposures",
    "betas",
    "factors",
    "volatility",
    "correlations",
    "sectors",
    "stress",
    "positions",
    "quality",
    "sessions",
)


@pytest.fixture(params=["demo_page", "fleet", "run", "comparison"])
def page(request: pytest.FixtureRequest) -> str:
    page: str = request.getfixturevalue(request.param)
    return page


@pytest.fixture
def document(page: str) -> Node:
    return parsed(page)


def test_nothing_is_fetched_from_anywhere(page: str, document: Node) -> None:
    for node in document.walk():
        assert node.tag not in ("link", "iframe", "img", "object", "embed", "base")
        for name in ADDRESSES:
            if name in node.attributes:
                assert node.attributes[name].startswith("#"), node.attributes
    assert not re.search(r"(?:https?:)?//[\w.]|@import|url\((?!#)", without_stores(page))


def without_stores(page: str) -> str:
    """Return the page without the addresses of stores that it shows, and without the packed library."""
    unpacked = re.sub(r'(<script type="text/plain" id="chart-library">)[\w+/=]+', r"\1", page)
    return re.sub(r"(?:duckdb|parquet):/+\S+", "", unpacked)


def test_only_its_own_scripts_may_run(document: Node) -> None:
    policy = document.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    scripts = [script.inside[0] for script in document.all("script") if not script.attributes]
    packed = document.all("script", id="chart-library")
    scripts += [decompress(b64decode(str(one.inside[0]))).decode() for one in packed]
    digests = [b64encode(sha256(str(script).encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    assert f"script-src {allowed}; " in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe-eval" not in policy


def test_the_library_comes_out_of_the_installed_package(demo_document: Node) -> None:
    packed = str(demo_document.one("script", id="chart-library").inside[0])
    assert decompress(b64decode(packed)).decode() == javascript_bundle("window.vegaEmbed=vegaEmbed;")


def test_a_page_is_below_its_limit(demo_page: str) -> None:
    assert len(demo_page.encode()) < 1_500_000


def test_landmarks_and_headings_lead_through_it(document: Node) -> None:
    for landmark in ("header", "main", "footer", "h1", "title"):
        document.one(landmark)
    assert document.one("html").attributes["lang"] == "en"
    assert document.one("a", **{"class": "skip"}).attributes["href"] == "#main"
    levels = [int(node.tag[1]) for node in document.walk() if re.fullmatch("h[1-6]", node.tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_ids_are_unique_and_what_refers_to_them_finds_them(document: Node) -> None:
    ids = Counter(node.attributes["id"] for node in document.walk() if "id" in node.attributes)
    assert not [name for name, times in ids.items() if times > 1]
    for node in document.walk():
        for name in ("aria-labelledby", "for", "aria-describedby"):
            if name in node.attributes:
                assert node.attributes[name] in ids
        if node.tag == "a" and node.attributes["href"].startswith("#"):
            assert node.attributes["href"][1:] in ids


def test_every_drawing_is_named_or_hidden(document: Node) -> None:
    for drawing in document.all("svg"):
        named = drawing.attributes.get("role") == "img" and len(drawing.attributes.get("aria-label", "")) > 5
        assert named or drawing.attributes.get("aria-hidden") == "true"


def test_numbers_of_an_axis_have_no_exponent(document: Node) -> None:
    words = [text.text for drawing in document.all("svg") for text in drawing.all("text")]
    assert not [word for word in words if re.fullmatch(r"\W*[\d.]+e\W*\d+", word)]


def test_every_table_has_a_caption_and_headings_and_is_reached_by_keyboard(document: Node) -> None:
    assert document.all("table")
    for box in document.all("div", **{"class": "scroll"}):
        assert box.attributes["tabindex"] == "0"
        assert box.attributes["aria-label"] == box.one("caption").text
        head, *rows = box.all("tr")
        assert all(cell.attributes["scope"] == "col" for cell in head.all("th"))
        width = len(head.all("th"))
        for row in rows:
            assert row.one("th").attributes["scope"] == "row"
            assert len(row.all("td")) == width - 1


def test_every_chart_has_its_figures_as_a_table(demo_document: Node) -> None:
    figures = demo_document.all("figure")
    assert len(figures) > 12
    for figure in figures:
        drawings = [box for box in figure.all("div") if "drawing" in box.attributes.get("class", "")]
        assert len(drawings) == 2
        label = drawings[0].one("svg").attributes["aria-label"]
        assert drawings[1].one("svg").attributes["aria-label"] == label
        assert figure.all("table") or "The table below holds the figures" in label


def test_the_contents_lead_to_every_section(demo_document: Node) -> None:
    links = [link.attributes["href"] for link in demo_document.one("nav").all("a")]
    assert links == [f"#{key}" for key in SECTIONS]
    for key in SECTIONS:
        section = demo_document.one("section", id=key)
        assert section.one("h2").attributes["id"] == section.attributes["aria-labelledby"]


def test_colours_are_the_style_sheets_alone(demo_document: Node) -> None:
    """The dark and the printed page have colours of their own."""
    for drawing in demo_document.all("svg"):
        for node in drawing.walk():
            for name in ("fill", "stroke"):
                colour = node.attributes.get(name, "none")
                assert colour in ("none", "transparent") or colour.startswith(("var(--", "url(#")), colour


def test_the_style_knows_dark_paper_telephones_and_still_pictures(page: str) -> None:
    for query in ("prefers-color-scheme: dark", "@media print", "max-width: 600px", "prefers-reduced-motion"):
        assert query in page
