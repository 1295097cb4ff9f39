"""Ten figures, by hand: cells of the golden tables, added up and multiplied here, step by step."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

import engine
from engine.analyst.explain.explaining import of_case
from engine.analyst.explain.line import two_sided_tail
from engine.analyst.explain.selection import Selectors, figure_named, select
from tests.analyst.golden_cases import GOLDEN, case

DAY, BEFORE = date(2025, 4, 15), date(2025, 4, 14)
H1 = "6b6f7905-f14e-5c74-ad80-fcfd9c4ae704"
NAME = "H1 Global Long Short"
CENT = Decimal("0.01")


def table(part: str, name: str) -> pl.DataFrame:
    return pl.read_parquet(GOLDEN / "mixed" / part / f"{name}.parquet")


def explained(figure: str, **which: Any) -> engine.Explanation:
    asked, known = Selectors(**which), case("mixed", NAME, DAY)
    found = of_case(known, select(known, figure_named(figure, None, asked), figure, asked))
    assert found.verdict == "equal", found.to_text()
    return found


def step(found: engine.Explanation, name: str) -> Any:
    return next(one.value for one in found.working.steps if one.name == name)


def snapshot(day: date, column: str) -> Any:
    rows = table("outputs", "portfolio_snapshots").filter(portfolio_id=H1, snapshot_date=day)
    return rows[column].item()


def closes(symbol: str, days: int, until: date = DAY) -> pl.DataFrame:
    rows = (
        table("inputs", "market_data_cache").filter(symbol=symbol).select("date", pl.col("close").cast(float))
    )
    since = pl.lit(until).dt.offset_by(f"-{days}d")
    return rows.filter(pl.col("date").is_between(since, until) & (pl.col("date").dt.weekday() < 6)).sort(
        "date"
    )


def returns(symbol: str, days: int) -> np.ndarray:
    level = closes(symbol, days)["close"].to_numpy()
    return np.asarray(level[1:] / level[:-1] - 1)


def test_equity_is_yesterday_s_and_the_moves_of_the_lots() -> None:
    found = explained("equity_balance")
    lots = table("inputs", "positions").filter(portfolio_id=H1)
    assert step(found, "E0") == snapshot(BEFORE, "equity_balance") == Decimal("4970880.77")
    assert snapshot(DAY, "equity_balance") == Decimal("4981361.46")
    moves = found.working.frames["moves"]
    one = moves.filter(symbol="KRX").row(0, named=True)
    assert (one["close"] - one["previous_close"]) * one["quantity"] == Decimal("7497.01467210")
    assert one["quantity"] == lots.filter(symbol="KRX")["quantity"].item()
    assert Decimal("4970880.77") + sum(moves["gain"]) == Decimal("4981361.46238494")


def test_the_day_s_return_is_its_pnl_over_yesterday_s_equity() -> None:
    found = explained("daily_return")
    assert step(found, "T") == Decimal("10480.69238494")
    assert Decimal("10480.69238494") / Decimal("4970880.77") - Decimal("0.002108") < Decimal("0.0000005")
    assert found.stored == Decimal("0.002108")


def test_an_option_s_value_is_a_hundred_times_its_price_and_quantity() -> None:
    lots = explained("gross_exposure").working.frames["lots"]
    option = lots.filter(symbol="KAN250620C00384000").row(0, named=True)
    assert (option["quantity"], option["price"], option["exposure"]) == (Decimal(25), 8.83, "22075.0")
    total = sum(abs(Decimal(value)) for value in lots["exposure"].drop_nulls())
    assert total.quantize(CENT) == snapshot(DAY, "gross_exposure")


def test_market_beta_is_the_slope_on_spy() -> None:
    found = explained("beta", symbol="KRX")
    line = stats.linregress(returns("SPY", 120), returns("KRX", 120))
    assert step(found, "n") == 81
    assert step(found, "Sxy") / step(found, "Sxx") == pytest.approx(line.slope, rel=1e-12)
    assert found.stored == Decimal("1.085727")


@pytest.mark.parametrize("df", [1, 2, 3, 28, 79, 250])
def test_tails_are_those_of_scipy(df: int) -> None:
    for t in (0.0, 1e-3, -0.3, 1.0, 2.5, -7.0, 40.0, math.inf):
        assert two_sided_tail(t, df) == pytest.approx(2 * stats.t.sf(abs(t), df), abs=1e-12)


def test_its_p_value_is_that_of_student_s_t() -> None:
    found = explained("p_value", symbol="KRX")
    t = step(found, "slope") / step(found, "SE")
    line = stats.linregress(returns("SPY", 120), returns("KRX", 120))
    assert 2 * stats.t.sf(t, 79) == pytest.approx(line.pvalue, rel=1e-10)
    assert float(found.stored) == pytest.approx(line.pvalue, abs=5e-7)  # type: ignore[arg-type]


def test_realised_volatility_is_the_deviation_of_21_returns_a_year() -> None:
    found = explained("realized_vol_21d", symbol="KRX")
    last = returns("KRX", 365)[-21:]
    assert step(found, "S") == pytest.approx(((last - last.mean()) ** 2).sum(), rel=1e-12)
    assert (step(found, "S") / 20 * 252) ** 0.5 == pytest.approx(float(found.stored), abs=5e-5)  # type: ignore[arg-type]


def test_a_pair_s_correlation_is_pearson_s_of_logarithmic_returns() -> None:
    found = explained("correlation_value", symbol=["KRX", "KRS"])
    frame = found.working.frames["returns"]
    assert stats.pearsonr(frame["KRX"], frame["KRS"]).statistic == pytest.approx(
        step(found, "Sxy") / (step(found, "Sxx") * step(found, "Syy")) ** 0.5, rel=1e-12
    )
    assert found.stored == Decimal("0.237694")


def test_a_factor_s_dollars_are_its_beta_times_equity() -> None:
    found = explained("exposure_dollar", factor="Size")
    lots = found.working.frames["lots"]
    beta = (lots["value"] * lots["beta"]).sum() / float(snapshot(DAY, "equity_balance"))
    assert step(found, "beta") == pytest.approx(beta, rel=1e-12)
    assert beta * 4981361.46 == pytest.approx(float(found.stored), abs=0.005)  # type: ignore[arg-type]


def test_a_stress_test_multiplies_exposures_by_shocks() -> None:
    found = explained("direct_pnl", scenario="market_down_10")
    rows = table("outputs", "factor_exposures").filter(portfolio_id=H1, calculation_date=DAY)
    market = table("outputs", "factor_definitions").filter(name="Market Beta (90D)")["id"].item()
    held = rows.filter(factor_id=market)["exposure_dollar"].item()
    assert (held * Decimal("-0.1")).quantize(CENT) == found.stored


def test_the_portfolio_s_r_squared_weighs_the_lots_by_size() -> None:
    found = explained("beta_calculated_90d_r_squared")
    fits = table("outputs", "position_market_betas").filter(portfolio_id=H1, calc_date=DAY)
    lots = found.working.frames["lots"].join(fits, on="position_id", suffix="_stored")
    assert lots.height == fits.height
    size = lots["value"].abs()
    weighed = (size * lots["r_squared_stored"]).sum() / size.sum()
    assert weighed == pytest.approx(float(found.stored), abs=5e-5)  # type: ignore[arg-type]
