"""Make the screenshots of the README from an invented store: `bin/pictures`."""

from __future__ import annotations

import os
import sys
from base64 import b64encode
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.analyst.store import open as open_store
from engine.batch.copy import write_frames
from engine.cli.main import main as engine
from engine.core.progress import Quiet
from engine.reports import fleet_page, portfolio_page, run_page
from loaders.demo import demo_world
from tests.pages import browser
from tests.pages.browser import View

STORE = "duckdb:///demo.duckdb"
END = date(2025, 12, 19)
HEAVIEST = 200_000
"""Largest size of a screenshot in bytes."""
SHOTS = {
    "fleet": ("fleet", View("desk", 1280, 800, "light")),
    "run": ("run", View("desk", 1280, 1000, "light")),
    "portfolio": ("Demo Long Short 1", View("desk", 1280, 1000, "dark")),
    "telephone": ("Demo Leveraged 4", View("phone", 390, 844, "light")),
}
"""By screenshot: the page, and the browser window at its top."""
STEPS = View("desk", 1000, 800, "light")
"""The window of the picture of two steps."""
STACKED = "body { margin: 0; background: #888 } img { display: block; width: 100%; margin-bottom: 8px }"


def main(folder: Path) -> int:
    """Make the screenshots in a folder; the store and the pages are deleted."""
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if browser.missing():
        print(browser.missing(), file=sys.stderr)
        return 2
    with TemporaryDirectory() as work:
        os.chdir(work)
        write_frames(STORE, demo_world(5, 20, 60), 5_000, Quiet())
        engine(["backfill", "--from", STORE, "--end", f"{END}", "--run-date", f"{END}", "--quiet"])
        for name, (shown, view) in SHOTS.items():
            (Path(work) / "page.html").write_text(_page(shown), encoding="utf-8")
            _shoot(Path(work) / "page.html", view, folder / f"{name}.png")
        _steps(Path(work) / "page.html", folder / "range.png")
        os.chdir(folder)
    return 0


def _page(shown: str) -> str:
    if shown == "run":
        return run_page(STORE, records=Path("run_results"))
    if shown != "fleet":
        return portfolio_page(STORE, shown)
    keys = open_store(STORE).portfolios["id"]
    return fleet_page(STORE, links={key: f"fleet/{key}.html" for key in keys})


def _steps(page: Path, picture: Path) -> None:
    """Make a picture of two steps: a range of the equity is selected; the page shows it."""
    page.write_text(_page("Demo Long Short 1"), encoding="utf-8")
    with browser.opened(STEPS) as (window, problems):
        browser.show(window, page)
        figure = window.locator("figure", has=window.locator("h3:text-is('Equity')"))
        figure.evaluate("one => one.scrollIntoView({block: 'end'})")
        figure.locator(".live svg").wait_for()
        box = figure.locator(".live").bounding_box()
        assert box
        across, down = [box["x"] + share * box["width"] for share in (0.35, 0.7)], box["y"] + 60
        window.mouse.move(across[0], down)
        window.mouse.down()
        window.mouse.move(across[1], down, steps=4)
        window.wait_for_timeout(300)
        shots = [window.screenshot()]
        window.mouse.up()
        window.mouse.move(0, 0)
        window.wait_for_timeout(1000)
        shots.append(window.screenshot())
        images = "".join(f'<img src="data:image/png;base64,{b64encode(shot).decode()}">' for shot in shots)
        found = list(problems)
        window.goto("about:blank")  # the policy of the page allows no pictures
        window.set_content(f"<style>{STACKED}</style>{images}")
        window.screenshot(path=picture, full_page=True)
    _weigh(picture, found)


def _shoot(page: Path, view: View, picture: Path) -> None:
    with browser.opened(view) as (window, problems):
        browser.show(window, page)
        window.wait_for_timeout(1000)
        window.screenshot(path=picture)
    _weigh(picture, problems)


def _weigh(picture: Path, problems: list[str]) -> None:
    weight = picture.stat().st_size
    if problems or weight > HEAVIEST:
        raise SystemExit(f"{picture.name}: {weight:,} bytes, {problems}")
    print(f"{picture.name:<16}{weight:>10,} bytes")


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
