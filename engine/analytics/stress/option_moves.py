"""Options in scenarios: valued anew at the price of the underlying that its betas let expect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from engine.analytics.betas.market import FACTOR as MARKET
from engine.analytics.positions.option_greeks import OptionBook
from engine.analytics.stress.durations import yield_sensitivities
from engine.core.rules import Rules
from engine.numerics.arrays import Bools, Floats, Ints
from engine.numerics.black_scholes import greeks


class OptionCells(NamedTuple):
    """K options in sessions whose scenarios are computed.

    Attributes:
        cell: [K] number of the cell of the option's portfolio and session.
        shares: [K] signed.
        spot, strike, years, volatility, rate, call: [K] what values them.
        betas: of the underlying, by factor: [K].
        rates: [K] what the underlying gains for a shock of rates of 1, a fraction; NaN where unknown.
        price, delta: [K] at the spot, of `engine.numerics.black_scholes.greeks`.
    """

    cell: Ints
    shares: Floats
    spot: Floats
    strike: Floats
    years: Floats
    volatility: Floats
    rate: Floats
    call: Bools
    betas: Mapping[str, Floats]
    rates: Floats
    price: Floats
    delta: Floats

    def beyond_delta(self, moves: Floats, cells: int) -> Floats:
        """Return what options gain beyond their delta times the move of the underlying: [C] USD.

            shares (price(S (1 + move)) - price(S) - delta S move)

        at the volatility and the time of the session. An underlying falls to 0 at most.

        Args:
            moves: [K] of the underlyings, fractions.
            cells: C.
        """
        spot = np.maximum(self.spot * (1.0 + moves), np.finfo(np.float64).tiny)
        moved = greeks(spot, self.strike, self.years, self.volatility, self.rate, self.call)
        gain = moved.price - self.price - self.delta * self.spot * moves
        return np.asarray(np.bincount(self.cell, self.shares * gain, cells), dtype=np.float64)


def option_cells(
    book: OptionBook,
    done: Bools,
    owner: Ints,
    betas: Mapping[str, pl.DataFrame],
    factors: Mapping[str, str],
    dates: pl.Series,
    rules: Rules,
    durations: pl.DataFrame,
) -> OptionCells:
    """Return the options with Greeks of the cells that are done.

    Args:
        book: O options over D sessions.
        done: [P, D] the cells, numbered portfolio by portfolio.
        owner: [N] the portfolio of each position.
        betas: rows of position_market_betas, position_interest_rate_betas and position_factor_exposures.
        factors: names of the factor definitions by id.
        dates: [D] sessions.
        rules: rate_shocks.
        durations: symbol, asof_date, duration of bond funds, sorted by both.
    """
    portfolio = owner[book.at]
    option, session = np.nonzero(np.isfinite(book.greeks.price) & book.held & done[portfolio])
    at = option, session
    number = np.cumsum(done.ravel()).reshape(done.shape) - 1
    placed = {name: grid[at] for name, grid in _grids(book, betas, factors, dates).items()}
    rates = placed.pop("rates")
    if rules.rate_shocks == "yields":
        public = pl.Series(np.ones(book.at.size, dtype=np.bool_))
        grid = np.full(book.spot.shape, np.nan)
        grid[at] = rates
        rates = yield_sensitivities(grid, durations, book.frame["underlying_symbol"], public, dates)[at]
    return OptionCells(
        number[portfolio[option], session],
        book.shares[at],
        book.spot[at],
        book.strike[option, 0],
        book.years[at],
        book.volatility[at],
        np.nan_to_num(book.rate)[session],
        book.call[option, 0],
        placed,
        rates,
        book.greeks.price[at],
        book.greeks.delta[at],
    )


def _grids(
    book: OptionBook, betas: Mapping[str, pl.DataFrame], factors: Mapping[str, str], dates: pl.Series
) -> dict[str, Floats]:
    """Return the underlyings' betas by factor, [O, D], 0 where there is none; to rates NaN."""
    ids = book.frame["position_id"]
    market = betas["position_market_betas"].select(
        "position_id", day="calc_date", factor=pl.lit(MARKET), beta="beta"
    )
    rates = betas["position_interest_rate_betas"].select(
        "position_id", day="calculation_date", factor=pl.lit("rates"), beta="ir_beta"
    )
    styles = betas["position_factor_exposures"].select(
        "position_id",
        day="calculation_date",
        factor=pl.col("factor_id").replace_strict(factors, default=None, return_dtype=pl.String),
        beta="exposure_value",
    )
    rows = pl.concat([market, rates, styles]).filter(pl.col("position_id").is_in(ids.implode()))
    numbers = pl.DataFrame({"position_id": ids}).with_row_index("option")
    rows = rows.join(numbers, on="position_id", maintain_order="left")
    rows = rows.drop_nulls("factor")
    option, beta = rows["option"].to_numpy(), rows["beta"].to_numpy()
    session = dates.search_sorted(rows["day"]).to_numpy()
    names = rows["factor"].to_numpy()
    grids = {"rates": np.full(book.spot.shape, np.nan)}
    for factor in dict.fromkeys(names):
        grid, own = grids.setdefault(factor, np.zeros(book.spot.shape)), names == factor
        grid[option[own], session[own]] = beta[own]
    return grids
