"""`engine import`: files into a store, again, and newer ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal as D
from pathlib import Path

import polars as pl
import pytest

import engine
from engine.batch.copy import write_frames
from engine.core.progress import Quiet
from engine.core.rules import Rules
from loaders import open_reader
from loaders.books.template import write_template
from loaders.store_rules import read_rules
from tests.books import worlds
from tests.docs.running import engine as command
from tests.marks import first


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Options that name the files of the book of 25 lots."""
    texts = {"positions": worlds.positions(closed=True), "prices": worlds.prices(), "flows": worlds.flows()}
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return [word for name in texts for word in (f"--{name}", str(tmp_path / f"{name}.csv"))]


def put(*words: str) -> str:
    """Run an import that succeeds; return what it prints."""
    code, output, errors = command(["import", *words])
    assert code == 0, output + errors
    return output


def small(folder: Path, text: str, *words: str) -> tuple[int, str, str]:
    """Import a small book; exit code, stdout and stderr."""
    (folder / "book.csv").write_text(text)
    (folder / "prices.csv").write_text("Date,AAA,BBB\n2025-03-03,10,20\n2025-03-04,11,21\n2025-03-05,12,22\n")
    options = ["--positions", str(folder / "book.csv"), "--prices", str(folder / "prices.csv")]
    return command(["import", f"duckdb:///{folder}/small.duckdb", *options, *words])


@pytest.mark.parametrize("kind", first(1, ["duckdb", "parquet", "postgres"]))
def test_a_store_is_filled_and_gives_the_equity_of_a_spreadsheet(
    kind: str, files: list[str], empty_store: Callable[[str], str]
) -> None:
    url = empty_store(kind)
    put(url, *files)
    again = json.loads(put(url, *files, "--json"))
    assert again["lots"] == []
    assert set(again["rows"].values()) == {0}
    with open_reader(url) as reader:
        assert read_rules(reader).rules == Rules.corrected()
    day = worlds.SESSIONS[30]
    engine.backfill(url, url, start=worlds.START, end=day, run_date=day)
    snapshots = engine.open(url).read("portfolio_snapshots", exact=True).sort("snapshot_date")
    assert snapshots["equity_balance"].to_list() == worlds.equity_by_hand(closed=True, until=day)
    state = engine.open(url).read("positions")
    put(url, *files)
    assert engine.open(url).read("positions").equals(state)


def test_the_same_files_leave_the_same_bytes(files: list[str], tmp_path: Path) -> None:
    put(f"duckdb:///{tmp_path}/book.duckdb", *files)
    before = (tmp_path / "book.duckdb").read_bytes()
    put(f"duckdb:///{tmp_path}/book.duckdb", *files)
    assert (tmp_path / "book.duckdb").read_bytes() == before


def test_the_newest_close_has_the_newest_stamp(tmp_path: Path) -> None:
    """The application shows the row with the newest updated_at as the current price."""
    text = "Symbol,Qty,Cost\nAAA,5,9\nBBB,1,9\n"
    assert small(tmp_path, text)[0] == 0
    closes = engine.open(f"duckdb:///{tmp_path}/small.duckdb").read("market_data_cache")
    for symbol in ("AAA", "BBB"):
        rows = closes.filter(symbol=symbol)
        assert rows.sort("updated_at")["date"].to_list() == [date(2025, 3, day) for day in (3, 4, 5)]
    assert small(tmp_path, text)[0] == 0
    again = engine.open(f"duckdb:///{tmp_path}/small.duckdb").read("market_data_cache")
    assert again.equals(closes)


def test_a_dry_run_writes_nothing(files: list[str], tmp_path: Path) -> None:
    output = put(f"duckdb:///{tmp_path}/book.duckdb", *files, "--dry-run")
    assert not (tmp_path / "book.duckdb").exists()
    assert "total in line 29" in output
    assert "cash: 25,000.50 USD" in output
    assert "     15  added   CB6" in output
    assert "not written yet" in output


def test_a_refused_row_stops_the_import(tmp_path: Path) -> None:
    code, output, _ = small(tmp_path, "Symbol,Qty,Cost\nAAA,5,9\nBBB,many,9\n")
    assert code == 1
    assert "book.csv, line 3: column Qty: 'many' is no number" in output
    assert not (tmp_path / "small.duckdb").exists()


def test_missing_factor_funds_are_named_and_the_rest_is_computed(tmp_path: Path) -> None:
    code, output, _ = small(tmp_path, "Symbol,Qty,Cost\nAAA,5,9\n")
    assert code == 0
    assert "no close of SPY: absent Market beta" in output
    assert "no close of SPY, TLT: absent Rate beta" in output
    url = f"duckdb:///{tmp_path}/small.duckdb"
    engine.backfill(url, url, start=date(2025, 3, 3), end=date(2025, 3, 5), run_date=date(2025, 3, 5))
    snapshots = engine.open(url).read("portfolio_snapshots").sort("snapshot_date")
    # 5 shares at 10, 11 and 12 USD.
    assert snapshots["equity_balance"].to_list() == [50.0, 55.0, 60.0]
    status = engine.open(url).read("analytics_status").filter(pl.col("job") == "market_beta")
    assert set(status["status"]) == {"failed"}
    assert set(status["reason"]) == {"no close of SPY in the 120 days up to the session"}


def test_figures_are_rounded_half_away_from_zero(tmp_path: Path) -> None:
    code, output, _ = small(tmp_path, "Symbol,Qty,Cost Basis\nAAA,3.00005,10\nBBB,-1.00005,7\n")
    assert (code, "2 quantities are rounded to four decimals" in output) == (0, True)
    lots = engine.open(f"duckdb:///{tmp_path}/small.duckdb").read("positions", exact=True).sort("symbol")
    # 10 / 3.00005 and 7 / 1.00005
    assert lots["quantity"].to_list() == [D("3.0001"), D("-1.0001")]
    assert lots["entry_price"].to_list() == [D("3.3333"), D("6.9997")]


def test_a_newer_file_adds_changes_and_closes(tmp_path: Path) -> None:
    assert small(tmp_path, "Symbol,Qty,Cost,Trade Date\nAAA,5,9,2025-03-03\nBBB,-4,20,2025-03-03\n")[0] == 0
    newer = "Symbol,Qty,Cost,Trade Date\nAAA,6,9,2025-03-03\nAAA,1,12,2025-03-05\n"
    preview = json.loads(small(tmp_path, newer, "--dry-run", "--json")[1])
    assert [(one["kind"], one["symbol"], one["words"]) for one in preview["lots"]] == [
        ("changed", "AAA", "quantity 5 -> 6"),
        ("added", "AAA", "LONG 1 at 12.0000 since 2025-03-05"),
        ("closed", "BBB", "at 22.0000 on 2025-03-05: not in the file any more"),
    ]
    assert small(tmp_path, newer)[0] == 0
    store = engine.open(f"duckdb:///{tmp_path}/small.duckdb")
    lots = store.read("positions", exact=True).sort("symbol", "quantity")
    columns = ("symbol", "quantity", "exit_price", "exit_date", "realized_pnl")
    assert lots.select(columns).rows() == [
        ("AAA", D(1), None, None, None),
        ("AAA", D(6), None, None, None),
        ("BBB", D(-4), D(22), date(2025, 3, 5), D(-8)),
    ]
    events = store.read("position_realized_events", exact=True)
    assert events.select("quantity_closed", "realized_pnl").rows() == [(D(4), D(-8))]
    assert json.loads(small(tmp_path, newer, "--json")[1])["lots"] == []


def test_options_and_private_assets_count_at_the_price_of_their_row(tmp_path: Path) -> None:
    text = (
        "Symbol,Asset Class,Qty,Cost,Price\nAAA,Equity,5,9,12\nVENTURE LLC,Private Equity,2,1000,{}\n"
        "AAA251219C00015000,Option,3,2,2.50\nCash,Cash,1000,,\n"
    )
    assert small(tmp_path, text.format(1500))[0] == 0
    url = f"duckdb:///{tmp_path}/small.duckdb"
    engine.backfill(url, url, start=date(2025, 3, 3), end=date(2025, 3, 5), run_date=date(2025, 3, 5))
    store = engine.open(url)
    # 1,000 cash + 5 x 10, 11 and 12 + 2 x 1,500 + 3 contracts x 100 x 2.50
    snapshots = store.read("portfolio_snapshots").sort("snapshot_date")
    assert snapshots["equity_balance"].to_list() == [4800.0, 4805.0, 4810.0]
    lots = store.read("positions", exact=True).sort("symbol")
    values = {"AAA": D(60), "AAA251219C00015000": D(750), "VENTURE LLC": D(3000)}
    assert dict(lots.select("symbol", "market_value").rows()) == values
    preview = json.loads(small(tmp_path, text.format(1600), "--json")[1])
    assert [(one["symbol"], one["words"]) for one in preview["lots"]] == [
        ("VENTURE LLC", "last_price 1,500 -> 1,600")
    ]
    lots = store.read("positions", exact=True).sort("symbol")
    assert dict(lots.select("symbol", "market_value").rows()) == {**values, "VENTURE LLC": D(3200)}


def test_an_undated_lot_keeps_its_first_day(tmp_path: Path) -> None:
    text = "Symbol,Qty,Cost\nAAA,5,9\n"
    assert small(tmp_path, text)[0] == 0
    assert json.loads(small(tmp_path, text, "--start", "2025-03-04", "--json")[1])["lots"] == []
    store = engine.open(f"duckdb:///{tmp_path}/small.duckdb")
    assert store.read("positions")["entry_date"].to_list() == [date(2025, 3, 3)]


def test_bars_of_a_provider_keep_their_volume_where_the_close_is_the_same(tmp_path: Path) -> None:
    assert small(tmp_path, "Symbol,Qty,Cost\nAAA,5,9\n")[0] == 0
    url = f"duckdb:///{tmp_path}/small.duckdb"
    closes = engine.open(url).read("market_data_cache", exact=True)
    bars = closes.with_columns(volume=pl.lit(7, pl.Int64), data_source=pl.lit("yfinance"))
    other = pl.col("symbol") == "BBB"
    bars = bars.with_columns(close=pl.when(other).then(pl.col("close") + 1).otherwise("close"))
    write_frames(url, {"market_data_cache": bars}, 1000, Quiet())
    assert (
        json.loads(small(tmp_path, "Symbol,Qty,Cost\nAAA,5,9\n", "--json")[1])["rows"]["market_data_cache"]
        == 3
    )
    after = engine.open(url).read("market_data_cache", exact=True)
    assert after["close"].to_list() == closes["close"].to_list()
    assert after["volume"].to_list() == [7] * 6
    assert after["data_source"].unique().sort().to_list() == ["import", "yfinance"]


def test_adjusted_and_quoted_closes_are_both_kept(tmp_path: Path) -> None:
    (tmp_path / "book.csv").write_text("Symbol,Qty,Cost\nAAA,5,9\n")
    (tmp_path / "AAA.csv").write_text("Date,Open,Close,Adj Close,Volume\n2025-03-03,10,10.5,10.25,100\n")
    url = f"duckdb:///{tmp_path}/book.duckdb"
    put(url, "--positions", str(tmp_path / "book.csv"), "--prices", str(tmp_path / "AAA.csv"))
    store = engine.open(url)
    assert store.read("market_data_cache").select("symbol", "close").rows() == [("AAA", 10.25)]
    assert store.read("engine_raw_closes").select("raw_close", "adjusted_close").rows() == [(10.5, 10.25)]


def test_a_portfolio_of_the_application_is_left_alone(tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path}/small.duckdb"
    assert command(["demo", url, "--portfolios", "1", "--positions", "5"])[0] == 0
    name = engine.open(url).portfolios["name"][0]
    code, _, errors = small(tmp_path, "Symbol,Qty,Cost\nAAA,5,9\n", "--portfolio", name)
    assert (code, "that was not imported" in errors) == (2, True)
    assert small(tmp_path, "Symbol,Qty,Cost\nAAA,5,9\n")[0] == 0
    assert engine.open(url).portfolios.height == 2


def test_templates_are_read_as_they_are(tmp_path: Path) -> None:
    paths = write_template(str(tmp_path / "mine"))
    options = [word for path in paths[:3] for word in (f"--{Path(path).stem}", path)]
    put(f"duckdb:///{tmp_path}/one.duckdb", *options)
    put(f"duckdb:///{tmp_path}/two.duckdb", "--trades", paths[3], "--prices", paths[1])
    trades = engine.open(f"duckdb:///{tmp_path}/two.duckdb").read("positions")
    assert trades.filter(pl.col("exit_date").is_null())["quantity"].to_list() == [100.0]
    code, _, errors = command(["import", "--template", str(tmp_path / "mine")])
    assert (code, "exists already" in errors) == (2, True)


def test_excel(tmp_path: Path) -> None:
    pytest.importorskip("fastexcel", reason="the extra `import` is not installed")
    openpyxl = pytest.importorskip("openpyxl", reason="writes the file of this test")
    book = openpyxl.Workbook()
    for row in (["Symbol", "Qty", "Cost", "Trade Date"], ["AAA", 5, 9.25, date(2025, 3, 3)]):
        book.active.append(row)
    book.save(tmp_path / "book.xlsx")
    url = f"duckdb:///{tmp_path}/book.duckdb"
    put(url, "--positions", str(tmp_path / "book.xlsx"))
    lots = engine.open(url).read("positions")
    assert lots.select("symbol", "quantity", "entry_price", "entry_date").rows() == [
        ("AAA", 5.0, 9.25, date(2025, 3, 3))
    ]
