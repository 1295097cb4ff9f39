"""Instruments of the demo: funds, companies, option contracts and private assets, in one list."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from loaders.demo.listings import FUNDS, Floats, Integers
from loaders.demo.price_model import HIGHEST, SimulatedMarket

PRIVATE_ASSETS = (
    ("HOME_EQUITY", "REAL_ESTATE", 640_000.0),
    ("FO_TIMBERLAND", "REAL_ASSETS", 380_000.0),
    ("FO_SEED_FUND", "VENTURE_CAPITAL", 125_000.0),
    ("HARBOR_NOTE", "PRIVATE_CREDIT", 50_000.0),
    ("RENTAL_CONDO", "REAL_ESTATE", 290_000.0),
    ("FO_VINEYARD", "REAL_ASSETS", 210_000.0),
    ("ORCHARD_LP", "PRIVATE_EQUITY", 100_000.0),
    ("MONEY_MARKET", "CASH_EQUIVALENT", 1.0),
    ("FO_BRIDGE_LOAN", "PRIVATE_CREDIT", 75_000.0),
    ("QUARRY_LEASE", "REAL_ASSETS", 160_000.0),
    ("FO_ART_TRUST", "COLLECTIBLES", 88_000.0),
    ("FERRY_SHARE", "PRIVATE_EQUITY", 42_000.0),
)
"""Symbol, subtype, price of a unit in USD. A run recognises some of the symbols as synthetic."""

PRIVATE_SERIES = ("", "_2", "_3", "_4")
"""Suffixes of each asset's series: with so many, a family office seldom holds one twice."""

EXPIRY_MONTHS = (-4, 1, -1, 3, 6)
"""Contracts expire on the third Friday of these months, relative to the last session's month."""

IMPLIED_VOLATILITY = 0.35
PRICED_EVERY = 3
"""Every third contract has prices in the store."""


@dataclass(frozen=True)
class Instruments:
    """All instruments: funds, companies, contracts, private assets, in this order.

    Attributes:
        market: the funds and companies.
        table: symbol, underlying_symbol, strike_price, expiration_date, investment_subtype.
        closes: instruments x sessions, USD, complete.
        quoted: instruments x sessions, which closes the store holds.
        last: index of the newest session on which a lot can be opened, by instrument.
        contracts: how many option contracts there are.
    """

    market: SimulatedMarket
    table: pl.DataFrame
    closes: Floats
    quoted: NDArray[np.bool_]
    last: Integers
    contracts: int

    @property
    def first_contract(self) -> int:
        """The row of the first option contract."""
        return len(FUNDS) + self.market.companies

    @property
    def first_private(self) -> int:
        """The row of the first private asset."""
        return self.first_contract + self.contracts


def list_instruments(market: SimulatedMarket) -> Instruments:
    """Return the market's symbols, option contracts on some of them, and private assets."""
    chain, prices, quoted = _contracts(market)
    private = _private_assets()
    units = np.repeat(private["unit"].to_numpy()[:, None], len(market.days), axis=1)
    tables = [market.symbols.to_frame(), chain, private.drop("unit")]
    expiry = np.searchsorted(market.days, chain["expiration_date"].to_numpy(), side="right") - 1
    # Five sessions follow the newest entry, so that every lot has some history.
    last = np.full(len(market.symbols) + len(chain) + len(private), len(market.days) - 6)
    contracts = slice(len(market.symbols), len(market.symbols) + len(chain))
    last[contracts] = np.minimum(last[contracts], expiry)
    return Instruments(
        market=market,
        table=pl.concat(tables, how="diagonal"),
        closes=np.vstack([market.closes, prices, units]),
        quoted=np.vstack([market.quoted, quoted, np.zeros(units.shape, dtype=np.bool_)]),
        last=last,
        contracts=len(chain),
    )


def _private_assets() -> pl.DataFrame:
    columns = ["symbol", "investment_subtype", "unit"]
    assets = pl.DataFrame(PRIVATE_ASSETS, schema=columns, orient="row")
    series = (assets.with_columns(pl.col("symbol") + suffix) for suffix in PRIVATE_SERIES)
    return pl.concat(series)


def _contracts(market: SimulatedMarket) -> tuple[pl.DataFrame, Floats, NDArray[np.bool_]]:
    """Return the option chain, each contract's closes, and which of them the store holds.

    Each underlying, SPY, QQQ and a tenth of the companies, has a call with a strike 5 % above the
    close in the middle of the sessions and a put 5 % below.

    Returns:
        One row for each contract; contracts x sessions; the same shape.
    """
    underlying = np.repeat(_underlyings(market), 2)
    contract = np.arange(len(underlying))
    call = contract % 2 == 0
    middle = market.closes[underlying, len(market.days) // 2]
    strike = _strikes(middle * np.where(call, 1.05, 0.95))
    expiry = _third_fridays(market.days)[contract % len(EXPIRY_MONTHS)]
    days_left = (expiry[:, None] - market.days) / np.timedelta64(1, "D")
    prices = option_value(market.closes[underlying], strike[:, None], days_left / 365, call[:, None])
    priced = contract % PRICED_EVERY == 0
    chain = pl.DataFrame(
        {
            "underlying_symbol": market.symbols.gather(underlying),
            "strike_price": strike,
            "expiration_date": expiry,
            "right": np.where(call, "C", "P"),
        }
    )
    return _with_symbols(chain), prices, priced[:, None] & (days_left >= 0)


def _underlyings(market: SimulatedMarket) -> Integers:
    funds = [fund.symbol for fund in FUNDS]
    chosen = max(2, market.companies // 10)
    companies = len(FUNDS) + np.arange(chosen) * (market.companies // chosen)
    return np.concatenate([[funds.index("SPY"), funds.index("QQQ")], companies])


def _strikes(prices: Floats) -> Floats:
    """Round to whole steps of 1, 5 or 10 dollars."""
    step = np.select([prices < 50, prices < 250], [1.0, 5.0], 10.0)
    strikes: Floats = np.clip((prices / step).round() * step, 1.0, HIGHEST)
    return strikes


def _third_fridays(days: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """Return expiries by EXPIRY_MONTHS; one before positions are opened moves a year ahead."""
    months = days[-1].astype("datetime64[M]") + np.array(EXPIRY_MONTHS)
    fridays = np.busday_offset(months, 2, roll="forward", weekmask="Fri")
    later = np.busday_offset(months + 12, 2, roll="forward", weekmask="Fri")
    expiries: NDArray[np.datetime64] = np.where(fridays > days[len(days) // 2 + 15], fridays, later)
    return expiries


def option_value(spot: Floats, strike: Floats, years: Floats, call: NDArray[np.bool_]) -> Floats:
    """Return plausible premiums: intrinsic value + 0.4 S v sqrt(T) exp(-|ln(S/K)| / (v sqrt(T))).

    At the money the time value is that of Brenner and Subrahmanyam (1988), 0.4 S v sqrt(T); it fades
    with moneyness. v is `IMPLIED_VOLATILITY`.

    Args:
        spot: S, contracts x sessions, USD.
        strike: K, contracts x 1, USD.
        years: T to expiry, contracts x sessions.
        call: contracts x 1; false is a put.

    Returns:
        contracts x sessions, USD, in whole cents, at least one.
    """
    spread = IMPLIED_VOLATILITY * np.sqrt(np.maximum(years, 1 / 365))
    intrinsic = np.maximum(np.where(call, spot - strike, strike - spot), 0)
    time_value = 0.4 * spot * spread * np.exp(-np.abs(np.log(spot / strike)) / spread)
    premium: Floats = np.maximum((intrinsic + time_value).round(2), 0.01)
    return premium


def _with_symbols(chain: pl.DataFrame) -> pl.DataFrame:
    """Add OCC symbols: underlying, yymmdd, C or P, and the strike in thousandths of a dollar."""
    thousandths = (pl.col("strike_price") * 1000).cast(pl.Int64).cast(pl.String)
    symbol = pl.concat_str(
        "underlying_symbol",
        pl.col("expiration_date").dt.strftime("%y%m%d"),
        "right",
        thousandths.str.zfill(8),
    )
    return chain.select(symbol.alias("symbol"), pl.exclude("right"))
