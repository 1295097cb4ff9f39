"""Options by their Greeks: what values them, what they count as, and what is left out."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from engine.analytics.panels import OpenPositions
from engine.analytics.positions.option_greeks import OptionBook, by_delta, greeks_rows, option_book
from engine.core.rules import Rules
from engine.pipeline.inputs import INTEREST_RATES
from tests.analytics.small import LAST, lot, open_lots, price_panel, table, window_dates

RULES = replace(Rules.legacy(), options="greeks")
EXPIRES = LAST + timedelta(73)
"""A fifth of a year."""
RNG = np.random.default_rng(3)
AAA = (100.0 * np.exp(np.cumsum(RNG.normal(0, 0.01, 90)))).tolist()
CALL = {"position_type": "LC", "underlying_symbol": "AAA", "investment_class": "OPTIONS"}
NO_RATES = pl.DataFrame(schema=INTEREST_RATES)


def price(spot: float, strike: float, years: float, volatility: float, rate: float, call: bool) -> float:
    """Black and Scholes, written out."""
    d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / (volatility * math.sqrt(years))
    d2, sign = d1 - volatility * math.sqrt(years), 1 if call else -1
    paid = strike * math.exp(-rate * years)
    return float(sign * (spot * stats.norm.cdf(sign * d1) - paid * stats.norm.cdf(sign * d2)))


def book(
    *lots: dict[str, Any],
    closes: dict[str, list[float]],
    quantity: float = 2.0,
    strike: float | None = 100.0,
    expires: date | None = EXPIRES,
    rates: pl.DataFrame = NO_RATES,
    quoted: dict[str, list[float]] | None = None,
) -> tuple[OptionBook, OpenPositions]:
    positions = open_lots(*lots)
    ids = positions.frame["position_id"].to_list()
    terms = {"strike_price": strike, "expiration_date": expires, "quantity": quantity}
    stored = table("positions", *({"id": key} | terms for key in ids))
    marks = stored.select("id", "quantity", session=pl.lit(0))
    panel = price_panel(closes)
    found = option_book(positions, stored, marks, panel, price_panel(quoted or closes), rates, RULES)
    return found, positions


def own(name: str, value: float) -> list[float]:
    """Closes of an option that is quoted on the last day alone."""
    return [math.nan] * 89 + [value]


def test_the_own_close_implies_the_volatility() -> None:
    quoted = price(AAA[-1], 100.0, 0.2, 0.35, 0.0, True)
    found, _ = book(lot("OPT", [1.0], **CALL), closes={"AAA": AAA, "OPT": own("OPT", quoted)})
    assert found.volatility.item() == pytest.approx(0.35, abs=1e-10)
    assert found.implied.item()
    d1 = (math.log(AAA[-1] / 100.0) + 0.35**2 / 2 * 0.2) / (0.35 * math.sqrt(0.2))
    assert found.greeks.delta.item() == pytest.approx(stats.norm.cdf(d1), abs=1e-10)
    assert found.delta_dollars.item() == pytest.approx(200 * stats.norm.cdf(d1) * AAA[-1])


def test_the_underlying_counts_at_its_quoted_close_and_by_its_adjusted_returns() -> None:
    # A later dividend of 5 % has lowered the closes that returns come from.
    adjusted = {"AAA": [0.95 * close for close in AAA]}
    found, _ = book(lot("OPT", [1.0], **CALL), closes=adjusted, quoted={"AAA": AAA})
    assert found.spot.item() == AAA[-1]
    returns = np.diff(AAA)[-63:] / np.array(AAA)[-64:-1]
    assert found.volatility.item() == pytest.approx(returns.std(ddof=1) * math.sqrt(252))


def test_without_one_the_last_63_returns_of_the_underlying_count() -> None:
    found, _ = book(lot("OPT", [1.0], **CALL), closes={"AAA": AAA})
    returns = pl.Series(AAA).pct_change()[-63:]
    assert found.volatility.item() == pytest.approx(float(returns.std() or 0) * math.sqrt(252))
    assert not found.implied.item()


def test_the_newest_rate_up_to_the_session_counts_continuously() -> None:
    days = [LAST - timedelta(9), LAST - timedelta(1), LAST + timedelta(1)]
    rates = pl.DataFrame({"asof_date": days, "rate": [0.01, 0.05, 0.09]})
    found, _ = book(lot("OPT", [1.0], **CALL), closes={"AAA": AAA}, rates=rates)
    assert found.rate.tolist() == pytest.approx([math.log(1.05)])
    expected = price(AAA[-1], 100.0, 0.2, found.volatility.item(), math.log(1.05), True)
    assert found.greeks.price.item() == pytest.approx(expected)
    assert greeks_rows(found, window_dates(1))["status"].to_list() == ["european"]


def test_an_option_counts_as_its_underlying_worth_the_delta_s_dollars() -> None:
    put = CALL | {"position_type": "SP"}
    found, positions = book(lot("BBB", [7.0]), lot("OPT", [1.0], **put), closes={"AAA": AAA}, quantity=-2.0)
    moved = by_delta(positions, found)
    columns = ["symbol", "position_type", "investment_class"]
    assert moved.frame.select(columns).rows() == [("BBB", "LONG", "PUBLIC"), ("AAA", "LONG", "PUBLIC")]
    # A short put gains with its underlying: -2 x 100 x a negative delta.
    assert moved.stored[:, 0].tolist() == [7.0, found.delta_dollars.item()]
    assert moved.recomputed[1, 0] == moved.stored[1, 0] > 0


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ({"closes": {"AAA": AAA}}, "european_rate_0"),
        ({"closes": {"AAA": AAA}, "strike": None}, "no_terms"),
        ({"closes": {"AAA": AAA}, "expires": None}, "no_terms"),
        ({"closes": {"AAA": AAA}, "expires": LAST}, "expired"),
        ({"closes": {"BBB": AAA}}, "no_underlying"),
        ({"closes": {"AAA": AAA[-30:]}}, "no_volatility"),
    ],
)
def test_what_cannot_be_valued_has_a_status_and_no_figure(case: dict[str, Any], status: str) -> None:
    found, positions = book(lot("OPT", [1.0], **CALL), **case)
    (row,) = greeks_rows(found, window_dates(1)).rows(named=True)
    assert row["status"] == status
    valued = status.startswith("european")
    assert (row["delta"] is not None, row["delta_dollars"] is not None) == (valued, valued)
    assert np.isfinite(by_delta(positions, found).stored).item() is valued


def test_stocks_and_private_assets_are_no_options() -> None:
    private = CALL | {"investment_class": "PRIVATE"}
    found, positions = book(lot("AAA", [1.0]), lot("OPT", [1.0], **private), closes={"AAA": AAA})
    assert not found.at.size
    assert by_delta(positions, found) is positions
    assert greeks_rows(found, window_dates(1)).is_empty()
