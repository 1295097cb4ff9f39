"""Snapshots: cash, and the figures of a session without positions."""

from __future__ import annotations

import polars as pl
import pytest

from engine.analytics.equity.snapshots import figures

GRAINS = 10**6
"""In a cent."""


def row(equity: float, long: int | None, short: int | None) -> dict[str, object]:
    """The snapshot of one portfolio and session; amounts in cents, no positions where None."""
    balances = ("equity", "realized", "cumulative_realized", "flow", "cumulative_flow")
    book = pl.DataFrame(
        {name: pl.Series([round(equity)], dtype=pl.Int128) for name in balances}
        | {"equity_grains": pl.Series([round(equity * GRAINS)], dtype=pl.Int128)}
    ).with_columns(portfolio=0, session=0)
    sums = {"gross_exposure": 0, "net_exposure": 0, "long_value": long, "short_value": short}
    money = {name: pl.Series([value], dtype=pl.Int128) for name, value in sums.items()}
    counts = {f"num_{kind}positions": pl.Series([1], dtype=pl.Int32) for kind in ("", "long_", "short_")}
    exposures = pl.DataFrame(money | counts).with_columns(portfolio=0, session=0)
    return figures(book, exposures if long is not None else exposures.clear()).row(0, named=True)


@pytest.mark.parametrize(
    ("equity", "long", "short", "cash"),
    [
        (100_000, 60_000, -10_000, 50_000),  # 1000 - 600 + 100
        (100_000, 150_000, 0, 0),  # invested on margin: not below 0
        (100_000, 0, -20_000, 120_000),
        (100.5, 0, 0, 101),  # half a cent, away from zero
    ],
)
def test_cash_is_equity_less_longs_plus_shorts(equity: float, long: int, short: int, cash: int) -> None:
    assert row(equity, long, short)["cash_value"] == cash


def test_a_portfolio_with_positions_is_worth_its_equity() -> None:
    found = row(100_000, 60_000, 0)
    assert (found["holds"], found["total_value"], found["equity_balance"]) == (True, 100_000, 100_000)
    assert (found["portfolio_delta"], found["sector_exposure"]) == (0, "null")


def test_without_positions_exposures_are_0_and_the_equity_is_cash() -> None:
    found = row(100_000, None, None)
    assert (found["holds"], found["total_value"], found["equity_balance"]) == (False, 0, 100_000)
    assert (found["gross_exposure"], found["num_positions"]) == (0, 0)
    assert (found["portfolio_delta"], found["sector_exposure"]) == (None, None)
