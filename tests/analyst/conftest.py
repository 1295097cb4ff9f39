"""A small demo store, computed once, as the examples in docstrings find it: in the current folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import engine
from engine.batch.copy import write_frames
from engine.core.progress import Quiet
from loaders.demo import demo_world

START, END = date(2025, 10, 27), date(2025, 12, 19)


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    url = f"duckdb:///{folder}/demo.duckdb"
    write_frames(url, demo_world(5, 6, 30, seed=7), 5_000, Quiet())
    engine.backfill(url, start=START, end=END, run_date=END)
    return folder


@pytest.fixture
def in_demo(demo_folder: Path) -> Iterator[None]:
    """With the demo store's folder as the current one."""
    before = Path.cwd()
    os.chdir(demo_folder)
    yield
    os.chdir(before)


@pytest.fixture
def demo(demo_folder: Path) -> engine.Store:
    return engine.open(f"duckdb:///{demo_folder}/demo.duckdb")
