"""Tables in a real browser: sorted, filtered, copied, saved, and following the range of their page."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.html.blocks import PageTable, Section
from engine.html.cells import count, money, plain
from engine.html.page import page as html_page
from tests.pages import browser
from tests.pages.browser import VIEWS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(browser.missing()), reason=f"NOT CHECKED IN A BROWSER: {browser.missing()}"),
]
FORMULAS = ("=1+1", "+1", "-cmd|' /C calc'!A0", "@SUM(A1)", 'a "quoted", name', "plain")
"""Names of which a spreadsheet would compute the first four."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Page]:
    rows = [[plain(name), money(-1234.5 * n, "USD"), count(n)] for n, name in enumerate(FORMULAS, 1)]
    rows += [[plain(f"row {n}"), money(None, "USD", "no price"), count(n)] for n in range(7, 13)]
    section = Section("one", "One", "", [PageTable("Amounts", ("Name", "Amount", "Number"), rows)])
    file = tmp_path / "page.html"
    file.write_text(html_page("fleet", "A page", {}, [section], footer=""), encoding="utf-8")
    with browser.opened(VIEWS[0]) as (page, problems):
        browser.show(page, file)
        yield page
        assert not problems


def saved(page: Page, caption: str) -> list[list[str]]:
    """Return the rows of the CSV file that a table is saved as."""
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Save {caption} as CSV").click()
    assert download.value.suggested_filename == "A-page-Amounts.csv"
    return list(csv.reader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))


def test_a_saved_table_has_exact_numbers_and_no_formulas(desk: Page) -> None:
    head, *rows = saved(desk, "Amounts")
    assert head == ["Name", "Amount", "Number"]
    assert [row[0] for row in rows[:6]] == [
        "'=1+1",
        "'+1",
        "'-cmd|' /C calc'!A0",
        "'@SUM(A1)",
        'a "quoted", name',
        "plain",
    ]
    assert [row[1:] for row in rows[:2]] == [["-1234.5", "1"], ["-2469.0", "2"]]
    assert rows[6] == ["row 7", "not computed: no price", "7"]


def test_a_filtered_and_sorted_table_is_saved_as_it_is_shown(desk: Page) -> None:
    desk.get_by_label("Filter rows of Amounts").fill("row 1")
    assert desk.get_by_role("status").inner_text() == "3 of 12 shown"
    desk.get_by_role("button", name="Number", exact=True).click()
    assert [row[0] for row in saved(desk, "Amounts")[1:]] == ["row 12", "row 11", "row 10"]


def test_a_copied_table_has_tabs(desk: Page) -> None:
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.get_by_role("button", name="Copy Amounts").click()
    desk.get_by_role("button", name="Copy Amounts").get_by_text("Copied").wait_for()
    lines = desk.evaluate("navigator.clipboard.readText()").splitlines()
    assert lines[0] == "Name\tAmount\tNumber"
    assert lines[1] == "'=1+1\t-1234.5\t1"
    assert len(lines) == 13


def test_a_copy_that_the_browser_refuses_says_so(desk: Page) -> None:
    """A page on a server without TLS has no clipboard, and a frame may not be allowed to use it."""
    desk.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    copy = desk.get_by_role("button", name="Copy Amounts")
    copy.click()
    copy.get_by_text("Not allowed here: use CSV").wait_for()
