"""A provider's closes for a book of one's own: import, collect, compute."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import engine
from engine.cli.main import main
from engine.core.funds import FACTOR_FUNDS
from tests.market.conftest import TODAY
from tests.market.server import YahooServer
from tests.market.support import expected, listed

FIRST = date(2025, 6, 2)


def test_closes_are_collected_for_an_imported_book(
    yahoo: YahooServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listing = dict(zip(("AAA", *FACTOR_FUNDS), listed(yahoo, "AAA", *FACTOR_FUNDS), strict=True))["AAA"]
    (tmp_path / "book.csv").write_text(
        "Symbol,Qty,Cost,Trade Date\nAAA,5,90,2025-06-02\nGONE,1,10,2025-06-02\n"
    )
    url = f"duckdb:///{tmp_path}/book.duckdb"
    assert main(["import", url, "--positions", f"{tmp_path}/book.csv", "--equity", "1000"]) == 0
    assert main(["collect", "prices", url, "--end", f"{TODAY}", "--rate", "1000", "--quiet"]) == 1
    output = capsys.readouterr().out
    assert "GONE" in output
    store = engine.open(url)
    closes = store.read("market_data_cache")
    assert set(closes["symbol"]) == {"AAA", *FACTOR_FUNDS}
    engine.backfill(url, url, start=FIRST, end=TODAY, run_date=TODAY)
    last = store.read("portfolio_snapshots").sort("snapshot_date").row(-1, named=True)
    price = expected(listing, TODAY)
    # Five shares since the first session, whose equity was given; GONE has no close and does not move.
    assert last["equity_balance"] == pytest.approx(1000 + 5 * (price[TODAY] - price[FIRST]), abs=0.005)
