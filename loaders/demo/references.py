"""Rows of company_profiles, sector weights, stress scenarios and factor definitions."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.core.funds import BENCHMARK
from engine.core.row_ids import row_ids
from loaders.demo.listings import FUNDS, SECTORS, Integers
from loaders.demo.price_model import SimulatedMarket, stream
from loaders.schema_rows import schema_rows
from loaders.shipped import factor_rows, scenario_rows

FUND_COMPANIES = (4, 33)
"""Companies whose profile says that they are funds."""
UNPROFILED, UNPROFILED_EVERY = 6, 50
"""Of every 50 companies, the one at 6 has no profile."""
NO_BETA, NO_BETA_EVERY = 5, 9
"""Of every 9 companies, the one at 5 has no beta."""


def reference_tables(market: SimulatedMarket, seed: int) -> dict[str, pl.DataFrame]:
    """Return the rows of the tables that hold neither prices nor positions, by table.

    Args:
        market: symbols with their companies and sectors.
        seed: of the whole demo.
    """
    return {
        "company_profiles": _profiles(market, seed),
        "benchmarks_sector_weights": _sector_weights(market),
        "stress_test_scenarios": scenario_rows(),
        "factor_definitions": factor_rows(),
    }


def _profiles(market: SimulatedMarket, seed: int) -> pl.DataFrame:
    """Make the profiles of funds and companies, with the exceptions named above."""
    count, year = len(market.symbols), market.closes[:, -252:]
    draws = stream(seed, "profiles").random((count, 4))
    company = np.arange(count) - len(FUNDS)
    is_etf = (company < 0) | np.isin(company, FUND_COMPANIES)
    frame = pl.DataFrame(
        {
            "symbol": market.symbols,
            "company_name": _names(market.symbols),
            "company": company,
            "is_etf": is_etf,
            "beta": (market.loadings[:, 0] + 0.2 * (draws[:, 0] - 0.5)).round(4),
            "market_cap": np.exp(20.5 + 6 * draws[:, 1]).round(),
            "pe_ratio": (8 + 30 * draws[:, 2]).round(2),
            "dividend_yield": (4 * draws[:, 3]).round(6),
            "week_52_high": year.max(axis=1),
            "week_52_low": year.min(axis=1),
        }
    ).hstack(_sectors(market.sectors))
    no_beta = pl.col("company") % NO_BETA_EVERY == NO_BETA
    profiles = frame.with_columns(
        pl.when(~pl.col("is_etf")).then(pl.col("sector", "industry")),
        beta=pl.when(~no_beta | (pl.col("company") < 0)).then("beta"),
    ).filter(pl.col("company") % UNPROFILED_EVERY != UNPROFILED)
    return schema_rows(
        "company_profiles",
        profiles,
        exchange="NYQ",
        country="United States",
        is_fund=False,
        data_source="demo",
    )


def _sectors(sectors: Integers) -> pl.DataFrame:
    """Return sector and industry of each listed symbol, null for funds."""
    table = pl.DataFrame(
        {
            "sector": [sector.name for sector in SECTORS],
            "industry": [sector.industry for sector in SECTORS],
        }
    )
    funds = pl.DataFrame({name: [None] * len(FUNDS) for name in table.columns}, schema=table.schema)
    return pl.concat([funds, table[sectors]])


def _names(symbols: pl.Series) -> pl.Series:
    """Return names that say what a fund holds, or that a company is invented."""
    funds = pl.Series([f"{fund.name} ETF" for fund in FUNDS])
    invented = symbols[len(FUNDS) :].str.to_titlecase() + " Demo Holdings"
    return pl.concat([funds, invented])


def _sector_weights(market: SimulatedMarket) -> pl.DataFrame:
    """Return the index's weights in the middle and at the end of the prices."""
    dates = pl.Series("asof_date", market.days[[len(market.days) // 2, -1]])
    sectors = pl.DataFrame(
        {
            "sector": [sector.name for sector in SECTORS],
            "weight": [sector.weight for sector in SECTORS],
        }
    )
    frame = dates.to_frame().join(sectors, how="cross")
    key = row_ids("benchmarks_sector_weights", frame["asof_date"], frame["sector"])
    return schema_rows(
        "benchmarks_sector_weights",
        frame.with_columns(id=key),
        benchmark_code=BENCHMARK,
        num_constituents=40,
        data_source="shipped: invented for the demo",
    )
