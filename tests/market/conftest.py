"""The loopback server as Yahoo, for tests in this process and for commands that they start."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.market.server import YahooServer, yahoo_server
from tests.market.world import World

TODAY = date(2025, 6, 30)


@pytest.fixture(scope="session")
def yahoo_memory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where yfinance keeps cookies in this process, instead of in the user's cache."""
    import yfinance

    folder = tmp_path_factory.mktemp("yfinance")
    yfinance.set_tz_cache_location(str(folder))
    return folder


@pytest.fixture
def yahoo(tmp_path: Path, yahoo_memory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[YahooServer]:
    """A server with an empty world; this process's requests to Yahoo go to it."""
    folder = tmp_path / "yahoo"
    folder.mkdir()
    with yahoo_server(World(TODAY), folder) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server
