"""Every command and every piece of code in the documentation is run, as its reader would."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, ROOT, RUNNABLE, SHOWN, blocks, commands, name, scheduled
from tests.docs.conftest import DEMO
from tests.docs.running import Reader

SERVER = "postgresql://engine_batch@db/portfolios"
SCRIPTS = {f"bin/{path.name}" for path in (ROOT / "bin").iterdir()}
LONG = "long"
"""Stands on the fence of a block that takes more than a few seconds: run by `pytest -m slow`."""


def runnable(page: Path) -> list[Path]:
    return [block for block in blocks(page) if block.language in RUNNABLE]


def prepared(page: Path, folder: Path, request: pytest.FixtureRequest) -> Reader:
    """A folder as after `bin/demo`, and the addresses that the page's stand for."""
    text = page.read_text()
    (folder / "tests").mkdir()
    (folder / "tests/golden").symlink_to(ROOT / "tests/golden")
    (folder / "bin").symlink_to(ROOT / "bin")
    if DEMO in text:
        shutil.copy(request.getfixturevalue("demo"), folder / DEMO)
    instead = {SERVER: request.getfixturevalue("postgres_url")} if SERVER in text else {}
    return Reader(page, folder, instead)


def walk(page: Path, folder: Path, request: pytest.FixtureRequest, *, long: bool) -> None:
    reader = prepared(page, folder, request)
    for block in blocks(page):
        if long or LONG not in block.info.split():
            reader.read(block)


@pytest.mark.parametrize("page", [page for page in PAGES if runnable(page)], ids=name)
def test_what_a_page_says_can_be_run(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    walk(page, tmp_path, request, long=False)


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if any(LONG in b.info.split() for b in blocks(p))], ids=name)
def test_what_takes_longer_can_be_run(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    walk(page, tmp_path, request, long=True)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_command_hides_from_the_tests(page: Path) -> None:
    for block in blocks(page):
        assert block.language in RUNNABLE | SHOWN, f"line {block.line}: a block of no known language"
        if block.language in SHOWN - {"crontab"}:
            assert "python -m engine " not in block.text, f"line {block.line}: a command that is not run"
    outside = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"^    .*python -m engine", outside, re.MULTILINE)


def test_scripts_that_are_named_are_there() -> None:
    for page in PAGES:
        named = set(re.findall(r"\bbin/\w+", page.read_text()))
        assert named <= SCRIPTS, name(page)


@pytest.mark.parametrize("page", [page for page in PAGES if scheduled(page)], ids=name)
def test_what_cron_is_told_can_be_run(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    pass
