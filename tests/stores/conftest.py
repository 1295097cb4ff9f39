"""A golden store of each kind, made once; databases are cloned from it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from engine.batch.copy import change_layout, create
from tests.conftest import Server
from tests.stores.support import GOLDEN, copied, golden

KINDS = ("duckdb", "postgres", "parquet")
COMPACT_KINDS = ("compact duckdb", "compact postgres")
"""Stores in the compact layout."""
_numbers = count()


@pytest.fixture(scope="session")
def golden_stores(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """URLs of golden/mixed/inputs by kind of store; to read only."""
    # Set up once for each folder of tests that has it: a name of its own.
    name = f"golden_{next(_numbers)}"
    postgres_server.admin.execute(f"create database {name}".encode())
    folder = tmp_path_factory.mktemp("golden")
    stores = {
        "duckdb": f"duckdb:///{folder}/mixed.duckdb",
        "postgres": postgres_server.url(name),
        "parquet": golden("mixed"),
    }
    copied(stores["parquet"], stores["duckdb"])
    copied(stores["parquet"], stores["postgres"])
    return stores


@pytest.fixture
def fresh(
    golden_stores: dict[str, str], postgres_server: Server, tmp_path: Path
) -> Iterator[Callable[[str], str]]:
    """A store of a kind with the golden inputs, the test's own to change."""
    made: list[str] = []

    def make(kind: str) -> str:
        if kind in COMPACT_KINDS:
            url = make(kind.removeprefix("compact "))
            change_layout(url, "compact")
            return url
        name = f"clone_{next(_numbers)}"
        if kind == "postgres":
            made.append(name)
            template = golden_stores["postgres"].rsplit("/", 1)[1]
            postgres_server.admin.execute(f"create database {name} template {template}".encode())
            return postgres_server.url(name)
        if kind == "duckdb":
            shutil.copy(golden_stores["duckdb"].removeprefix("duckdb:///"), tmp_path / f"{name}.duckdb")
            return f"duckdb:///{tmp_path}/{name}.duckdb"
        shutil.copytree(GOLDEN / "mixed" / "inputs", tmp_path / name)
        return f"parquet:///{tmp_path / name}"

    yield make
    for name in made:
        postgres_server.admin.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
def empty_store(postgres_server: Server, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """A URL of a kind behind which nothing is yet; in the compact layout, no row."""
    made: list[str] = []

    def make(kind: str) -> str:
        if kind in COMPACT_KINDS:
            url = make(kind.removeprefix("compact "))
            create(url, "compact")
            return url
        name = f"empty_{next(_numbers)}"
        if kind == "postgres":
            made.append(name)
            postgres_server.admin.execute(f"create database {name}".encode())
            return postgres_server.url(name)
        suffix = ".duckdb" if kind == "duckdb" else ""
        return f"{kind}:///{tmp_path}/{name}{suffix}"

    yield make
    for name in made:
        postgres_server.admin.execute(f"drop database {name} with (force)".encode())
