"""The loop computes the same figures as the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date

import pytest
from psycopg.sql import SQL, Identifier

import engine
from engine.batch.copy import write_frames
from engine.core.progress import Quiet
from loaders.demo import demo_world
from tests.benchmarks.loop.__main__ import looped
from tests.benchmarks.loop.checked import checked
from tests.conftest import Server

pytestmark = pytest.mark.thorough

FIRST, SECOND, RUN_DATE = date(2025, 12, 16), date(2025, 12, 17), date(2025, 12, 19)
PORTFOLIOS = 5


@pytest.fixture(scope="module")
def stores(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Inputs in Postgres, and the engine's results for them in a file."""
    admin, name = postgres_server.admin, Identifier("loop_inputs")
    admin.execute(SQL("create database {}").format(name))
    url, expected = (
        postgres_server.url("loop_inputs"),
        f"duckdb:///{tmp_path_factory.mktemp('loop')}/e.duckdb",
    )
    write_frames(url, demo_world(PORTFOLIOS, 5, 30), 5_000, Quiet())
    engine.backfill(url, expected, start=FIRST, end=SECOND, run_date=RUN_DATE)
    yield url, expected
    admin.execute(SQL("drop database {} with (force)").format(name))


def test_every_cell_of_the_loop_in_turn_is_the_engines(stores: tuple[str, str]) -> None:
    url, expected = stores
    run = asyncio.run(looped(url, [FIRST, SECOND], RUN_DATE, "in turn"))
    comparison = checked(expected, url, FIRST, SECOND)
    assert comparison.equal, comparison.note
    assert comparison.rows > 500
    assert run["errors"] == []
    assert run["portfolio_days"] == 2 * PORTFOLIOS
    assert run["statements"] > 100 * run["portfolio_days"]
