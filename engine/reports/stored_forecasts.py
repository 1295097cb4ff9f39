"""Read forecasts of risk, how they turned out, and attributed P&L: tables that corrected rules fill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from engine.analyst.open_store import OpenStore


@dataclass(frozen=True)
class StoredForecasts:
    """Rows of a portfolio; tables of other rules are empty.

    Attributes:
        risk: engine_value_at_risk of the window.
        backtests: engine_var_tests of the last session.
        scores: engine_forecast_scores of the window.
        score_tests: engine_forecast_tests of the last session.
        parts: engine_pnl_attribution of the window.
        lot_parts: engine_position_attribution of the last session.
    """

    risk: pl.DataFrame
    backtests: pl.DataFrame
    scores: pl.DataFrame
    score_tests: pl.DataFrame
    parts: pl.DataFrame
    lot_parts: pl.DataFrame


def read_forecasts(store: OpenStore, key: str, first: date, last: date) -> StoredForecasts:
    """Return the rows of a portfolio.

    Args:
        store: of the portfolio.
        key: its id.
        first: first session of the window.
        last: last session of the window.
    """
    return StoredForecasts(
        risk=store.read("engine_value_at_risk", key, first, last),
        backtests=store.read("engine_var_tests", key, last, last),
        scores=store.read("engine_forecast_scores", key, first, last),
        score_tests=store.read("engine_forecast_tests", key, last, last),
        parts=store.read("engine_pnl_attribution", key, first, last),
        lot_parts=store.read("engine_position_attribution", key, last, last),
    )
