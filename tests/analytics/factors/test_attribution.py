"""Attributed P&L: one lot by hand, the funds' moves against statsmodels, and sums over the golden set."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import cache

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from engine.analytics.factors.attribution import COMPONENTS, ExAnteBetas, attribution, factor_moves
from engine.analytics.factors.joint import FUNDS
from engine.analytics.panels import PricePanel
from engine.core.money import scaled
from engine.pipeline.results import Results
from tests.analytics.small import LAST, price_panel
from tests.builders import uid
from tests.pipeline.test_books import golden

RNG = np.random.default_rng(4)
CLOSES = {fund: 100 * np.cumprod(1 + RNG.normal(0, 0.01, 60)) for fund in FUNDS}
CLOSES["ACME"] = 50 * np.cumprod(1 + RNG.normal(0, 0.02, 60))
GRAINS = 10**8


def model(*symbols: str, sessions: int = 2, **closes: np.ndarray) -> ExAnteBetas:
    """Betas of 0.1, 0.2, ... to the eight factors for the symbols, none for others."""
    panel: PricePanel = price_panel(CLOSES | closes, sessions=sessions)
    values = np.full((sessions, len(FUNDS), len(panel.symbols) + 1), np.nan)
    for symbol in symbols:
        values[:, :, panel.index[symbol]] = np.arange(1, 9) / 10
    rows = np.searchsorted(panel.days, panel.targets)
    return ExAnteBetas(values, panel, rows - 1)


def moves(at: int) -> np.ndarray:
    """The factors' returns of a session, with slopes of statsmodels."""
    returns = {fund: CLOSES[fund][1:] / CLOSES[fund][:-1] - 1 for fund in FUNDS}
    now = {fund: returns[fund][at - 1] for fund in FUNDS}
    before = {fund: returns[fund][: at - 1] for fund in FUNDS}
    market = sm.add_constant(before["SPY"])
    slopes = [sm.OLS(before[fund], market).fit().params[1] for fund in FUNDS[1:]]
    rest = [now[fund] - slope * now["SPY"] for fund, slope in zip(FUNDS[1:], slopes, strict=True)]
    return np.array([now["SPY"], *rest])


def test_the_funds_move_beyond_their_slope_on_the_market() -> None:
    found = factor_moves(model())
    np.testing.assert_allclose(found, [moves(58), moves(59)], rtol=1e-10)


def test_a_fund_without_a_close_has_no_move() -> None:
    hole = CLOSES["IWM"].copy()
    hole[59] = np.nan
    found = factor_moves(model(IWM=hole))
    assert np.isnan(found[1, FUNDS.index("IWM")])
    assert np.isfinite(np.delete(found[1], FUNDS.index("IWM"))).all()


def lot(
    name: str,
    start: float | None,
    move: float | None,
    pnl: float,
    income: float = 0.0,
    symbol: str = "ACME",
) -> dict[str, object]:
    grains = {"start_value": start, "whole_move": move, "pnl": pnl, "income": income}
    return {
        "portfolio_id": uid("P0"),
        "position_id": uid(name),
        "symbol": symbol,
        "date": LAST,
        **{key: None if value is None else round(value * GRAINS) for key, value in grains.items()},
    }


def parts(lots: list[dict[str, object]], daily: str) -> tuple[pl.DataFrame, dict[str, Decimal]]:
    """The parts of lots, and those of their portfolio, in USD; only ACME has betas."""
    amounts = ("start_value", "whole_move", "pnl", "income")
    rows = pl.DataFrame(lots).with_columns(pl.col(amounts).cast(pl.Int128))
    booked = pl.DataFrame({"portfolio_id": uid("P0"), "date": LAST, "daily_pnl": Decimal(daily)})
    booked = booked.with_columns(daily_pnl=scaled("daily_pnl"))
    found = attribution(rows, model("ACME"), booked)
    table = found["engine_pnl_attribution"]
    cents = dict(table.select("component", pl.col("amount").cast(pl.Float64)).iter_rows())
    return found["engine_position_attribution"], {name: Decimal(round(n)) / 100 for name, n in cents.items()}


def test_one_lot_by_hand() -> None:
    # 1,000 USD that would have moved by 30; the lot was sold for 2 more, and 5 of income came.
    by_lot, whole = parts([lot("A", 1000.0, 30.0, 32.0, 5.0)], "37.00")
    expected = 1000 * np.arange(1, 9) / 10 * moves(59)
    row = by_lot.row(0, named=True)
    np.testing.assert_allclose([row[name] / GRAINS for name in COMPONENTS[:8]], expected, atol=1e-8)
    assert row["specific"] / GRAINS == pytest.approx(30 - expected.sum(), abs=1e-7)
    assert row["residual"] / GRAINS == pytest.approx(7.0, abs=1e-7)
    assert sum(row[name] for name in COMPONENTS) == 37 * GRAINS
    assert {name: float(whole[name]) for name in COMPONENTS[:8]} == pytest.approx(
        dict(zip(COMPONENTS[:8], expected, strict=True)), abs=0.0051
    )
    assert sum(whole.values()) == Decimal("37.00")


def test_without_a_price_all_is_residual() -> None:
    by_lot, whole = parts([lot("A", 1000.0, None, 0.0, 3.0), lot("B", None, None, 4.0)], "7.00")
    assert by_lot.select(COMPONENTS[:-1]).sum().row(0) == (0,) * 9
    assert by_lot["residual"].to_list() == [3 * GRAINS, 4 * GRAINS]
    assert whole["residual"] == Decimal("7.00")


def test_a_lot_without_betas_is_residual_and_one_without_pnl_has_no_row() -> None:
    lots = [lot("A", 1000.0, 30.0, 30.0, symbol="NONE"), lot("B", 0.0, 0.0, 0.0)]
    found, _ = parts(lots, "30.00")
    assert found["position_id"].to_list() == [uid("A")]
    assert found["residual"].to_list() == [30 * GRAINS]


@cache
def results() -> Results:
    return golden("mixed").results


def test_the_parts_of_every_portfolio_and_session_add_up_to_the_cent() -> None:
    key = ["portfolio_id", "calculation_date"]
    snapshots = results()["portfolio_snapshots"].rename({"snapshot_date": "calculation_date"})
    added = results()["engine_pnl_attribution"].group_by(key).agg(pl.col("amount").sum(), pl.len())
    both = snapshots.select(*key, "daily_pnl").join(added, on=key, how="left")
    assert both["len"].unique().to_list() == [len(COMPONENTS)]
    assert (both["amount"] == both["daily_pnl"]).all()
    assert both.filter(pl.col("daily_pnl") != 0).height > 150


def test_the_parts_of_every_lot_add_up_to_its_pnl() -> None:
    key = ["position_id", "calculation_date"]
    parts = results()["engine_position_attribution"].select(*key, total=pl.sum_horizontal(COMPONENTS))
    lots = (
        results()["engine_lot_pnl"].join(parts, on=key, how="left").with_columns(pl.col("total").fill_null(0))
    )
    assert (lots["total"] == lots["pnl"] + lots["income"]).all()
    assert parts.height > 4000


def test_residuals_are_small_where_every_lot_is_a_quoted_stock() -> None:
    """H2 is long funds: what is neither a factor nor specific is a trade or a gap."""
    rows = results()["engine_pnl_attribution"].filter(pl.col("portfolio_id").str.starts_with("80a4ad45"))
    sizes = dict(rows.group_by("component").agg(pl.col("amount").abs().sum()).iter_rows())
    assert sizes["residual"] < sum(sizes.values()) / 100


def test_a_session_s_betas_are_of_the_session_before() -> None:
    days = pl.Series([LAST - timedelta(days=1), LAST]).dt.epoch("d").to_numpy()
    betas = model("ACME")
    assert betas.panel.targets.tolist() == days.tolist()
    assert betas.panel.days[betas.before].tolist() == (days - 1).tolist()
