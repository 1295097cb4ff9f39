"""Next day's P&L of the open quoted stocks against the P&L that their stored betas predict.

    predicted = sum over lots of V (b_m m + sum over styles and rates of b_f (r_f - g_f m))

b are stored betas under the joint model, V = quantity x close, r and m the next session's returns of the
funds and of SPY, g_f the slope of a fund on SPY over the 120 calendar days before. The regression of the P&L
on the prediction must have a slope of 1 within two standard errors (Newey and West, five lags). Options are
left out: their P&L is not linear in their underlyings'.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm

import engine
from engine.core.funds import STYLE_FUNDS
from engine.core.rules import Rules
from engine.pipeline.compute import compute
from tests.test_golden import GOLDEN, RUN_DATE, WINDOWS, folder

FUNDS = ["SPY", *STYLE_FUNDS.values(), "TLT"]
H1, H2, H3 = "6b6f7905", "80a4ad45", "ccefd4c8"
"""The portfolios of `mixed` with public stocks and equity throughout."""


@cache
def closes() -> pd.DataFrame:
    rows = pl.read_parquet(GOLDEN / "mixed/inputs/market_data_cache.parquet").filter(pl.col("close") > 0)
    long = rows.select("symbol", "date", pl.col("close").cast(float)).to_pandas()
    wide = long.pivot(index="date", columns="symbol", values="close").sort_index()
    wide = wide.set_axis(pd.to_datetime(wide.index))
    return wide[wide["SPY"].notna()]


@cache
def lot_betas() -> pd.DataFrame:
    """Stored betas by portfolio, session and lot, a column for each fund; of lots that have all eight."""
    inputs = engine.open(folder("mixed", "inputs")).inputs(*WINDOWS["mixed"], run_date=RUN_DATE)
    results = compute(inputs, rules=Rules.corrected())
    names = dict(results["factor_definitions"].select("id", "name").iter_rows())
    key = ["position_id", "day"]
    styles = results["position_factor_exposures"].select(
        "position_id",
        "exposure_value",
        day="calculation_date",
        name=pl.col("factor_id").replace_strict(names),
    )
    wide = styles.filter(pl.col("name").is_in(list(STYLE_FUNDS))).pivot("name", index=key).rename(STYLE_FUNDS)
    market = results["position_market_betas"].select("position_id", day="calc_date", SPY="beta")
    rates = results["position_interest_rate_betas"].select(
        "position_id", day="calculation_date", TLT="ir_beta"
    )
    stocks = inputs.positions.filter(pl.col("investment_class") == "PUBLIC")
    lots = stocks.select("symbol", "quantity", "portfolio_id", position_id="id")
    joined = wide.join(market, on=key).join(rates, on=key).join(lots, on="position_id")
    return joined.drop_nulls().with_columns(pl.col(*FUNDS, "quantity").cast(float)).to_pandas()


def predicted(lots: pd.DataFrame, day: pd.Timestamp, after: pd.Timestamp) -> tuple[float, float]:
    """Return the predicted and the actual P&L of lots from one session to the next."""
    prices = closes()
    window = prices.loc[day - timedelta(120) : day, FUNDS].dropna().pct_change().dropna()
    off = window - window.mean()
    slopes = off.mul(off["SPY"], axis=0).sum() / (off["SPY"] ** 2).sum()
    move = prices.loc[after, FUNDS] / prices.loc[day, FUNDS] - 1.0
    beyond = move - slopes * move["SPY"]
    beyond["SPY"] = move["SPY"]
    level, change = (prices.loc[one, lots["symbol"]].to_numpy() for one in (day, after))
    value = lots["quantity"].to_numpy() * level
    gain = lots["quantity"].to_numpy() * (change - level)
    known = np.isfinite(gain)
    return float((value * (lots[FUNDS].to_numpy() @ beyond[FUNDS].to_numpy()))[known].sum()), float(
        gain[known].sum()
    )


@pytest.mark.parametrize("portfolio", [H1, H2, H3])
def test_the_pnl_on_the_prediction_has_a_slope_of_1(portfolio: str) -> None:
    mine = lot_betas()[lot_betas()["portfolio_id"].str.startswith(portfolio)]
    by_day = {pd.Timestamp(day): lots for day, lots in mine.groupby("day")}
    days = [day for day in closes().index if day in by_day and closes().loc[day, FUNDS].notna().all()]
    points = np.array([predicted(by_day[day], day, after) for day, after in pairwise(days)])
    assert len(points) > 40
    fit = sm.OLS(points[:, 1], sm.add_constant(points[:, 0])).fit(cov_type="HAC", cov_kwds={"maxlags": 5})
    assert abs(fit.params[1] - 1.0) <= 2.0 * fit.bse[1]
    assert fit.bse[1] < 0.15
