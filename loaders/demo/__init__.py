"""Synthetic data of any size to try the engine on: `demo_world`.

Prices come from a seeded factor model, and portfolios are of five kinds that together contain every
case a run must handle. The same arguments give byte-identical frames; portfolio k is the same
however many there are.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from engine.core.errors import UsageError
from engine.core.frames import empty
from engine.core.schema import TABLES
from loaders.demo.instrument_list import list_instruments
from loaders.demo.listings import FEWEST_SYMBOLS, MOST_SYMBOLS
from loaders.demo.portfolios import portfolio_tables
from loaders.demo.price_model import simulate_market
from loaders.demo.price_table import market_data_cache
from loaders.demo.references import reference_tables

__all__ = ["demo_world"]

FEWEST_YEARS = 0.2


def demo_world(
    portfolios: int = 5,
    positions: int = 20,
    symbols: int = 60,
    seed: int = 7,
    end: date = date(2025, 12, 19),
    years: float = 2,
) -> dict[str, pl.DataFrame]:
    """Make one frame for each input and state table of the schema, in its exact types.

    Args:
        portfolios: how many.
        positions: of each portfolio, entered in the second half of the prices' sessions.
        symbols: listed symbols with prices, funds included; priced option contracts are added.
        seed: of all random numbers.
        end: last day of prices.
        years: length of the price history.

    Returns:
        Frames by table; tables without demo data are empty.
    """
    _check(portfolios, positions, symbols, years)
    market = simulate_market(symbols, seed, end, years)
    instruments = list_instruments(market)
    frames = {
        "market_data_cache": market_data_cache(instruments, seed),
        **portfolio_tables(instruments, portfolios, positions, seed),
        **reference_tables(market, seed),
    }
    read = [name for name, table in TABLES.items() if table.role in ("input", "state")]
    return {name: frames[name] if name in frames else empty(TABLES[name]) for name in read}


def _check(portfolios: int, positions: int, symbols: int, years: float) -> None:
    if portfolios < 1 or positions < 1:
        raise UsageError(f"a demo of {portfolios} portfolios of {positions} positions is empty")
    if not FEWEST_SYMBOLS <= symbols <= MOST_SYMBOLS:
        raise UsageError(f"a demo has {FEWEST_SYMBOLS} to {MOST_SYMBOLS} symbols, not {symbols}")
    if years < FEWEST_YEARS:
        raise UsageError(f"a demo of {years} years is too short: give at least {FEWEST_YEARS}")
