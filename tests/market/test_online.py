"""The real Yahoo, with an internet connection: `pytest -m online`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from engine.market_data.collect import collect
from loaders.yahoo import Yahoo
from tests.market.support import Stores, closes, holding, rows


@pytest.mark.online
def test_yahoo_itself(store: Stores) -> None:
    url = holding(store("duckdb"), "AAPL", "BRK.B", "EQIX")
    now = datetime.now(UTC)
    with Yahoo() as provider:
        result = collect(
            "prices",
            url,
            provider,
            now=now,
            symbols=["AAPL", "BRK.B", "EQIX", "SPY", "NOSUCHSYMBOL"],
            start=(now - timedelta(days=100)).date(),
        )
    ended = dict(result.answers.select("symbol", "outcome").iter_rows())
    assert ended.pop("NOSUCHSYMBOL") == "not_found"
    assert set(ended.values()) == {"ok"}
    for symbol in ended:
        stored = list(closes(url, symbol).values())
        assert len(stored) >= 60
        assert all(abs(after / before - 1) < 0.5 for before, after in pairwise(stored))
    # Of the four, SPY and AAPL pay every quarter.
    assert rows(url, "engine_price_actions").height >= 1
