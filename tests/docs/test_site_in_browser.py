"""The site in a real browser, opened from a folder: formulas whole, search, no sideways scrolling.

Without a Chromium and the extra `browser` these tests are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pages import browser
from tests.pages.browser import View

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(bool(browser.missing()), reason=f"NOT CHECKED IN A BROWSER: {browser.missing()}"),
]
VIEWS = (View("phone", 390, 844, "light"), View("desk", 1400, 900, "light"))
FORMULAS = """() => [...document.querySelectorAll("math")].map(math => {
    const parts = [math, ...math.querySelectorAll("*")].map(part => part.getBoundingClientRect());
    const ink = math.scrollHeight - math.clientHeight;  // glyphs that are higher than their line
    const box = {
        left: Math.min(...parts.map(part => part.left)),
        right: Math.max(...parts.map(part => part.right)),
        top: Math.min(...parts.map(part => part.top)) - ink,
        bottom: Math.max(...parts.map(part => part.bottom)),
    };
    const cut = new Set();
    const block = math.getAttribute("display") === "block";
    if (box.left < 0 || (block && box.right > innerWidth)) cut.add("window");
    for (let around = math; around !== document.body; around = around.parentElement) {
        const style = getComputedStyle(around), edge = around.getBoundingClientRect();
        if (style.overflowY !== "visible" && (box.top < edge.top || box.bottom > edge.bottom + ink))
            cut.add(`${around.tagName}, height`);
        if (block && style.overflowX !== "visible" && (box.left < edge.left || box.right > edge.right))
            cut.add(`${around.tagName}, width`);
    }
    return [math.textContent.slice(0, 60), [...cut]];
})"""
"""Each formula with the elements that cut off a part of it."""
FREED = ".formulas, .formulas math, .formulas math * { overflow: visible !important; }"
BARE = ".md-header, .md-tabs, .md-top, .md-sidebar { display: none !important; }"
"""Parts of the site that move by themselves."""
PROSE = """() => [...document.querySelectorAll("article")].map(article => {
    const copy = article.cloneNode(true);
    copy.querySelectorAll("code, pre").forEach(code => code.remove());
    return copy.textContent;
}).join(" ")"""


@pytest.fixture(scope="module", params=VIEWS, ids=[view.name for view in VIEWS])
def window(request: pytest.FixtureRequest) -> Iterator[tuple[Page, list[str], View]]:
    with browser.opened(request.param) as (page, problems):
        yield page, problems, request.param


def test_every_formula_is_whole_and_every_page_fits(site: Path, window: tuple[Page, list[str], View]) -> None:
    page, problems, view = window
    formulas = 0
    for file in sorted(site.rglob("*.html")):
        if file.name == "404.html":
            continue  # its addresses are those of a server
        browser.show(page, file)
        page.evaluate("document.fonts.ready")
        where = file.relative_to(site)
        cut = [found for found in page.evaluate(FORMULAS) if found[1]]
        assert not cut, where
        formulas += page.locator("math").count()
        assert page.evaluate("document.documentElement.scrollWidth") == view.width, where
        assert "\\" not in page.evaluate(PROSE), where
    assert formulas > 300
    assert not problems


def test_no_ink_of_a_formula_is_hidden(site: Path, window: tuple[Page, list[str], View]) -> None:
    """A box may be large enough for a line, and still cut the ink of a numerator: compare the pixels."""
    page, _, _ = window
    for name in ("market-beta", "stress", "volatility"):
        browser.show(page, site / f"calculations/{name}.html")
        page.evaluate("document.fonts.ready")
        page.add_style_tag(content=BARE)
        before = pictures_of_formulas(page)
        assert before
        page.add_style_tag(content=FREED)
        assert pictures_of_formulas(page) == before, name


def pictures_of_formulas(page: Page) -> list[bytes]:
    """The pixels of each line of formulas, and of a finger's breadth around it."""
    boxes = page.evaluate(
        "[...document.querySelectorAll('.formulas')].map(one => one.getBoundingClientRect())"
        ".map(box => ({x: 0, y: box.top + scrollY - 12, width: innerWidth, height: box.height + 24}))"
    )
    return [page.screenshot(clip=box, full_page=True, animations="disabled") for box in boxes]


def test_formulas_are_drawn_in_the_font_that_the_site_brings(
    site: Path, window: tuple[Page, list[str], View]
) -> None:
    page, _, _ = window
    browser.show(page, site / "calculations/market-beta.html")
    page.evaluate("document.fonts.ready")
    assert page.evaluate("document.fonts.check('16px \"STIX Two Math\"')")
    # A subscript sits lower than its base: without a table of mathematics it does not.
    low = page.evaluate(
        "[...document.querySelectorAll('msub')].map(sub => "
        "sub.children[1].getBoundingClientRect().bottom - sub.children[0].getBoundingClientRect().bottom)"
    )
    assert min(low) > 0


def test_search_finds_pages_without_a_server(site: Path, window: tuple[Page, list[str], View]) -> None:
    page, problems, view = window
    browser.show(page, site / "start/first-run.html")
    if view.name == "phone":
        page.locator("label.md-header__button[for=__search]").click()
    page.locator("input.md-search__input").click()
    page.keyboard.type("ridge")
    first = page.locator(".md-search-result__link").first
    first.wait_for()
    addresses = [link.get_attribute("href") or "" for link in page.locator(".md-search-result__link").all()]
    assert any("ridge-factors.html" in address for address in addresses)
    first.click()
    page.wait_for_url("**/*ridge*", timeout=5_000)
    assert not problems


def test_the_first_page_scrolls_no_code_and_shows_a_picture(
    site: Path, window: tuple[Page, list[str], View]
) -> None:
    page, _, _ = window
    browser.show(page, site / "index.html")
    blocks = "[...document.querySelectorAll('pre > code')]"
    assert page.evaluate(f"{blocks}.every(code => code.scrollWidth <= code.clientWidth)")
    assert page.evaluate("[...document.querySelectorAll('article img')].map(one => one.naturalWidth)")[0] > 0


def test_pictures_are_there_and_have_words(site: Path, window: tuple[Page, list[str], View]) -> None:
    page, _, _ = window
    for name, pictures in (("how-to/report", 3), ("how-to/own-book", 1)):
        browser.show(page, site / f"{name}.html")
        shown = page.evaluate(
            "[...document.querySelectorAll('article img')].map(one => [one.naturalWidth, one.alt])"
        )
        assert len(shown) == pictures, name
        assert all(width and words for width, words in shown), name
