"""Exposures that stress tests shock, by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.analytics.stress.stress_exposures import factor_dollars, loss_base, rate_dollars
from engine.core.rules import RateWeights, StaleFigures, UnmeasuredFactors
from tests.analytics.small import EXPOSURES, LAST, lot, open_lots, portfolios, window_dates
from tests.builders import STAMP, uid

DEFINITIONS = pl.DataFrame({"id": [uid("Size"), uid("Value")], "name": ["Size", "Value"]})
NET = portfolios([[1.0, 1.0]], net=[[200.0, -5.0]])


def exposure(
    factor: str, age: int, dollars: float | None, value: float = 0.5, stamp: datetime = STAMP
) -> dict[str, Any]:
    """An exposure of P0, so many days before the last session."""
    return {
        "portfolio_id": uid("P0"),
        "factor_id": uid(factor),
        "calculation_date": LAST - timedelta(age),
        "exposure_value": value,
        "exposure_dollar": dollars,
        "created_at": stamp,
    }


def run(
    *rows: dict[str, Any],
    definitions: pl.DataFrame = DEFINITIONS,
    unmeasured: UnmeasuredFactors = "zero",
    stale: StaleFigures = "used",
) -> Any:
    frame = pl.DataFrame(list(rows), schema=EXPOSURES)
    return factor_dollars(NET, window_dates(2), frame, definitions, unmeasured, stale)


def test_losses_are_limited_by_the_net_exposure_or_1() -> None:
    net = portfolios([[1, 1, 1]], net=[[200.0, 0.0, np.nan]])
    assert loss_base(net, "net").tolist() == [[200.0, 1.0, 1.0]]


def test_losses_are_limited_by_the_gross_exposure() -> None:
    book = portfolios([[1, 1, 1]], gross=[[200.0, 0.0, np.nan]], net=[[-200.0, 0.0, 5.0]])
    assert loss_base(book, "gross").tolist() == [[200.0, 0.0, 0.0]]


def test_the_newest_exposure_up_to_the_session_counts_however_old() -> None:
    found = run(exposure("Size", 900, 7.0), exposure("Size", 0, 9.0))
    assert found.dollars["Size"].tolist() == [[7.0, 9.0]]
    assert found.dollars["Value"].tolist() == [[0.0, 0.0]]
    assert found.any.tolist() == [[True, True]]


@pytest.mark.parametrize("stored", [None, 0.0])
def test_without_dollars_it_is_the_net_exposure_times_the_beta(stored: float | None) -> None:
    assert run(exposure("Size", 5, stored, 0.5)).dollars["Size"].tolist() == [[100.0, 0.5]]


def test_dollars_of_0_are_0_and_null_is_no_exposure() -> None:
    found = run(exposure("Size", 5, 0.0), exposure("Value", 5, None), unmeasured="absent")
    assert found.dollars["Size"].tolist() == found.dollars["Value"].tolist() == [[0.0, 0.0]]
    assert found.measured["Size"].tolist() == [[True, True]]
    assert found.measured["Value"].tolist() == [[False, False]]


def test_only_the_newest_50_rows_of_a_portfolio_count() -> None:
    older = exposure("Value", 60, 3.0)
    newer = [exposure("Size", age, 1.0) for age in range(2, 51)]  # 49 rows
    assert run(older, *newer).dollars["Value"].tolist() == [[3.0, 3.0]]
    assert run(older, *newer, exposure("Size", 0, 1.0)).dollars["Value"].tolist() == [[3.0, 0.0]]


def test_rows_of_factors_without_a_definition_count_among_the_newest_50() -> None:
    """No foreign key keeps them out of a file; a session reads 50 rows of the table, whatever they say."""
    older = exposure("Value", 60, 3.0)
    others = [exposure("unknown", age, 1.0) for age in range(1, 50)]
    held = run(older, *others)
    assert held.dollars["Value"].tolist() == [[3.0, 3.0]]
    assert held.dollars.keys() == held.measured.keys() == {"Size", "Value"}
    out = run(older, *others, exposure("unknown", 0, 1.0))
    assert out.dollars["Value"].tolist() == [[3.0, 0.0]]
    assert out.any.tolist() == [[True, False]]


@pytest.mark.parametrize(
    ("size", "value"),
    [
        (exposure("Size", 5, 1.0), exposure("Value", 3, 1.0)),
        (exposure("Size", 5, 1.0, stamp=STAMP + timedelta(seconds=1)), exposure("Value", 5, 1.0)),
    ],
)
def test_factors_are_summed_newest_date_first_and_as_written_within_a_date(
    size: dict[str, Any], value: dict[str, Any]
) -> None:
    found = run(size, value)
    names = list(found.dollars)
    assert [names[number] for number in found.order[:, 0, 0].tolist()] == ["Value", "Size"]


def test_without_any_exposure_there_is_none() -> None:
    assert not run(stale="refused").any.any()
    found = run()
    assert not found.any.any()
    assert all(usd.tolist() == [[0.0, 0.0]] for usd in found.dollars.values())


def rates(
    *lots: dict[str, Any],
    betas: list[tuple[str, date, float]],
    equity: float = 50.0,
    weights: RateWeights = "absolute",
    stale: StaleFigures = "used",
) -> Any:
    schema = {"position_id": pl.String(), "calculation_date": pl.Date(), "ir_beta": pl.Float64()}
    rows = [(uid(f"P0/{symbol}/"), day, beta) for symbol, day, beta in betas]
    stored = pl.DataFrame(rows, schema=schema, orient="row")
    return rate_dollars(open_lots(*lots), portfolios([[equity]]), window_dates(1), stored, weights, stale)


@pytest.mark.parametrize(("weights", "dollars"), [("absolute", 2 * 30 + 3 * 20), ("signed", 2 * 30 - 3 * 20)])
def test_rate_dollars_are_values_times_betas(weights: RateWeights, dollars: float) -> None:
    lots = lot("A", [1.0], recomputed=[30.0]), lot("B", [1.0], recomputed=[-20.0]), lot("C", [9.0])
    found = rates(*lots, betas=[("A", LAST, 2.0), ("B", LAST, 3.0)], weights=weights)
    assert found.dollars.item() == pytest.approx(dollars)
    assert (found.used.item(), found.left_out.item()) == (2, 1)


def test_a_rate_beta_counts_for_a_week() -> None:
    old, week = LAST - timedelta(8), LAST - timedelta(7)
    one = lot("A", [10.0])
    assert rates(one, betas=[("A", old, 9.0), ("A", week, 2.0)]).dollars.item() == pytest.approx(20.0)
    assert np.isnan(rates(one, betas=[("A", old, 9.0)]).dollars.item())
    assert np.isnan(rates(one, betas=[]).dollars.item())


def test_where_stale_figures_are_refused_the_session_s_own_count() -> None:
    found = run(
        exposure("Size", 900, 7.0), exposure("Value", 1, 5.0), exposure("Size", 0, 9.0), stale="refused"
    )
    assert found.dollars["Size"].tolist() == [[0.0, 9.0]]
    assert found.dollars["Value"].tolist() == [[5.0, 0.0]]
    assert found.measured["Size"].tolist() == [[False, True]]
    one, day = lot("A", [10.0]), LAST - timedelta(1)
    assert np.isnan(rates(one, betas=[("A", day, 2.0)], stale="refused").dollars.item())
    assert rates(one, betas=[("A", LAST, 2.0)], stale="refused").dollars.item() == pytest.approx(20.0)


def test_without_positive_equity_there_are_no_rate_dollars() -> None:
    found = rates(lot("A", [10.0]), betas=[("A", LAST, 2.0)], equity=0.0)
    assert np.isnan(found.dollars.item())
    assert (found.used.item(), found.left_out.item()) == (0, 1)
