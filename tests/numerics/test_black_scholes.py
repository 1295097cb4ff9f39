"""Options against QuantLib, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import QuantLib as ql
from scipy import stats

from engine.numerics.black_scholes import greeks, implied_volatility, normal_cdf

TODAY = ql.Date(3, 3, 2025)
FIGURES = {"price": "NPV", "delta": "delta", "gamma": "gamma", "vega": "vega", "theta": "theta", "rho": "rho"}


def quantlib(
    spot: float, strike: float, days: int, volatility: float, rate: float, call: bool
) -> ql.VanillaOption:
    """A European option without dividends on a flat curve, of 365 days a year."""
    ql.Settings.instance().evaluationDate = TODAY
    count = ql.Actual365Fixed()
    flat = [ql.YieldTermStructureHandle(ql.FlatForward(TODAY, some, count)) for some in (0.0, rate)]
    surface = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), volatility, count))
    process = ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(spot)), *flat, surface)
    kind = ql.Option.Call if call else ql.Option.Put
    option = ql.VanillaOption(ql.PlainVanillaPayoff(kind, strike), ql.EuropeanExercise(TODAY + days))
    option.setPricingEngine(ql.AnalyticEuropeanEngine(process))
    return option, process


def cases() -> tuple[np.ndarray, ...]:
    """Two hundred options: spot, strike, days, volatility, rate, call."""
    rng = np.random.default_rng(7)
    spot = rng.uniform(20, 500, 200)
    return (
        spot,
        spot * rng.uniform(0.7, 1.4, 200),
        rng.integers(2, 700, 200),
        rng.uniform(0.1, 0.9, 200),
        rng.choice([0.0, 0.043, -0.005], 200),
        rng.random(200) < 0.5,
    )


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_are_quantlib_s(figure: str) -> None:
    spot, strike, days, volatility, rate, call = cases()
    found = getattr(greeks(spot, strike, days / 365, volatility, rate, call), figure)
    rows = zip(spot, strike, days.tolist(), volatility, rate, call.tolist(), strict=True)
    expected = [getattr(quantlib(*row)[0], FIGURES[figure])() for row in rows]
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


def test_the_implied_volatility_is_quantlib_s() -> None:
    spot, strike, days, volatility, rate, call = cases()
    price = np.round(greeks(spot, strike, days / 365, volatility, rate, call).price, 2)
    found = implied_volatility(price, spot, strike, days / 365, rate, call, 0.01)
    known = np.isfinite(found)
    assert known.sum() > 150
    for at in np.flatnonzero(known):
        row = (spot[at], strike[at], int(days[at]), 0.3, rate[at], bool(call[at]))
        option, process = quantlib(*row)
        expected = option.impliedVolatility(float(price[at]), process, 1e-14, 500, 1e-7, 10.0)
        assert found[at] == pytest.approx(expected, abs=1e-8)


def one(value: float) -> np.ndarray:
    return np.array([value])


def test_an_implied_volatility_does_not_depend_on_the_others() -> None:
    spot, strike, days, volatility, rate, call = cases()
    price = greeks(spot, strike, days / 365, volatility, rate, call).price
    options = (price, spot, strike, days / 365, rate, call)
    together = implied_volatility(*options, 0.01)
    alone = [implied_volatility(*(some[n : n + 1] for some in options), 0.01)[0] for n in range(200)]
    assert np.array_equal(together, np.array(alone), equal_nan=True)


def test_an_at_the_money_call_by_hand() -> None:
    # d1 = v sqrt(T) / 2 = 0.1 and d2 = -0.1 at S = K, r = 0, v = 0.2, T = 1: S (2 N(0.1) - 1).
    found = greeks(one(100), one(100), one(1), one(0.2), one(0), np.array([True]))
    assert found.price == pytest.approx(7.9655674554)
    assert found.delta == pytest.approx(0.5398278373)
    assert found.gamma == pytest.approx(math.exp(-0.005) / math.sqrt(2 * math.pi) / 20)


@pytest.mark.parametrize("price", [19.0, 20.0, 20.009, 99.995, 100.0, np.nan])
def test_a_price_that_shows_no_volatility_has_none(price: float) -> None:
    """A call of strike 80 on 100: its time value is below a cent, or it is as dear as the underlying."""
    found = implied_volatility(one(price), one(100), one(80), one(0.5), one(0), np.array([True]), 0.01)
    assert np.isnan(found).all()


def test_an_expired_option_has_no_figures() -> None:
    call = np.array([True])
    assert np.isnan(implied_volatility(one(25), one(100), one(80), one(0), one(0), call, 0.01)).all()
    assert np.isnan(greeks(one(100), one(80), one(0), one(0.2), one(0), call).price).all()


def test_the_distribution_is_scipy_s() -> None:
    x = np.linspace(-37, 9, 500)
    np.testing.assert_allclose(normal_cdf(x), stats.norm.cdf(x), rtol=1e-12)
