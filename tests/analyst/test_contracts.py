"""Explanations of options: their own Greeks and implied volatility, against QuantLib."""

from __future__ import annotations

import math
from itertools import product

import pytest
import QuantLib as ql

from engine.analyst.explain.contracts import implied, valued

CASES = list(product((60.0, 100.0, 180.0), (0.05, 1.0), (0.1, 0.6), (0.0, 0.04), (True, False)))
STRIKE = 100.0


@pytest.mark.parametrize(("spot", "years", "volatility", "rate", "call"), CASES)
def test_greeks_equal_quantlib(spot: float, years: float, volatility: float, rate: float, call: bool) -> None:
    paid = STRIKE * math.exp(-rate * years)
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if call else ql.Option.Put, STRIKE)
    known = ql.BlackCalculator(payoff, spot * STRIKE / paid, volatility * years**0.5, paid / STRIKE)
    found = valued(spot, STRIKE, years, volatility, rate, call)
    assert found.price == pytest.approx(known.value(), abs=1e-10)
    assert found.delta == pytest.approx(known.delta(spot), abs=1e-10)
    assert found.gamma == pytest.approx(known.gamma(spot), abs=1e-10)
    assert found.vega == pytest.approx(known.vega(years), abs=1e-9)
    assert found.theta == pytest.approx(known.theta(spot, years), abs=1e-9)
    assert found.rho == pytest.approx(known.rho(years), abs=1e-9)
    shown = implied(known.value(), spot, STRIKE, years, rate, call)
    assert shown is None or shown == pytest.approx(volatility, abs=1e-9)


def test_a_price_without_time_value_shows_no_volatility() -> None:
    assert implied(20.0, 120.0, STRIKE, 0.5, 0.0, call=True) is None
    assert implied(119.995, 120.0, STRIKE, 0.5, 0.0, call=True) is None
