"""Stores and their pages, each made once for all tests."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

import engine
from engine.batch.backfill import backfill
from engine.batch.copy import copy, write_frames
from engine.core.calendar import sessions
from engine.core.progress import Quiet
from engine.core.rules import Rules
from engine.reports import comparison_page, fleet_page, portfolio_page, run_page
from loaders.demo import demo_world
from tests.pages.document import Node, parsed

GOLDEN = Path(__file__).parents[1] / "golden"
DEMO_END = date(2025, 12, 19)
DEMO_SESSIONS = 90
LONG_SHORT, FAMILY = "Demo Long Short 1", "Demo Family Office 5"
GLOBAL = "H1 Global Long Short"


def golden_store(name: str, folder: Path) -> str:
    """Return a store with the inputs and outputs of a golden set, as the legacy batch left its database."""
    for part in ("inputs", "outputs"):
        for file in (GOLDEN / name / part).glob("*.parquet"):
            shutil.copy(file, folder / file.name)
    return f"parquet:///{folder}"


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> str:
    return golden_store("mixed", tmp_path_factory.mktemp("mixed"))


@pytest.fixture(scope="session")
def edge(tmp_path_factory: pytest.TempPathFactory) -> str:
    return golden_store("edge", tmp_path_factory.mktemp("edge"))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Five small portfolios over four months, computed by the engine."""
    url = f"duckdb:///{tmp_path_factory.mktemp('demo')}/demo.duckdb"
    write_frames(url, demo_world(5, 8, 30), 5_000, Quiet())
    start = sessions(date(2025, 1, 1), DEMO_END)[-DEMO_SESSIONS]
    backfill(url, start=start, end=DEMO_END, run_date=DEMO_END)
    return url


@pytest.fixture(scope="session")
def global_page(mixed: str) -> str:
    return portfolio_page(mixed, GLOBAL)


@pytest.fixture(scope="session")
def global_document(global_page: str) -> Node:
    return parsed(global_page)


@pytest.fixture(scope="session")
def demo_page(demo: str) -> str:
    return portfolio_page(demo, LONG_SHORT)


@pytest.fixture(scope="session")
def demo_document(demo_page: str) -> Node:
    return parsed(demo_page)


@pytest.fixture(scope="session")
def family_page(demo: str) -> str:
    return portfolio_page(demo, FAMILY)


@pytest.fixture(scope="session")
def family_document(family_page: str) -> Node:
    return parsed(family_page)


@pytest.fixture(scope="session")
def fleet(demo: str) -> str:
    return fleet_page(demo)


@pytest.fixture(scope="session")
def comparison(demo: str) -> str:
    return comparison_page(demo, LONG_SHORT, FAMILY)


@pytest.fixture(scope="session")
def run(demo: str) -> str:
    return run_page(demo)


def corrected_mixed(folder: Path, start: date, end: date) -> engine.Store:
    """A store of the golden set `mixed` in a folder, computed by corrected rules over a window."""
    url = f"duckdb:///{folder}/store.duckdb"
    copy(f"parquet:///{GOLDEN / 'mixed' / 'inputs'}", url, 5_000, Quiet())
    rules = Rules.parse("corrected,inconsistent_rows=computed")
    engine.backfill(url, start=start, end=end, run_date=date(2026, 11, 23), rules=rules)
    return engine.open(url)
