"""Options by their Greeks, one contract after the other, with the implied volatility by bisection.

Valued as European without dividends. Source: Black and Scholes (1973); Hull, Options, Futures and Other
Derivatives, chapters 15 and 19.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case, PositionLot
from engine.analyst.explain.return_series import own_returns
from engine.analyst.explain.working import Step, Value, Working, absent
from engine.core.instruments import CALLS
from engine.core.job_catalog import VOLATILITY

DAYS_A_YEAR = 365.0
LARGEST = 10.0
"""A volatility of 1,000 % a year; a price that implies more shows none."""
TICK = 0.01
"""USD of time value, the least that shows a volatility."""
QUARTER = 63
"""Returns of the underlying behind a volatility that no price implies."""
FORMULAS = {
    "price": "price of Black and Scholes at {S}, {K}, {T}, {v}, {r}",
    "delta": "delta = N(d1) at {S}, {K}, {T}, {v}, {r}; of a put -N(-d1)",
    "gamma": "gamma = n(d1) / (S v sqrt(T)) at {S}, {K}, {T}, {v}, {r}",
    "theta": "theta of {S}, {K}, {T}, {v}, {r}: -S n(d1) v / (2 sqrt(T)) - r K exp(-r T) N(d2), or -N(-d2)",
    "vega": "vega = S n(d1) sqrt(T) at {S}, {K}, {T}, {v}, {r}",
    "rho": "rho = T K exp(-r T) N(d2) at {S}, {K}, {T}, {v}, {r}; of a put -N(-d2)",
    "delta_dollars": "delta_dollars = {q} * {delta} * {S}",
    "gamma_dollars": "gamma_dollars = {q} * {gamma} * {S}**2 / 100",
}


@dataclass(frozen=True)
class Greeks:
    """Price and sensitivities of an option on one share, as `engine_option_greeks` has them."""

    price: float
    delta: float
    gamma: float
    theta: float
    vega: float
    rho: float


@dataclass(frozen=True)
class Contract:
    """Terms and prices of an option in a session; `status` says whether it can be valued.

    Attributes:
        status: code of engine_option_greeks.
        shares: of the underlying, negative when short.
        spot: USD, of the underlying; None without a close.
        strike: USD.
        years: to the expiration.
        volatility: a year; None without one.
        source: implied or history.
        rate: a year, continuous; None if none is stored, which counts as 0.
        call: whether it is a call.
    """

    status: str
    shares: float
    spot: float | None
    strike: float
    years: float
    volatility: float | None
    source: str
    rate: float | None
    call: bool

    def at(self, spot: float) -> Greeks:
        """Return the sensitivities at a price of the underlying.

        Args:
            spot: USD, above 0.
        """
        assert self.volatility is not None
        return valued(spot, self.strike, self.years, self.volatility, self.rate or 0.0, self.call)

    @property
    def greeks(self) -> Greeks | None:
        """Sensitivities at the session's close, None without them."""
        known = self.status.startswith("european") and self.spot is not None
        return self.at(self.spot) if known and self.spot is not None else None

    @property
    def delta_dollars(self) -> float | None:
        """USD of the underlying that the option moves with."""
        greeks = self.greeks
        return None if greeks is None or self.spot is None else self.shares * greeks.delta * self.spot


def normal(x: float) -> float:
    """Return the standard normal distribution function, exact to the last digits in both tails."""
    return math.erfc(-x / math.sqrt(2)) / 2


def valued(spot: float, strike: float, years: float, volatility: float, rate: float, call: bool) -> Greeks:
    """Return the Greeks of a call or a put.

    Args:
        spot: USD.
        strike: USD.
        years: to the expiration.
        volatility: a year.
        rate: a year, continuous.
        call: whether it is a call.
    """
    root = volatility * math.sqrt(years)
    paid = strike * math.exp(-rate * years)
    d1 = math.log(spot / paid) / root + root / 2
    d2 = d1 - root
    density = math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    decay = -spot * density * volatility / (2 * math.sqrt(years))
    delta, exercised = normal(d1), paid * normal(d2)
    if not call:
        # A put by its own tails: by parity a tiny delta would be 0.
        delta, exercised = -normal(-d1), -paid * normal(-d2)
    return Greeks(
        price=spot * delta - exercised,
        delta=delta,
        gamma=density / (spot * root),
        theta=decay - rate * exercised,
        vega=spot * density * math.sqrt(years),
        rho=years * exercised,
    )


def implied(price: float, spot: float, strike: float, years: float, rate: float, call: bool) -> float | None:
    """Return the volatility at which an option has a price, by bisection; None where the price shows none.

    Args:
        price: of the option, USD.
        spot: USD.
        strike: USD.
        years: to the expiration.
        rate: a year, continuous.
        call: whether it is a call.
    """
    paid = strike * math.exp(-rate * years)
    least = max(spot - paid if call else paid - spot, 0.0)
    most = spot if call else paid
    if not least + TICK <= price <= most - TICK:
        return None
    low, high = 0.0, LARGEST
    while low < (middle := (low + high) / 2) < high:
        below = valued(spot, strike, years, middle, rate, call).price < price
        low, high = (middle, high) if below else (low, middle)
    return low if low < LARGEST * (1 - 1e-9) else None


def contract(case: Case, lot: PositionLot) -> Contract:
    """Return what values an option in the session, computed once.

    Args:
        case: its closes, interest rates and the terms of its options.
        lot: an option.
    """
    return case.once(("contract", lot.id), lambda: _contract(case, lot))


def _contract(case: Case, lot: PositionLot) -> Contract:
    terms = case.inputs.positions.filter(id=lot.id).row(0, named=True)
    strike, expires = terms["strike_price"], terms["expiration_date"]
    call, shares = lot.position_type in CALLS, float(lot.quantity * lot.units)
    spot = _close(case, lot.underlying_symbol or "")
    rate = _rate(case)
    years = (expires - case.day).days / DAYS_A_YEAR if expires else 0.0
    obstacle = _obstacle(strike is not None and expires is not None, years, spot)
    if obstacle or spot is None:
        return Contract(obstacle, shares, spot, 0.0, years, None, "", rate, call)
    own = _close(case, lot.symbol)
    shown = None if own is None else implied(own, spot, float(strike), years, rate or 0.0, call)
    volatility = shown or _history(case, lot.underlying_symbol or "")
    status = "european_rate_0" if rate is None else "european"
    source = "history" if shown is None else "implied"
    return Contract(
        status if volatility else "no_volatility",
        shares,
        spot,
        float(strike),
        years,
        volatility,
        source,
        rate,
        call,
    )


def _obstacle(has_terms: bool, years: float, spot: float | None) -> str:
    """Return the status of an option that cannot be valued, "" of one that may be."""
    if not has_terms:
        return "no_terms"
    if years <= 0:
        return "expired"
    return "no_underlying" if spot is None else ""


def _close(case: Case, symbol: str) -> float | None:
    if case.day not in case.series(symbol, 0):
        return None
    close = case.close(symbol, case.day)
    return None if close is None else float(close)


def _rate(case: Case) -> float | None:
    """Return the newest stored rate up to the session as a continuous one."""
    rows: list[tuple[date, float]] = list(case.inputs.interest_rates.select("asof_date", "rate").iter_rows())
    newest = max(((of, rate) for of, rate in rows if of <= case.day), default=None)
    return None if newest is None else math.log1p(float(newest[1]))


def _history(case: Case, symbol: str) -> float | None:
    """Return the yearly deviation of the underlying's last 63 returns, None if it has fewer or is 0."""
    returns = own_returns(case, symbol).values
    if len(returns) < VOLATILITY.minimum:
        return None
    last = [float(value) for value in returns[-QUARTER:]]
    mean = math.fsum(last) / QUARTER
    squares = math.fsum((value - mean) ** 2 for value in last)
    flat = all(value == last[0] for value in last)
    return None if flat else math.sqrt(squares / (QUARTER - 1) * 252)


def greeks(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of engine_option_greeks.

    Args:
        case: its closes, interest rates and the terms of its options.
        ask: the position, and a column of the table.
    """
    lot = next((one for one in case.lots if one.id == ask.position.id), ask.position)
    column, held = ask.column, lot in case.lots and (case.by_session or lot.exit_date is None)
    if case.rules.options == "premium" or not lot.option or lot.private or not held:
        why = "only with options=greeks" if case.rules.options == "premium" else "no option that is held"
        return absent(f"{column} of an option", why)
    of = contract(case, lot)
    plain: dict[str, Value] = {"status": of.status, "underlying_price": of.spot, "rate": of.rate}
    if column in plain:
        value = plain[column]
        why = "no close of the underlying" if column == "underlying_price" else "no rate is stored"
        return absent(column, why) if value is None else Working(f"{column} of {lot.symbol}", value)
    sensitivities = of.greeks
    if sensitivities is None or of.spot is None:
        return absent(f"{column} of {lot.symbol}", f"status {of.status}")
    if column == "volatility":
        return Working(f"volatility of {lot.underlying_symbol}: {of.source}", of.volatility)
    if column == "volatility_source":
        return Working("volatility_source", of.source)
    value = {
        **vars(sensitivities),
        "delta_dollars": of.delta_dollars,
        "gamma_dollars": of.shares * sensitivities.gamma * of.spot**2 / 100.0,
    }[column]
    return Working(FORMULAS[column], value, _steps(of, sensitivities))


def _steps(of: Contract, sensitivities: Greeks) -> tuple[Step, ...]:
    return (
        Step("S", of.spot, "USD, close of the underlying", "market_data_cache"),
        Step("K", of.strike, "USD", "positions: strike_price"),
        Step("T", of.years, "years, days to the expiration / 365", "positions: expiration_date"),
        Step("v", of.volatility, f"fraction a year, {of.source}"),
        Step("r", of.rate or 0.0, "fraction a year, continuous", "engine_interest_rates"),
        Step("q", of.shares, "shares of the underlying", "positions: quantity x 100"),
        Step("delta", sensitivities.delta, "a share"),
        Step("gamma", sensitivities.gamma, "a share"),
    )
