"""Every command and every piece of code in the documentation is run, as its reader would."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from engine.batch.copy import copy
from engine.cli.main import parser
from engine.core.progress import Quiet
from tests.docs.blocks import PAGES, ROOT, RUNNABLE, SHOWN, Block, blocks, engine_commands, name
from tests.docs.running import Reader
from tests.marks import first

DEMO = "demo.duckdb"
SERVER = "postgresql://engine_batch@db/portfolios"
OWNER = "postgresql://owner@db/portfolios"
"""The pages' server, for a run and for the owner of its schema."""
SERVER_OF_EVERY_DAY = f"duckdb:///./{DEMO}"
"""A Postgres takes its time to fill: the pages that talk to one do so in `pytest -m slow`."""
SCRIPTS = {f"bin/{path.name}" for path in (ROOT / "bin").iterdir()}
GENERATED = {ROOT / "docs/reference/commands.md", ROOT / "docs/reference/reasons.md", ROOT / "docs/schema.md"}
SERVICES = {"crontab", "ini"}
SERVICE = re.compile(r"bin/engine (.*?)(?: >> .*)?$", re.MULTILINE)
CALL = r"(?:\$ )?(?:python -m )?engine (?:[a-z]+|--\w+)\b"
"""A command of the engine at the start of a line."""
"""Lines that start the engine every evening: parsed everywhere, and run where the page talks to a store."""
LONG = "long"
"""Stands on the fence of a block that takes more than a moment: its commands are parsed every day, and
run by `pytest -m slow`."""
RAY = "ray"
"""The same of a block that needs Ray: run by `pytest -m ray`."""


def runnable(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.language in RUNNABLE]


def is_long(block: Block) -> bool:
    return LONG in block.info.split()


def needs_ray(block: Block) -> bool:
    return RAY in block.info.split()


def prepared(page: Path, folder: Path, demo: Path, server: str) -> Reader:
    """A reader in a folder as `bin/demo` leaves it; `server` is used in place of the pages' Postgres."""
    (folder / "tests").mkdir()
    (folder / "tests/golden").symlink_to(ROOT / "tests/golden")
    (folder / "docs").mkdir()
    (folder / "docs/examples").symlink_to(ROOT / "docs/examples")
    text = page.read_text()
    if DEMO in text or SERVER in text:
        shutil.copy(demo, folder / DEMO)
    return Reader(page, folder, {SERVER: server, OWNER: server})


@pytest.mark.parametrize("page", first(6, [page for page in PAGES if runnable(page)]), ids=name)
def test_what_a_page_says_can_be_run(page: Path, tmp_path: Path, demo_store: Path) -> None:
    reader = prepared(page, tmp_path, demo_store, SERVER_OF_EVERY_DAY)
    for block in blocks(page):
        if not (is_long(block) or needs_ray(block)):
            reader.read(block)
            continue
        for command in engine_commands(block):
            parser().parse_args(command)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if any(map(is_long, blocks(page)))], ids=name)
def test_what_takes_longer_can_be_run(
    page: Path, tmp_path: Path, demo_store: Path, postgres_url: str
) -> None:
    if SERVER in page.read_text():
        copy(f"duckdb:///{demo_store}", postgres_url, 5_000, Quiet())
    reader = prepared(page, tmp_path, demo_store, postgres_url)
    for block in blocks(page):
        if not needs_ray(block):
            reader.read(block)


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore")  # Ray's own; the commands run in this process
@pytest.mark.parametrize("page", [page for page in PAGES if any(map(needs_ray, blocks(page)))], ids=name)
def test_what_needs_ray_can_be_run(page: Path, tmp_path: Path, demo_store: Path, postgres_url: str) -> None:
    copy(f"duckdb:///{demo_store}", postgres_url, 5_000, Quiet())
    reader = prepared(page, tmp_path, demo_store, postgres_url)
    for block in blocks(page):
        reader.read(block)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_command_hides_from_the_tests(page: Path) -> None:
    for block in blocks(page):
        assert block.language in RUNNABLE | SHOWN, f"line {block.line}: a block of no known language"
        if block.language in SERVICES:
            for command in SERVICE.findall(block.text):
                parser().parse_args(shlex.split(command))
        elif block.language in SHOWN and page not in GENERATED:
            hidden = re.search(rf"^\s*{CALL}", block.text, re.MULTILINE)
            assert not hidden, f"line {block.line}: a command that is not run"
    outside = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert not re.search(rf"^    \s*{CALL}", outside, re.MULTILINE)


def test_scripts_that_are_named_are_there() -> None:
    for page in PAGES:
        named = set(re.findall(r"(?<!/)\bbin/\w+", page.read_text()))
        assert named <= SCRIPTS, name(page)
