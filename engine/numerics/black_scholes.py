"""Prices and sensitivities of European options without dividends, and the volatility that a price implies.

    d1 = (ln(S / K) + (r + v^2 / 2) T) / (v sqrt(T)),  d2 = d1 - v sqrt(T)
    call = S N(d1) - K exp(-r T) N(d2),  put = K exp(-r T) N(-d2) - S N(-d1)

S: price of the underlying, K: strike, T: years to expiration, v: volatility a year, r: continuous rate a
year. All arguments broadcast. Source: Black and Scholes, The pricing of options and corporate liabilities
(1973); Hull, Options, Futures and Other Derivatives, chapters 15 and 19.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from engine.numerics.arrays import Bools, Floats

LARGEST_VOLATILITY = 10.0
"""1,000 % a year: a price that implies more is no price of an option."""
STEPS = 80
"""Bisections that Newton's method falls back on at most: 10 / 2^80 is below every rounding."""
TOLERANCE = 1e-14
"""Relative: the size of the last step of an implied volatility."""
# NumPy has no erfc, and SciPy takes a third of a second to import.
_erfc = np.frompyfunc(math.erfc, 1, 1)


class Greeks(NamedTuple):
    """Sensitivities of one option on one share; NaN where an argument is, or is not above 0.

    Attributes:
        price: USD.
        delta: USD for 1 USD of the underlying.
        gamma: of delta, for 1 USD.
        vega: USD for a volatility higher by 1.
        theta: USD a year, as time passes.
        rho: USD for a rate higher by 1.
    """

    price: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats


def normal_cdf(x: Floats) -> Floats:
    """Return the standard normal distribution function.

    Args:
        x: of any shape.
    """
    return 0.5 * np.asarray(_erfc(-np.asarray(x) / math.sqrt(2.0)), dtype=np.float64)


def greeks(
    spot: Floats, strike: Floats, years: Floats, volatility: Floats, rate: Floats, call: Bools
) -> Greeks:
    """Return the price and the sensitivities of options.

    Args:
        spot: USD.
        strike: USD.
        years: to expiration.
        volatility: a year, a fraction.
        rate: a year, continuous, a fraction.
        call: whether an option is a call; else it is a put.
    """
    valid = (spot > 0) & (strike > 0) & (years > 0) & (volatility > 0)
    s, k, t, v = (np.where(valid, some, np.nan) for some in (spot, strike, years, volatility))
    root, sign = v * np.sqrt(t), np.where(call, 1.0, -1.0)
    d1 = (np.log(s / k) + (rate + 0.5 * v * v) * t) / root
    d2 = d1 - root
    paid = k * np.exp(-rate * t)
    density = np.exp(-0.5 * d1 * d1) / math.sqrt(2.0 * math.pi)
    in_1, in_2 = normal_cdf(sign * d1), normal_cdf(sign * d2)
    return Greeks(
        price=sign * (s * in_1 - paid * in_2),
        delta=sign * in_1,
        gamma=density / (s * root),
        vega=s * density * np.sqrt(t),
        theta=-s * density * v / (2.0 * np.sqrt(t)) - sign * rate * paid * in_2,
        rho=sign * t * paid * in_2,
    )


def implied_volatility(
    price: Floats, spot: Floats, strike: Floats, years: Floats, rate: Floats, call: Bools, tick: float
) -> Floats:
    """Return the volatility at which an option has a price; NaN where none has, or too little shows it.

    A price within a `tick` of its bounds, the discounted intrinsic value and the underlying or the discounted
    strike, says nothing of the volatility. Newton's method, kept inside a bracket that each step narrows.

    Args:
        price: of the option, USD.
        spot: USD.
        strike: USD.
        years: to expiration.
        rate: a year, continuous, a fraction.
        call: whether an option is a call; else it is a put.
        tick: USD, the smallest time value.

    Returns:
        A year, a fraction, up to 10.
    """
    price, spot, strike, years, rate, call = np.broadcast_arrays(price, spot, strike, years, rate, call)
    paid = strike * np.exp(-rate * years)
    least = np.maximum(np.where(call, spot - paid, paid - spot), 0.0)
    most = np.where(call, spot, paid)
    known = (years > 0) & (strike > 0) & (price >= least + tick) & (price <= most - tick)
    found = np.full(price.shape, np.nan)
    if known.any():
        numbers = (some[known] for some in (price, spot, strike, years, rate))
        found[known] = _solved(*numbers, call=call[known])
    return found


def _solved(
    price: Floats, spot: Floats, strike: Floats, years: Floats, rate: Floats, *, call: Bools
) -> Floats:
    """Return implied volatilities [n] of prices inside their bounds."""
    low, high = np.zeros_like(price), np.full_like(price, LARGEST_VOLATILITY)
    # Brenner and Subrahmanyam's start, exact to first order at the money.
    guess = np.clip(np.sqrt(2.0 * math.pi / years) * price / spot, 0.01, 2.0)
    left = np.arange(price.size)
    for _ in range(STEPS):
        before = guess[left]
        at = greeks(spot[left], strike[left], years[left], before, rate[left], call[left])
        miss = at.price - price[left]
        low[left] = np.where(miss < 0, before, low[left])
        high[left] = np.where(miss >= 0, before, high[left])
        newton = before - np.divide(miss, at.vega, out=np.full_like(miss, np.inf), where=at.vega > 0)
        inside = (newton > low[left]) & (newton < high[left])
        guess[left] = np.where(inside, newton, 0.5 * (low[left] + high[left]))
        # Most are done after fourteen steps, a few near their bounds after fifty.
        left = left[np.abs(guess[left] - before) > TOLERANCE * before]
        if not left.size:
            break
    return np.where(guess < LARGEST_VOLATILITY * (1.0 - 1e-9), guess, np.nan)
