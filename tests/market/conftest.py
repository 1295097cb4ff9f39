"""The loopback server in Yahoo's place, for tests in this process and for commands that they start."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import date
from itertools import count
from pathlib import Path

import pytest

from tests.conftest import Server
from tests.market.holdings import hold
from tests.market.server import YahooServer, yahoo_server
from tests.market.world import World

TODAY = date(2025, 6, 30)
_numbers = count()


@pytest.fixture(scope="session")
def yahoo_memory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of yfinance's cookies in this process, instead of the user's cache."""
    import yfinance

    folder = tmp_path_factory.mktemp("yfinance")
    yfinance.set_tz_cache_location(str(folder))
    return folder


@pytest.fixture
def yahoo(tmp_path: Path, yahoo_memory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[YahooServer]:
    """A server without listings; this process's requests to Yahoo go to it."""
    folder = tmp_path / "yahoo"
    folder.mkdir()
    with yahoo_server(World(TODAY), folder) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty DuckDB store and an empty Parquet store, to copy."""
    from engine.batch.copy import create

    folder = tmp_path_factory.mktemp("templates")
    create(f"duckdb:///{folder}/store.duckdb")
    create(f"parquet:///{folder}/store")
    return folder


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Server) -> str:
    """The name of an empty Postgres database with all tables, to clone."""
    from engine.batch.copy import create

    name = "market_template"
    postgres_server.admin.execute(f"create database {name}".encode())
    create(postgres_server.url(name))
    return name


@pytest.fixture
def store(request: pytest.FixtureRequest, templates: Path, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Makes empty stores of a kind with all tables; returns their URLs."""
    databases: list[str] = []

    def make(kind: str) -> str:
        name = f"store_{next(_numbers)}"
        if kind == "duckdb":
            shutil.copy(templates / "store.duckdb", tmp_path / f"{name}.duckdb")
            return f"duckdb:///{tmp_path}/{name}.duckdb"
        if kind == "parquet":
            shutil.copytree(templates / "store", tmp_path / name)
            return f"parquet:///{tmp_path / name}"
        server = request.getfixturevalue("postgres_server")
        template = request.getfixturevalue("postgres_template")
        server.admin.execute(f"create database {name} template {template}".encode())
        databases.append(name)
        return str(server.url(name))

    yield make
    for name in databases:
        server = request.getfixturevalue("postgres_server")
        server.admin.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., str]:
    """Makes a store with a portfolio of some symbols, of the test's kind of store."""
    kind = request.param
    url = request.getfixturevalue("postgres_url") if kind == "postgres" else f"{kind}:///{tmp_path}/held"
    return lambda *symbols, **other: hold(url, *symbols, **other)
