"""The grants in docs/operations.md and docs/daily.md suffice for a nightly run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.market_data.universe import FUNDS
from tests.builders import portfolio, position
from tests.market.server import YahooServer
from tests.market.support import USER, Stores, listed, put, rows
from tests.stores.support import ROOT, command, run_sql

ROLES = ("engine_reader", "engine_batch")


def documented(page: str) -> str:
    """The first block of SQL of a page."""
    match = re.search(r"```sql\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)
    assert match
    return match[1]


@pytest.mark.slow
def test_the_documented_role_suffices(yahoo: YahooServer, store: Stores, tmp_path: Path) -> None:
    url = store("postgres")
    listed(yahoo, *FUNDS, "AAA")
    put(url, {"users": [USER], "portfolios": [portfolio()], "positions": [position("AAA")]})
    run_sql(url, "revoke create on schema public from public")
    try:
        run_sql(url, documented("operations.md"))
        run_sql(url, documented("daily.md"))
        role = url.replace("postgres@", "engine_batch@", 1)
        done = command(tmp_path, "daily", "--from", role, "--at", "2025-01-06T18:00", "--rate", "1000")
        assert done.code == 0, done.err
    finally:
        for role in ROLES:
            run_sql(url, f"drop owned by {role}")
            run_sql(url, f"drop role {role}")
    assert rows(url, "portfolio_snapshots").height == 3
    assert rows(url, "market_data_cache").height > 18 * 240
