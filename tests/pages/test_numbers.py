"""The figures of a page against the golden tables of the legacy batch, computed with pandas."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from tests.pages.conftest import GLOBAL, GOLDEN
from tests.pages.document import Node, card, table

pytestmark = pytest.mark.thorough

OUTPUTS, INPUTS = GOLDEN / "mixed" / "outputs", GOLDEN / "mixed" / "inputs"
PRIVATE = 3
"""Positions of the portfolio's 40 that no market quotes."""
HALF_CENT = 0.005
"""Largest rounding error of a session's P&L."""
SAME = 1e-9
"""Float64 sums in another order."""


def rows(name: str, folder: Path = OUTPUTS) -> pd.DataFrame:
    """Return a golden table: decimals as float64, ids as text."""
    frame = pl.read_parquet(folder / f"{name}.parquet")
    numbers = [n for n, kind in frame.schema.items() if isinstance(kind, pl.Decimal)]
    return frame.with_columns(pl.col(numbers).cast(pl.Float64)).to_pandas()


@pytest.fixture(scope="module")
def portfolio() -> str:
    known = rows("portfolios")
    return str(known.loc[known["name"] == GLOBAL, "id"].item())


@pytest.fixture(scope="module")
def snapshots(portfolio: str) -> pd.DataFrame:
    known = rows("portfolio_snapshots")
    mine = known[known["portfolio_id"] == portfolio].sort_values("snapshot_date")
    assert len(mine) == 63
    return mine.reset_index(drop=True)


@pytest.mark.parametrize(
    ("heading", "column"),
    [
        ("Equity", "equity_balance"),
        ("P&L", "daily_pnl"),
        ("Return", "daily_return"),
        ("Flows", "daily_capital_flow"),
        ("Long", "long_value"),
        ("Short", "short_value"),
        ("Gross", "gross_exposure"),
        ("Net", "net_exposure"),
        ("Vol. 21", "realized_volatility_21d"),
        ("Forecast", "expected_volatility_21d"),
        ("Market beta", "beta_calculated_90d"),
        ("Provider beta", "beta_provider_1y"),
    ],
)
def test_every_session_is_the_stored_row(
    global_document: Node, snapshots: pd.DataFrame, heading: str, column: str
) -> None:
    shown = table(global_document, "63 sessions")
    assert shown.texts("Session") == [str(day)[:10] for day in snapshots["snapshot_date"]]
    assert shown.values(heading) == [None if pd.isna(v) else v for v in snapshots[column]]


def test_cards_are_the_last_session(global_document: Node, snapshots: pd.DataFrame) -> None:
    last = snapshots.iloc[-1]
    assert card(global_document, "Equity").value == last["equity_balance"]
    assert card(global_document, "Volatility, 21 sessions").value == last["realized_volatility_21d"]
    assert card(global_document, "Market beta, 90 days").value == last["beta_calculated_90d"]
    assert card(global_document, "P&L").value == pytest.approx(snapshots["daily_pnl"].sum(), abs=SAME)
    share = last["gross_exposure"] / last["equity_balance"]
    assert card(global_document, "Gross exposure").value == pytest.approx(share)


def test_months_add_up_their_sessions(global_document: Node, snapshots: pd.DataFrame) -> None:
    shown = table(global_document, "By month")
    month = pd.to_datetime(snapshots["snapshot_date"]).dt.strftime("%Y-%m")
    months = snapshots.groupby(month)
    assert shown.texts("Month") == list(months.groups)
    for heading, column in (
        ("P&L", "daily_pnl"),
        ("Realized", "daily_realized_pnl"),
        ("Flows", "daily_capital_flow"),
    ):
        assert shown.values(heading) == pytest.approx(months[column].sum().tolist(), abs=1e-6)
    grown = months["daily_return"].apply(lambda r: np.prod(1 + r) - 1)
    assert shown.values("Return") == pytest.approx(grown.tolist(), abs=SAME)
    assert shown.values("Equity at month end") == months["equity_balance"].last().tolist()


def test_the_deepest_drawdown_is_that_of_the_chained_returns(
    global_document: Node, snapshots: pd.DataFrame
) -> None:
    index = (1 + snapshots["daily_return"]).cumprod()
    fall = index / index.cummax().clip(lower=1.0) - 1
    shown = table(global_document, "The deepest drawdowns")
    assert shown.values("Depth")[0] == pytest.approx(fall.min(), abs=SAME)
    assert shown.texts("Deepest")[0] == str(snapshots["snapshot_date"][fall.idxmin()])[:10]
    assert card(global_document, "Return").value == pytest.approx(index.iloc[-1] - 1, abs=SAME)


def test_a_series_is_summed_up_by_its_ends_and_extremes(
    global_document: Node, snapshots: pd.DataFrame
) -> None:
    shown = table(global_document, "Volatility by session")
    vol = snapshots["realized_volatility_21d"].dropna()
    first, *_ = shown.rows
    assert [cell.value for cell in (first[1], first[2], first[3], first[5])] == [
        vol.iloc[0],
        vol.iloc[-1],
        vol.min(),
        vol.max(),
    ]
    assert [first[4].text, first[6].text] == [
        str(snapshots["snapshot_date"][place])[:10] for place in (vol.idxmin(), vol.idxmax())
    ]
    assert (first[7].value, first[8].value) == (len(vol), len(snapshots) - len(vol))


def test_forecasts_are_scored_against_the_stored_outcomes(
    global_document: Node, snapshots: pd.DataFrame
) -> None:
    known = pd.DataFrame(
        {
            "forecast": snapshots["expected_volatility_21d"],
            "before": snapshots["realized_volatility_21d"],
            "after": snapshots["realized_volatility_21d"].shift(-21),
        }
    ).dropna()
    shown = table(global_document, f"Accuracy of {len(known)} forecasts")
    miss = known["forecast"] - known["after"]
    assert shown.values("Forecast") == pytest.approx(
        [miss.mean(), miss.abs().mean(), (miss < 0).mean(), len(known)], abs=SAME
    )
    assert shown.values("Volatility of the day")[1] == pytest.approx(
        (known["before"] - known["after"]).abs().mean()
    )


def test_factor_exposures_are_the_last_sessions_rows(
    global_document: Node, portfolio: str, snapshots: pd.DataFrame
) -> None:
    last = snapshots["snapshot_date"].iloc[-1]
    stored = rows("factor_exposures").merge(rows("factor_definitions"), left_on="factor_id", right_on="id")
    mine = stored[(stored["portfolio_id"] == portfolio) & (stored["calculation_date"] == last)]
    by_name = mine.set_index("name")
    shown = table(global_document, f"On {str(last)[:10]}")
    names = shown.texts("Factor")
    assert len(names) == 10
    assert shown.values("Exposure") == by_name.loc[names, "exposure_value"].tolist()
    assert shown.values("USD") == by_name.loc[names, "exposure_dollar"].tolist()


def test_scenarios_are_the_stored_ones_worst_first(global_document: Node, portfolio: str) -> None:
    stored = rows("stress_test_results")
    mine = stored[stored["portfolio_id"] == portfolio]
    last = mine[mine["calculation_date"] == mine["calculation_date"].max()]
    shown = table(global_document, "Scenarios")
    assert shown.values("Correlated") == sorted(last["correlated_pnl"])
    assert sorted(shown.values("Direct")) == sorted(last["direct_pnl"])  # type: ignore[type-var]
    assert card(global_document, "Worst scenario").value == last["correlated_pnl"].min()


def test_correlations_are_the_newest_matrix_in_another_order(global_document: Node, portfolio: str) -> None:
    heads = rows("correlation_calculations")
    head = heads[heads["portfolio_id"] == portfolio].sort_values("calculation_date").iloc[-1]
    pairs = rows("pairwise_correlations")
    mine = pairs[pairs["correlation_calculation_id"] == head["id"]]
    square = mine.pivot_table(index="symbol_1", columns="symbol_2", values="correlation_value", dropna=False)
    shown = table(global_document, "Correlations")
    names = shown.headings[1:]
    assert sorted(names) == sorted(square.index)
    assert names != sorted(names)
    for name in names:
        values = [None if value is None else float(value) for value in shown.values(name)]
        assert values == pytest.approx(square.loc[names, name].tolist(), nan_ok=True)
    assert card(global_document, "Mean absolute correlation").value == head["overall_correlation"]
    most = table(global_document, "Highest correlations").values("Correlation")
    once = mine[mine["symbol_1"] < mine["symbol_2"]]["correlation_value"]
    assert most == sorted(once, reverse=True)[: len(most)]


def test_contributions_explain_the_stored_pnl(global_document: Node, snapshots: pd.DataFrame) -> None:
    added = [v for v in table(global_document, "All positions").values("Contribution") if v is not None]
    assert len(added) == 40 - PRIVATE
    assert sum(added) == pytest.approx(snapshots["daily_pnl"].sum(), abs=HALF_CENT * len(snapshots))


def test_a_positions_contribution_is_its_price_moves_and_its_gains(
    global_document: Node, portfolio: str, snapshots: pd.DataFrame
) -> None:
    """(close - previous close) x quantity x 100 for options, over the window, computed with pandas."""
    held = rows("positions")
    mine = held[(held["portfolio_id"] == portfolio) & held["deleted_at"].isna()]
    once = mine[~mine["symbol"].duplicated(keep=False) & (mine["investment_class"] != "PRIVATE")]
    events = rows("position_realized_events", INPUTS)
    in_session = events["trade_date"].astype(str).isin(snapshots["snapshot_date"].astype(str))
    gains = events[in_session].groupby("position_id")["realized_pnl"].sum()
    closes = rows("market_data_cache", INPUTS).set_index(["symbol", "date"])["close"].unstack(0)
    days = pd.to_datetime(snapshots["snapshot_date"]).dt.date
    closes.index = pd.to_datetime(closes.index).date
    shown = table(global_document, "All positions")
    values = dict(
        zip((t.split()[0] for t in shown.texts("Position")), shown.values("Contribution"), strict=True)
    )
    checked = 0
    for _, row in once.iterrows():
        price = closes.get(row["symbol"], pd.Series(dtype=float)).reindex(days)
        if price.isna().any() or str(row["entry_date"])[:10] > str(days.iloc[0]):
            continue
        size = 100 if row["position_type"] in ("LC", "LP", "SC", "SP") else 1
        moved = (price.iloc[-1] - price.iloc[0]) * row["quantity"] * size
        assert values[row["symbol"]] == pytest.approx(moved + gains.get(row["id"], 0.0), abs=1e-4), row[
            "symbol"
        ]
        checked += 1
    assert checked > 20


def test_sectors_stand_beside_the_benchmarks_newest_weights(demo: str, demo_document: Node) -> None:
    """Read without the engine: this store is a DuckDB file."""
    import duckdb

    with duckdb.connect(demo.removeprefix("duckdb:///"), read_only=True) as store:
        document, day = store.execute(
            "select sector_exposure::text, snapshot_date from portfolio_snapshots join portfolios p "
            "on p.id = portfolio_id where p.name = 'Demo Long Short 1' order by snapshot_date desc limit 1"
        ).fetchall()[0]
        weights = dict(
            store.execute(
                "select sector, weight::double from benchmarks_sector_weights where asof_date = ("
                "select max(asof_date) from benchmarks_sector_weights where asof_date <= ?)",
                [day],
            ).fetchall()
        )
    shown = table(demo_document, "Sector weights")
    held = dict(zip(shown.texts("Sector"), shown.values("Portfolio"), strict=True))
    for name, weight in json.loads(document).items():
        assert held.pop(name) == weight
    assert set(held.values()) == {0.0}
    names = {
        "Financials": "Financial Services",
        "Consumer Discretionary": "Consumer Cyclical",
        "Consumer Staples": "Consumer Defensive",
        "Materials": "Basic Materials",
    }
    for sector, weight, cell in zip(
        shown.texts("Sector"), shown.values("S&P 500"), shown.column("S&P 500"), strict=True
    ):
        expected = weights.get(names.get(sector, sector))
        assert weight == expected
        assert weight is not None or cell.text == "no benchmark weight"
