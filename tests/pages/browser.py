"""An installed Chromium, driven without a screen: pictures of pages, and the checker axe upon them."""

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
"""A browser that asks nobody for anything."""


@dataclass(frozen=True)
class View:
    """A window onto a page: its size in pixels, and the colours that its owner prefers."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"]


VIEWS = (
    View("desk-light", 1280, 900, "light"),
    View("desk-dark", 1280, 900, "dark"),
    View("phone-light", 390, 844, "light"),
    View("phone-dark", 390, 844, "dark"),
)


def missing() -> str:
    """What a browser test lacks here; "" when nothing."""
    from importlib.util import find_spec

    if not executable():
        return f"no Chromium is installed: none of {', '.join(NAMES)} is on the path"
    lacking = [name for name in ("playwright", "axe_playwright_python") if find_spec(name) is None]
    return f"{' and '.join(lacking)} not installed: bin/setup test,browser" if lacking else ""


def executable() -> str | None:
    """The Chromium on the path."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def opened(view: View) -> Iterator[tuple[Page, list[str]]]:
    """A page of a browser with an empty profile, and what it asked for beside its own files."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play, TemporaryDirectory() as profile:
        context = play.chromium.launch_persistent_context(
            profile,
            executable_path=executable(),
            headless=True,
            args=list(FLAGS),
            viewport={"width": view.width, "height": view.height},
            color_scheme=view.scheme,
        )
        page = context.new_page()
        trouble: list[str] = []
        page.on("request", lambda sent: None if sent.url.startswith("file:") else trouble.append(sent.url))
        page.on("console", lambda said: trouble.append(said.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        try:
            yield page, trouble
        finally:
            context.close()


def show(page: Page, file: Path) -> None:
    """Open a file."""
    page.goto(file.absolute().as_uri())


def violations(page: Page) -> list[dict[str, Any]]:
    """What axe-core holds against the page as it is now, everything unfolded."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return found
