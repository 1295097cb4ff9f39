"""Drive an installed Chromium without a screen: screenshots of pages, and the accessibility checker axe."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Keep the browser from sending requests of its own."""


@dataclass(frozen=True)
class View:
    """A browser window: its size in pixels, and the preferred colour scheme."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"]


VIEWS = (
    View("desk-light", 1400, 900, "light"),
    View("desk-dark", 1400, 900, "dark"),
    View("phone-light", 390, 844, "light"),
    View("phone-dark", 390, 844, "dark"),
)


def missing() -> str:
    """Return what is missing for a browser test; empty when nothing is."""
    from importlib.util import find_spec

    if not executable():
        return f"no Chromium is installed: none of {', '.join(NAMES)} is on the path"
    absent = [name for name in ("playwright", "axe_playwright_python") if find_spec(name) is None]
    return f"{' and '.join(absent)} not installed: bin/setup test,browser" if absent else ""


def executable() -> str | None:
    """Return the Chromium on the path, if there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def opened(view: View, *, scripts: bool = True) -> Iterator[tuple[Page, list[str]]]:
    """Open a page in a browser with an empty profile; also yield a list of its requests and errors."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play, TemporaryDirectory() as profile:
        context = play.chromium.launch_persistent_context(
            profile,
            executable_path=executable(),
            headless=True,
            args=list(FLAGS),
            viewport={"width": view.width, "height": view.height},
            color_scheme=view.scheme,
            java_script_enabled=scripts,
        )
        page = context.new_page()
        problems: list[str] = []
        page.on("request", lambda sent: None if sent.url.startswith("file:") else problems.append(sent.url))
        page.on("console", lambda said: problems.append(said.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        try:
            yield page, problems
        finally:
            context.close()


def show(page: Page, file: Path) -> None:
    """Open a file."""
    page.goto(file.absolute().as_uri())


def violations(page: Page) -> list[dict[str, Any]]:
    """Return what axe-core finds wrong with the page, all details unfolded."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    violations: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return violations
