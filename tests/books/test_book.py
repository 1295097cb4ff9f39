"""`engine.book`: from frames to figures, against a spreadsheet's arithmetic."""

from __future__ import annotations

import io
from decimal import Decimal

import pandas as pd
import polars as pl
import pytest

import engine
from tests.benchmarks.own_book import snapshots_of_a_year
from tests.books import worlds

CORRECTED = engine.Rules.corrected()


def frame(text: str) -> pl.DataFrame:
    return pl.read_csv(io.StringIO(text), infer_schema=False)


def equity(inputs: engine.Inputs) -> list[Decimal]:
    snapshots = engine.compute(inputs, rules=CORRECTED)["portfolio_snapshots"]
    values: list[Decimal] = snapshots.sort("snapshot_date")["equity_balance"].to_list()
    return values


def inputs_of(closed: bool) -> engine.Inputs:
    return engine.book(frame(worlds.positions(closed)), frame(worlds.prices()), frame(worlds.flows()))


def test_equity_of_25_lots_is_that_of_a_spreadsheet_to_the_cent() -> None:
    inputs = inputs_of(closed=False)
    assert inputs.positions.height == 25
    assert equity(inputs) == worlds.equity_by_hand(closed=False)


def test_equity_with_a_closed_lot_is_that_of_a_spreadsheet() -> None:
    inputs = inputs_of(closed=True)
    assert equity(inputs) == worlds.equity_by_hand(closed=True)
    row = inputs.realized_events.row(0, named=True)
    lot = next(lot for lot in worlds.lots() if lot.symbol == worlds.CLOSED)
    gain = worlds.closes()[worlds.CLOSED][worlds.EXIT_DAY] + Decimal("0.75") - lot.entry_price
    assert (row["trade_date"], row["realized_pnl"]) == (worlds.EXIT_DAY, gain * lot.quantity)


def test_betas_factors_and_stress_are_there() -> None:
    results = engine.compute(inputs_of(closed=True), rules=CORRECTED)
    last = pl.col("snapshot_date") == worlds.END
    assert results["portfolio_snapshots"].filter(last)["beta_calculated_90d"].null_count() == 0
    for table in ("factor_exposures", "stress_test_results", "position_volatility"):
        assert results[table].height


def test_polars_pandas_and_dictionaries_give_the_same_inputs() -> None:
    positions, prices = frame(worlds.positions(closed=True)), frame(worlds.prices())
    expected = engine.book(positions, prices)
    numbers = prices.with_columns(pl.col("Date").str.to_date(), pl.exclude("Date").cast(pl.Float64))
    dates = numbers["Date"].to_list()
    pandas = pd.DataFrame(
        {name: numbers[name].to_list() for name in numbers.columns[1:]}, index=pd.to_datetime(dates)
    )
    for other in (
        engine.book(positions.to_dict(as_series=False), numbers),
        engine.book(pd.DataFrame(positions.to_dict(as_series=False)), pandas),
    ):
        assert other.closes.equals(expected.closes)
        assert other.positions.equals(expected.positions)
        assert other.portfolios.equals(expected.portfolios)


def test_frame_of_yfinance() -> None:
    fields = pd.MultiIndex.from_product([["Close", "Volume"], ["AAA", "SPY"]], names=["Price", "Ticker"])
    days = pd.DatetimeIndex(["2025-03-03", "2025-03-04"], name="Date")
    quotes = pd.DataFrame([[100.0, 500.0, 10, 20], [101.5, 501.0, 11, 21]], index=days, columns=fields)
    inputs = engine.book({"Ticker": ["AAA"], "Shares": [10]}, quotes, equity=1000)
    assert equity(inputs) == [Decimal(1000), Decimal(1015)]


def test_a_refused_row_is_named_with_its_line() -> None:
    with pytest.raises(engine.EngineError, match=r"positions, line 2: column Qty: 'ten' is no number"):
        engine.book({"Symbol": ["AAA", "BBB"], "Qty": ["5", "ten"]}, {"Date": ["2025-03-03"], "AAA": [1]})


def test_a_book_of_25_lots_and_a_year_needs_no_store() -> None:
    """tests/benchmarks/own_book.py prints its time."""
    assert snapshots_of_a_year() == len(worlds.SESSIONS)
