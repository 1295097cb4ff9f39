"""The pages in a real browser: phone and desktop, light and dark, by keyboard, on paper.

Screenshots go to build/pages. Without a Chromium and the extra `browser` these tests are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.analyst.store import open as open_store
from engine.reports import fleet_page, portfolio_page, run_page
from tests.pages import browser
from tests.pages.browser import VIEWS, View

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(browser.missing()), reason=f"NOT CHECKED IN A BROWSER: {browser.missing()}"),
]
PICTURES = Path(__file__).parents[2] / "build" / "pages"
SHOWN = ("Demo Long Short 1", "Demo ETF Core 2", "Demo Family Office 5")


@pytest.fixture(scope="module")
def files(demo: str, global_page: str) -> dict[str, Path]:
    """Pages of three portfolios, of the fleet, and of the legacy batch's tables."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    ids = {row["name"]: row["id"] for row in open_store(demo).portfolios.iter_rows(named=True)}
    pages = {name: portfolio_page(demo, name, fleet="fleet.html") for name in SHOWN}
    pages["fleet"] = fleet_page(demo, links={ids[name]: f"{slug(name)}.html" for name in SHOWN})
    pages["run"] = run_page(demo)
    pages["golden"] = global_page
    made = {}
    for name, text in pages.items():
        made[name] = PICTURES / f"{slug(name)}.html"
        made[name].write_text(text, encoding="utf-8")
    return made


def slug(name: str) -> str:
    return name.lower().replace(" ", "-")


@pytest.fixture(params=VIEWS, ids=[view.name for view in VIEWS])
def view(request: pytest.FixtureRequest) -> View:
    view: View = request.param
    return view


def test_every_page_passes_the_checker_and_fits_its_window(files: dict[str, Path], view: View) -> None:
    with browser.opened(view) as (page, problems):
        for name, file in files.items():
            browser.show(page, file)
            page.screenshot(path=PICTURES / f"{slug(name)}-{view.name}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") == view.width, name
            violations = browser.violations(page)
            assert not violations, [(one["id"], one["nodes"][0]["html"]) for one in violations]
            assert page.evaluate("document.documentElement.scrollWidth") == view.width, name
    assert not problems


@pytest.fixture
def desk() -> Iterator[Page]:
    with browser.opened(VIEWS[0]) as (page, problems):
        yield page
        assert not problems


def test_one_drawing_of_each_chart_is_shown(files: dict[str, Path], view: View) -> None:
    with browser.opened(view, scripts=False) as (page, _):
        browser.show(page, files[SHOWN[0]])
        wide = page.locator(".drawing.wide").first.is_visible()
        assert wide is (view.width > 600)
        assert page.locator(".drawing.narrow").first.is_visible() is not wide


def test_the_months_of_a_year_fit_a_desk(files: dict[str, Path], desk: Page) -> None:
    browser.show(desk, files[SHOWN[0]])
    box = desk.get_by_role("group", name="Returns by month")
    assert box.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_dark_and_light_differ_in_paper_and_ink(files: dict[str, Path]) -> None:
    colours = []
    for view in VIEWS[:2]:
        with browser.opened(view) as (page, _):
            browser.show(page, files[SHOWN[0]])
            colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            line = page.locator(".box path[stroke='var(--c1)']").first
            colours.append(line.evaluate("one => getComputedStyle(one).stroke"))
    assert len(set(colours)) == 4


def test_the_first_tab_skips_to_the_figures(files: dict[str, Path], desk: Page) -> None:
    browser.show(desk, files[SHOWN[0]])
    desk.keyboard.press("Tab")
    assert desk.evaluate("document.activeElement.className") == "skip"
    assert desk.locator(".skip").bounding_box()["x"] >= 0
    desk.keyboard.press("Enter")
    assert desk.evaluate("document.activeElement.id") == "main"


def test_every_fold_opens_by_keyboard(files: dict[str, Path], desk: Page) -> None:
    browser.show(desk, files[SHOWN[0]])
    fold = desk.locator("details").first
    fold.locator("summary").focus()
    desk.keyboard.press("Enter")
    assert fold.locator("table").first.is_visible()


def test_a_heading_sorts_by_keyboard_and_says_so(files: dict[str, Path], desk: Page) -> None:
    browser.show(desk, files["fleet"])
    heading = desk.locator("#fleet thead th", has_text="P&L today")
    heading.locator("button").focus()
    for wanted in ("descending", "ascending"):
        desk.keyboard.press("Enter")
        assert heading.get_attribute("aria-sort") == wanted
        values = desk.eval_on_selector_all(
            "#fleet tbody td:nth-child(3) data", "all => all.map(one => +one.value)"
        )
        assert values == sorted(values, reverse=wanted == "descending")


def test_figures_that_are_not_there_sort_to_the_end(files: dict[str, Path], desk: Page) -> None:
    browser.show(desk, files["fleet"])
    button = desk.locator("#fleet thead th", has_text="Volatility").locator("button")
    for _ in range(2):
        button.click()
        cells = desk.locator("#fleet tbody tr td:nth-child(8)").all_inner_texts()
        assert cells[-1].startswith("not computed")
        assert not any(text.startswith("not computed") for text in cells[:-1])


def test_the_search_field_filters_the_rows(files: dict[str, Path], desk: Page) -> None:
    browser.show(desk, files["fleet"])
    desk.fill("#fleet-find", "growth")
    assert desk.locator("#fleet tbody tr:visible").count() == 1
    assert desk.locator("#fleet-shown").inner_text() == "1 of 5 shown"


def test_the_fleets_links_lead_to_pages_and_back(files: dict[str, Path], desk: Page) -> None:
    browser.show(desk, files["fleet"])
    desk.click(f"text={SHOWN[1]}")
    assert desk.locator("h1").inner_text() == SHOWN[1]
    desk.click("text=All portfolios")
    assert desk.locator("h1").inner_text() == "All portfolios"


def test_on_paper_the_wide_drawings_are_in_light_colours(files: dict[str, Path]) -> None:
    with browser.opened(VIEWS[3]) as (page, _):
        browser.show(page, files[SHOWN[0]])
        page.emulate_media(media="print")
        assert page.locator(".drawing.wide").first.is_visible()
        assert not page.locator(".drawing.narrow").first.is_visible()
        assert not page.locator("nav").is_visible()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        page.pdf(path=PICTURES / "printed.pdf", format="A4", prefer_css_page_size=True)
    assert (PICTURES / "printed.pdf").read_bytes().startswith(b"%PDF")
