"""A stock with a hole of four sessions in its closes, in which the funds move: betas over common closes.

The stock is 1.5 x the growth-value spread, without a move of its own. After the hole it has one return of
five days, beside which the legacy rules put the funds' return of one day.
"""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from sklearn.linear_model import Ridge

import engine
from engine.core.calendar import sessions
from engine.core.funds import STYLE_FUNDS
from engine.core.rules import Rules
from engine.numerics.arrays import Floats

DAYS = sessions(date(2024, 6, 3), date(2025, 3, 7))
FUNDS = ("SPY", *STYLE_FUNDS.values(), "TLT")
HOLE = DAYS[-20:-16]
SPREAD = "Growth-Value Spread"


@cache
def closes() -> pl.DataFrame:
    rng = np.random.default_rng(25)
    moves = rng.normal(0, 0.008, (len(DAYS), 1)) + rng.normal(0, 0.004, (len(DAYS), 8))
    moves[-20:-15, FUNDS.index("VUG")] += 0.03
    stock = 1.5 * (moves[:, FUNDS.index("VUG")] - moves[:, FUNDS.index("VTV")])
    levels = 100 * np.cumprod(1 + np.column_stack((moves, stock)), axis=0)
    wide = pl.DataFrame(levels.round(4), schema=[*FUNDS, "AAA"]).insert_column(0, pl.Series("Date", DAYS))
    return wide.with_columns(AAA=pl.when(~pl.col("Date").is_in(HOLE)).then("AAA"))


def betas(rules: str) -> dict[str, float]:
    """Betas of the last session by factor."""
    inputs = engine.book(
        {"Symbol": ["AAA"], "Quantity": [100]}, closes(), equity=20_000, start=DAYS[-1], end=DAYS[-1]
    )
    results = engine.compute(inputs, rules=Rules.parse(rules))
    names = dict(results["factor_definitions"].select("id", "name").iter_rows())
    rows = results["position_factor_exposures"].select("factor_id", "exposure_value").iter_rows()
    return {names[factor]: float(beta) for factor, beta in rows}


def returns(days: int, funds: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Returns of the stock and of funds between the sessions of a look-back that all of them have."""
    first = date.fromordinal(DAYS[-1].toordinal() - days)
    level = closes().filter(pl.col("Date") >= first).select("AAA", *funds).drop_nulls().to_numpy()
    moves = level[1:] / level[:-1] - 1.0
    return moves[:, 0], moves[:, 1:]


def test_a_spread_beta_is_that_of_common_closes() -> None:
    stock, funds = returns(210, ("VUG", "VTV"))
    expected = sm.OLS(stock, sm.add_constant(funds[:, 0] - funds[:, 1])).fit().params[1]
    assert expected == pytest.approx(1.5, abs=0.05)
    assert betas("legacy,alignment=common")[SPREAD] == pytest.approx(expected, abs=1e-6)
    assert betas("corrected")[SPREAD] == pytest.approx(expected, abs=1e-6)
    assert betas("legacy")[SPREAD] > 2.0


def test_style_betas_are_those_of_common_closes() -> None:
    stock, styles = returns(120, tuple(STYLE_FUNDS.values()))
    sigma = styles.std(axis=0)
    expected = Ridge(alpha=1.0).fit((styles - styles.mean(axis=0)) / sigma, stock).coef_ / sigma
    found, legacy = betas("legacy,alignment=common"), betas("legacy")
    assert [found[style] for style in STYLE_FUNDS] == pytest.approx(expected, abs=1e-6)
    assert abs(legacy["Growth"] - expected[list(STYLE_FUNDS).index("Growth")]) > 0.5
