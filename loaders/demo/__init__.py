"""An invented world of any size to try the engine on: `demo_world`.

A seeded factor-model market of some years, and portfolios of five kinds that between them meet
every case a run must handle. The same arguments give byte-identical frames; portfolio k is the
same however many there are.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from engine.core.errors import UsageError
from engine.core.frames import empty
from engine.core.schema import TABLES
from loaders.demo.holdings import holdings
from loaders.demo.instruments import instruments
from loaders.demo.market import market
from loaders.demo.prices import market_data_cache
from loaders.demo.references import references
from loaders.demo.universe import FEWEST_SYMBOLS, MOST_SYMBOLS

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
    """One frame for each input and state table of the schema, in its exact types.

    positions: of each portfolio. symbols: listed symbols with prices, funds included; priced
    option contracts come on top. Prices cover the sessions of `years` years up to `end`;
    positions are entered in the second half of them.
    """
    _check(portfolios, positions, symbols, years)
    priced = market(symbols, seed, end, years)
    tradable = instruments(priced)
    made = {
        "market_data_cache": market_data_cache(tradable, seed),
        **holdings(tradable, portfolios, positions, seed),
        **references(priced, seed),
    }
    read = [name for name, table in TABLES.items() if table.role in ("input", "state")]
    return {name: made[name] if name in made else empty(TABLES[name]) for name in read}


def _check(portfolios: int, positions: int, symbols: int, years: float) -> None:
    if portfolios < 1 or positions < 1:
        raise UsageError(f"a demo of {portfolios} portfolios of {positions} positions is empty")
    if not FEWEST_SYMBOLS <= symbols <= MOST_SYMBOLS:
        raise UsageError(f"a demo has {FEWEST_SYMBOLS} to {MOST_SYMBOLS} symbols, not {symbols}")
    if years < FEWEST_YEARS:
        raise UsageError(f"a demo of {years} years is too short: give at least {FEWEST_YEARS}")
