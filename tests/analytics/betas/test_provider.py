"""Provider beta: the profile's beta, else the newest stored market beta, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.analytics.betas.provider import opening_provider_beta, provider_beta, with_openings
from tests.analytics.small import lot, open_lots, portfolios, window_dates
from tests.builders import uid

PROFILES = pl.DataFrame({"symbol": ["AAA", "ZERO", "NULL"], "beta": [1.5, 0.0, None]})


def previous(beta: float | None = None) -> pl.DataFrame:
    """The newest market beta of ZERO before the window."""
    rows = [] if beta is None else [(uid("P0/ZERO/"), beta)]
    return pl.DataFrame(rows, schema={"position_id": pl.String(), "beta": pl.Float64()}, orient="row")


def market_betas(*betas: float | None) -> pl.DataFrame:
    """Market betas of ZERO in each session of the run, unrounded."""
    rows = [
        (uid("P0/ZERO/"), day, beta)
        for day, beta in zip(window_dates(len(betas)), betas, strict=True)
        if beta is not None
    ]
    schema = {"position_id": pl.String(), "calc_date": pl.Date(), "beta": pl.Float64()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def run(
    *lots: dict[str, Any],
    equity: tuple[float, ...] = (100.0,),
    fresh: pl.DataFrame | None = None,
    before: float | None = None,
) -> Any:
    return provider_beta(
        open_lots(*lots),
        portfolios([equity]),
        window_dates(len(equity)),
        PROFILES,
        market_betas() if fresh is None else fresh,
        previous(before),
        uid("F"),
    )


def betas(found: Any) -> list[float]:
    return [float(beta) for beta in found.snapshot["beta_provider_1y"]]


def test_betas_are_weighted_by_stored_values_over_equity() -> None:
    found = run(lot("AAA", [60.0]), lot("AAA", [-20.0], name="short", position_type="SHORT"))
    assert betas(found) == pytest.approx([1.5 * 0.6 - 1.5 * 0.2])
    assert found.tables["factor_exposures"]["exposure_dollar"].to_list() == [60.0]


def test_a_beta_of_0_falls_back_on_the_newest_market_beta_as_rounded() -> None:
    lots, equity = lot("ZERO", [100.0] * 3), (100.0,) * 3
    found = run(lots, equity=equity, fresh=market_betas(None, 1.2345675, None), before=0.7)
    assert betas(found) == [0.7, 1.234568, 1.234568]  # six decimals, half away from zero


def test_a_position_without_a_beta_or_a_value_does_not_count() -> None:
    lots = (
        lot("AAA", [10.0]),
        lot("AAA", [0.0], name="worthless"),
        lot("AAA", [None], name="unpriced", recomputed=[50.0]),
        lot("NULL", [10.0]),
        lot("NONE", [10.0]),
        lot("AAA", [10.0], name="private", investment_class="PRIVATE"),
    )
    found = run(*lots)
    assert betas(found) == pytest.approx([0.15])
    assert found.status.select("positions_used", "positions_left_out").rows() == [(1, 4)]


@pytest.mark.parametrize(
    ("one", "equity", "reason"),
    [
        (lot("AAA", [1.0]), 0.0, "equity_not_positive"),
        (lot("AAA", [1.0], position_type="LC"), 1.0, "no_public_positions"),
        (lot("NONE", [1.0]), 1.0, "no_betas"),
    ],
)
def test_the_job_says_why_it_has_no_beta(one: dict[str, Any], equity: float, reason: str) -> None:
    found = run(one, equity=(equity,))
    assert found.status["reason"].to_list() == [reason]
    assert found.snapshot.is_empty()


def test_an_opening_beta_has_the_values_and_market_betas_of_the_session_before() -> None:
    lots = open_lots(lot("ZERO", [30.0, 40.0]))
    days = pl.DataFrame({"id": lots.frame["position_id"], "session": 0}).with_columns(
        opening_value=pl.lit(20_00, pl.Int128)
    )
    equity = np.array([[50.0, 60.0]])
    rows = opening_provider_beta(
        lots,
        portfolios([[1.0, 1.0]]),
        window_dates(2),
        PROFILES,
        market_betas(0.5, 0.9),
        previous(2.0),
        days,
        equity,
        np.array([[True, True]]),
    )
    assert rows["beta_provider_1y"].to_list() == pytest.approx([2.0 * 20 / 50, 0.5 * 30 / 60])


def test_an_opening_beta_stays_only_where_the_job_has_none() -> None:
    dates = window_dates(2)
    rows = [
        pl.DataFrame({"portfolio_id": "P", "snapshot_date": days, "beta_provider_1y": beta})
        for days, beta in ((dates, 1.0), (dates[1:], 2.0))
    ]
    merged = with_openings(rows[1], rows[0]).sort("snapshot_date")
    assert merged["beta_provider_1y"].to_list() == [1.0, 2.0]
