"""Options by their Greeks: what each contract gains with its underlying, in each session.

Valued as European without dividends (`engine.numerics.black_scholes`). Shapes: O options, D sessions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from engine.analytics.panels import OpenPositions, PricePanel
from engine.analytics.volatility.position_volatility import symbol_volatility
from engine.core.instruments import CALLS, CONTRACT_SIZE, is_option, is_private
from engine.core.money import GRAIN_SCALE, scaled, usd
from engine.core.rules import Rules
from engine.numerics.arrays import Bools, Floats, Ints
from engine.numerics.black_scholes import Greeks, greeks, implied_volatility

TABLE = "engine_option_greeks"
TICK = 0.01
"""USD, the tick of listed options: less time value than that shows no volatility."""
DAYS_A_YEAR = 365.0
STATUSES = {
    "european": "valued as European without dividends",
    "european_rate_0": "the same at a rate of 0: none is stored up to the session",
    "no_terms": "underlying_symbol, strike_price or expiration_date is missing",
    "expired": "the session is the expiration or later",
    "no_underlying": "the underlying has no close in the session",
    "no_volatility": "neither a price that implies a volatility nor 63 returns of the underlying",
}
"""Codes of engine_option_greeks.status, in words."""


@dataclass(frozen=True)
class OptionBook:
    """The options among N positions.

    Attributes:
        frame: O rows: portfolio_id, position_id, symbol, underlying_symbol, position_type.
        at: [O] numbers of the positions.
        shares: [O, D] shares of the underlying, negative when short; 0 where the lot is not held.
        held: [O, D] whether the portfolio holds it.
        spot: [O, D] USD, NaN without a close of the underlying in the session.
        strike: [O, 1] USD, NaN where unknown.
        years: [O, D] to the expiration, NaN where unknown.
        rate: [D] continuous, a year; NaN where none is stored, which counts as 0.
        volatility: [O, D] a year; NaN where there is none.
        implied: [O, D] whether it is implied by the option's own close.
        call: [O, 1] whether it is a call.
    """

    frame: pl.DataFrame
    at: Ints
    shares: Floats
    held: Bools
    spot: Floats
    strike: Floats
    years: Floats
    rate: Floats
    volatility: Floats
    implied: Bools
    call: Bools

    @cached_property
    def greeks(self) -> Greeks:
        """Sensitivities a share, [O, D], NaN where there are none."""
        return self.at_spot(self.spot)

    def at_spot(self, spot: Floats) -> Greeks:
        """Return the sensitivities at other prices of the underlying.

        Args:
            spot: [O, D] USD.
        """
        return greeks(spot, self.strike, self.years, self.volatility, np.nan_to_num(self.rate), self.call)

    @property
    def delta_dollars(self) -> Floats:
        """Shares x delta x price of the underlying, [O, D] USD."""
        return np.asarray(self.shares * self.greeks.delta * self.spot)

    @property
    def status(self) -> Ints:
        """Numbers of `STATUSES`, [O, D]."""
        cases = [
            np.isnan(self.strike) | np.isnan(self.years),
            self.years <= 0,
            np.isnan(self.spot),
            np.isnan(self.volatility),
        ]
        codes = list(STATUSES)
        numbers = [np.int64(codes.index(code)) for code in codes[2:]]
        valued = np.where(np.isnan(self.rate), codes.index("european_rate_0"), codes.index("european"))
        return np.select([np.broadcast_to(case, self.spot.shape) for case in cases], numbers, valued)


def option_book(
    positions: OpenPositions,
    terms: pl.DataFrame,
    marks: pl.DataFrame,
    panel: PricePanel,
    quotes: PricePanel,
    interest_rates: pl.DataFrame,
    rules: Rules,
) -> OptionBook:
    """Return the options of public class with what values them in each session.

    The volatility is implied by the option's own close of the session, if that shows one; else it is that of
    the underlying's last 63 returns.

    Args:
        positions: N of them, over D sessions.
        terms: all positions as stored: id, strike_price, expiration_date.
        marks: of `engine.pipeline.compute.mark_positions`.
        panel: closes of T sessions that returns come from, of the underlyings too.
        quotes: closes of the window as they were quoted: an option's price knows no later dividend.
        interest_rates: asof_date, rate; sorted.
        rules: membership, and those of volatility.
    """
    numbered = positions.frame.with_row_index("at").filter(is_option() & ~is_private())
    columns = ["position_id", "strike_price", "expiration_date"]
    known = terms.rename({"id": "position_id"}).select(columns)
    frame = numbered.join(known, on="position_id", how="left", maintain_order="left")
    at = frame["at"].cast(pl.Int64).to_numpy()
    strike = frame["strike_price"].cast(pl.Float64).fill_null(np.nan).to_numpy()[:, None]
    expires = frame["expiration_date"].to_physical().cast(pl.Float64).fill_null(np.nan).to_numpy()
    years = (expires[:, None] - panel.targets) / DAYS_A_YEAR
    underlying = panel.columns(frame["underlying_symbol"])
    spot, own = (_in_session(quotes, frame[name]) for name in ("underlying_symbol", "symbol"))
    call = frame["position_type"].is_in(CALLS).to_numpy()[:, None]
    rate = _rates(interest_rates, panel)
    quoted = (own, spot, strike, years, np.nan_to_num(rate))
    implied = implied_volatility(*quoted, call=call, tick=TICK)
    past, place = symbol_volatility(panel, underlying, rules)
    history = np.where(past.computed, past.realized_63, np.nan)[:, place].T
    volatility = np.where(np.isnan(implied), history, implied)
    volatility = np.where(volatility > 0, volatility, np.nan)
    held = positions.present.T[at]
    shares = np.where(held, _shares(marks, frame, len(panel.targets), rules), 0.0)
    valued = (spot, strike, years, rate, volatility, np.isfinite(implied), call)
    return OptionBook(frame, at, shares, held, *valued)


def by_delta(positions: OpenPositions, book: OptionBook) -> OpenPositions:
    """Return the positions with each option as a public stock: its underlying, worth the delta's dollars.

    Args:
        positions: N of them.
        book: their options.

    Returns:
        The positions; values of options without Greeks are NaN.
    """
    if not book.at.size:
        return positions
    option = np.zeros(positions.frame.height, dtype=np.bool_)
    option[book.at] = True
    mask = pl.Series(option)
    stored, recomputed = positions.stored.copy(), positions.recomputed.copy()
    stored[book.at] = recomputed[book.at] = np.where(book.held, book.delta_dollars, 0.0)
    frame = positions.frame.with_columns(
        symbol=pl.when(mask).then("underlying_symbol").otherwise("symbol"),
        position_type=pl.when(mask).then(pl.lit("LONG")).otherwise("position_type"),
        investment_class=pl.when(mask).then(pl.lit("PUBLIC")).otherwise("investment_class"),
    )
    return positions._replace(frame=frame, stored=stored, recomputed=recomputed)


def greeks_rows(book: OptionBook, dates: pl.Series) -> pl.DataFrame:
    """Return the rows of engine_option_greeks: of each option in the sessions in which it is held.

    Args:
        book: O options.
        dates: [D] the window's sessions.
    """
    at = option, session = np.nonzero(book.held)
    figures = book.greeks._asdict()
    figures["delta_dollars"] = book.delta_dollars
    figures["gamma_dollars"] = book.shares * book.greeks.gamma * book.spot**2 / 100.0
    figures["underlying_price"] = book.spot
    figures["volatility"] = np.where(np.isnan(book.greeks.price), np.nan, book.volatility)
    figures["rate"] = np.broadcast_to(book.rate, book.spot.shape)
    source = pl.Series(["history", "implied"]).gather(book.implied[at].astype(np.int64))
    rows = book.frame.select("portfolio_id", "position_id")[option].with_columns(
        dates[session].alias("calculation_date"),
        pl.Series("status", list(STATUSES)).gather(book.status[at]),
        *(pl.Series(name, values[at], nan_to_null=True) for name, values in figures.items()),
    )
    valued = pl.col("volatility").is_not_null()
    return rows.with_columns(volatility_source=pl.when(valued).then(source))


def _in_session(quotes: PricePanel, symbols: pl.Series) -> Floats:
    """Return the closes of symbols in the window's sessions, [N, D]; NaN without one."""
    closes = quotes.close[np.searchsorted(quotes.days, quotes.targets)]
    padded = np.pad(closes, ((0, 0), (0, 1)), constant_values=np.nan)
    return np.asarray(padded[:, quotes.columns(symbols)].T)


def _rates(interest_rates: pl.DataFrame, panel: PricePanel) -> Floats:
    """Return the newest continuous rate up to each session, [D]; NaN where there is none."""
    days = interest_rates["asof_date"].to_physical().to_numpy()
    yearly = np.append(np.nan, interest_rates["rate"].cast(pl.Float64).to_numpy())
    return np.asarray(np.log1p(yearly[np.searchsorted(days, panel.targets, side="right")]))


def _shares(marks: pl.DataFrame, frame: pl.DataFrame, sessions: int, rules: Rules) -> Floats:
    """Return the signed shares of each option in each session, [O, D]."""
    units = pl.col("held").cast(pl.Int128) if rules.membership == "session" else scaled("quantity")
    days = marks.filter(pl.col("id").is_in(frame["position_id"].implode())).select(
        "session", position_id="id", shares=usd(units * CONTRACT_SIZE * 10**4, GRAIN_SCALE)
    )
    rows = frame.select("position_id").join(days, on="position_id", how="left", maintain_order="left")
    return rows.sort("session", maintain_order=True)["shares"].to_numpy().reshape(sessions, -1).T
