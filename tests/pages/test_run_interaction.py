"""The charts of a run's page in a real browser: what they answer under the pointer.

Without a Chromium and the extra `browser` these tests are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.pages import browser
from tests.pages.browser import VIEWS
from tests.pages.test_interaction import drawn, point

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(browser.missing()), reason=f"NOT CHECKED IN A BROWSER: {browser.missing()}"),
]


@pytest.fixture
def desk(run: str, tmp_path: Path) -> Iterator[Page]:
    (tmp_path / "run.html").write_text(run, encoding="utf-8")
    with browser.opened(VIEWS[0]) as (page, problems):
        browser.show(page, tmp_path / "run.html")
        yield page
        assert not problems


def test_a_day_of_the_calendar_says_its_date_and_state(desk: Page) -> None:
    figure = drawn(desk, "Calendar of sessions")
    point(desk, figure, 0.5)
    said = figure.locator(".reading").inner_text().split()
    assert said[0] in ("Mon", "Tue", "Wed", "Thu", "Fri")
    assert said[1].startswith("2025-")
    assert said[2] == "complete"


def test_a_bar_of_a_job_says_its_number(desk: Page, demo: str) -> None:
    figure = drawn(desk, "Outcome of each job")
    bar = figure.locator(".live path[aria-roledescription], .live .mark-rect path").first
    bar.hover()
    name, number = figure.locator(".reading").inner_text().rsplit(maxsplit=1)
    assert name.startswith("P&L: Done")
    with duckdb.connect(demo.removeprefix("duckdb:///"), read_only=True) as connection:
        ((done,),) = connection.sql(
            "select count(*) from analytics_status where job = 'pnl' and status = 'ok'"
        ).fetchall()
    assert int(number.replace(",", "")) == done


def test_the_cross_hair_reads_the_sizes_of_tables(desk: Page, demo: str) -> None:
    figure = drawn(desk, "Rows of the largest tables")
    live = figure.locator(".live")
    live.focus()
    desk.keyboard.press("End")
    desk.wait_for_timeout(200)
    said = figure.locator(".reading").inner_text()
    with duckdb.connect(demo.removeprefix("duckdb:///"), read_only=True) as connection:
        ((rows,),) = connection.sql("select count(*) from pairwise_correlations").fetchall()
    assert "2025-12-19" in said
    assert f"pairwise_correlations {rows:,}" in " ".join(said.split())
