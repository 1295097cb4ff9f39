"""Charts in a real browser: pointer, finger, keyboard, selection, legend; without scripts and on paper.

Expected figures are computed here from the stored daily returns. Without a Chromium and the extra `browser`
these tests are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from engine.analyst.store import open as open_store
from tests.pages import browser
from tests.pages.browser import VIEWS
from tests.pages.conftest import LONG_SHORT

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(browser.missing()), reason=f"NOT CHECKED IN A BROWSER: {browser.missing()}"),
]
DRAWN = 10_000
"""Milliseconds within which a chart is drawn."""


@pytest.fixture(scope="module")
def snapshots(demo: str) -> pl.DataFrame:
    return open_store(demo).read("portfolio_snapshots", LONG_SHORT).sort("snapshot_date")


@pytest.fixture(scope="module")
def file(demo_page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("interaction") / "page.html"
    file.write_text(demo_page, encoding="utf-8")
    return file


@pytest.fixture
def desk(file: Path) -> Iterator[Page]:
    with browser.opened(VIEWS[0]) as (page, problems):
        browser.show(page, file)
        yield page
        assert not problems


def drawn(page: Page, title: str) -> Locator:
    """Return a chart that is in the window and drawn by the page's script."""
    figure = page.locator("figure", has=page.locator(f"h3:text-is('{title}')"))
    figure.scroll_into_view_if_needed()
    figure.locator(".live svg").wait_for(timeout=DRAWN)
    return figure


def point(page: Page, figure: Locator, share: float) -> None:
    """Move the pointer to a share of a chart's width."""
    box = figure.locator(".live").bounding_box()
    assert box
    page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
    page.wait_for_timeout(100)


def drag(page: Page, figure: Locator, start: float, end: float) -> None:
    point(page, figure, start)
    page.mouse.down()
    point(page, figure, end)
    page.mouse.up()
    page.wait_for_timeout(200)


def shown_days(page: Page) -> tuple[str, str]:
    return page.locator("#range-from").input_value(), page.locator("#range-to").input_value()


def figure_of(page: Page, label: str) -> str:
    card = page.locator(".cards .box", has=page.locator(f"dt:text-is('{label}')"))
    return str(card.first.locator(".figure").inner_text()).replace("\N{MINUS SIGN}", "-")


def shown_rows(page: Page, section: str) -> int:
    """Return the rows of a section's tables that the range leaves."""
    key = section.lower()
    return int(page.locator(f"#{key} tbody tr:not([hidden])").count())


def test_the_pointer_reads_date_and_stored_value(desk: Page, snapshots: pl.DataFrame) -> None:
    figure = drawn(desk, "Equity")
    for share in (0.3, 0.7):
        point(desk, figure, share)
        day = figure.locator(".reading strong").inner_text()
        row = snapshots.filter(pl.col("snapshot_date").cast(pl.String) == day)
        assert f"${row['equity_balance'][0]:,.0f}" in figure.locator(".reading").inner_text()


def test_charts_share_the_cross_hair(desk: Page) -> None:
    first = drawn(desk, "P&L by session")
    second = drawn(desk, "Cumulative P&L")
    point(desk, first, 0.6)
    day = first.locator(".reading strong").inner_text()
    assert second.locator(".cross").is_visible()
    assert second.locator(".reading strong").inner_text() == day


def test_charts_and_cards_follow_a_selection(desk: Page, snapshots: pl.DataFrame) -> None:
    figure = drawn(desk, "Equity")
    before = drawn(desk, "Equity").locator(".live svg").inner_html()
    drag(desk, figure, 0.3, 0.6)
    start, end = shown_days(desk)
    day = pl.col("snapshot_date").cast(pl.String)
    rows = snapshots.filter(day >= start, day <= end)
    assert 10 < rows.height < snapshots.height
    returns = rows["daily_return"].to_numpy()
    index = np.concatenate([[1.0], np.cumprod(1 + returns)])
    deepest = (index / np.maximum.accumulate(index) - 1).min()
    assert figure_of(desk, "P&L").replace("$", "") == f"{rows['daily_pnl'].sum():,.0f}"
    assert figure_of(desk, "Return") == f"{100 * (index[-1] - 1):.1f}%"
    assert figure_of(desk, "Deepest drawdown") == f"{100 * deepest:.1f}%"
    year = np.sqrt(252)
    quantile = np.quantile(returns, 0.05)
    assert figure_of(desk, "Sharpe ratio, a year") == f"{returns.mean() / returns.std(ddof=1) * year:.2f}"
    downside = np.sqrt((np.minimum(returns, 0) ** 2).mean())
    assert figure_of(desk, "Sortino ratio, a year") == f"{returns.mean() / downside * year:.2f}"
    assert figure_of(desk, "Value at risk, 1 session, 95%") == f"{-100 * quantile:.2f}%"
    worst = returns[returns <= quantile].mean()
    assert figure_of(desk, "Expected shortfall, 1 session, 95%") == f"{-100 * worst:.2f}%"
    assert figure_of(desk, "Equity") == f"${rows['equity_balance'][-1]:,.0f}"
    assert drawn(desk, "Equity").locator(".live svg").inner_html() != before
    assert shown_rows(desk, "Sessions") == rows.height
    desk.locator("[data-months='0']").click()
    assert shown_days(desk) == (str(snapshots["snapshot_date"][0]), str(snapshots["snapshot_date"][-1]))


def test_the_keyboard_reads_and_selects(desk: Page, snapshots: pl.DataFrame) -> None:
    figure = drawn(desk, "Equity")
    figure.locator(".live").focus()
    days = [str(day) for day in snapshots["snapshot_date"]]
    desk.keyboard.press("Home")
    said = desk.locator("#said")
    assert said.inner_text().startswith(f"{days[0]}: Equity ${snapshots['equity_balance'][0]:,.0f}")
    for _ in range(3):
        desk.keyboard.press("ArrowRight")
    assert said.inner_text().startswith(days[3])
    for _ in range(2):
        desk.keyboard.press("Shift+PageDown")
    assert f"Selected from {days[3]}" in said.inner_text()
    desk.keyboard.press("Enter")
    assert shown_days(desk) == (days[3], days[45])
    desk.keyboard.press("Escape")
    assert shown_days(desk) == (days[0], days[-1])


def test_the_legend_hides_a_series(desk: Page) -> None:
    figure = drawn(desk, "Cumulative P&L")
    entry = figure.locator(".legend button", has_text="of which realized")
    point(desk, figure, 0.5)
    assert "of which realized" in figure.locator(".reading").inner_text()
    entry.focus()
    desk.keyboard.press("Enter")
    assert entry.get_attribute("aria-pressed") == "false"
    point(desk, figure, 0.6)
    assert "of which realized" not in figure.locator(".reading").inner_text()


def test_a_bar_shows_its_figure(desk: Page) -> None:
    figure = drawn(desk, "Contributions to P&L")
    figure.locator(".live svg path[fill='var(--up)']").first.hover()
    assert "$" in figure.locator(".reading").inner_text()


def test_a_finger_moves_the_cross_hair(file: Path) -> None:
    with browser.opened(VIEWS[2]) as (page, problems):
        browser.show(page, file)
        figure = drawn(page, "Equity")
        box = figure.locator(".live").bounding_box()
        assert box
        events = {"pointerType": "touch", "button": 0, "clientX": box["x"] + 200, "clientY": box["y"] + 50}
        figure.locator(".live").dispatch_event("pointerdown", events)
        page.wait_for_timeout(100)
        assert figure.locator(".reading").is_visible()
        page.locator("[data-months='1']").click()
        assert "sessions" in page.locator("#range-shown").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") == VIEWS[2].width
        assert not problems


def test_without_scripts_the_drawings_stay(file: Path) -> None:
    with browser.opened(VIEWS[0], scripts=False) as (page, _):
        browser.show(page, file)
        assert page.locator(".drawing.wide").first.is_visible()
        assert not page.locator("#range").is_visible()


def test_paper_shows_the_drawings(desk: Page) -> None:
    figure = drawn(desk, "Equity")
    assert not figure.locator(".drawing.wide").is_visible()
    desk.emulate_media(media="print")
    assert figure.locator(".drawing.wide").is_visible()
    assert not figure.locator(".live").is_visible()
    assert not desk.locator("#range").is_visible()


def test_every_chart_is_drawn_when_it_comes_near(desk: Page) -> None:
    charts = desk.locator("figure[data-chart]")
    for place in range(charts.count()):
        charts.nth(place).scroll_into_view_if_needed()
        charts.nth(place).locator(".live svg").wait_for(timeout=DRAWN)
    assert charts.count() > 12
    assert desk.locator("figure.drawn").count() == charts.count()
