"""Small inputs of the analytics: a few positions, sessions and closes, written out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from engine.analytics.panels import OpenPositions, Portfolios, PricePanel
from engine.analytics.positions.prices import quotes
from engine.analytics.positions.valuation import position_days
from engine.core.frames import polars_schema
from engine.core.rules import SyntheticPrefix
from engine.core.schema import TABLES
from tests.builders import uid

LAST = date(2025, 6, 30)
"""The newest day of a panel, and the last session of a window."""

EXPOSURES = {
    "portfolio_id": pl.String(),
    "factor_id": pl.String(),
    "calculation_date": pl.Date(),
    "exposure_value": pl.Float64(),
    "exposure_dollar": pl.Float64(),
    "created_at": pl.Datetime("us", "UTC"),
}
"""Columns of factor_exposures that stress reads."""


def table(name: str, *rows: dict[str, Any]) -> pl.DataFrame:
    """Rows of a stored table; absent columns are null."""
    return pl.DataFrame(list(rows), schema=polars_schema(TABLES[name]))


def window_dates(sessions: int) -> pl.Series:
    """The newest days of a panel."""
    return pl.Series("date", [LAST - timedelta(age) for age in reversed(range(sessions))], dtype=pl.Date)


def price_panel(closes: Mapping[str, Sequence[float]], sessions: int = 1) -> PricePanel:
    """Closes on consecutive days up to `LAST`, the last of which are the window's sessions."""
    symbols = tuple(sorted(closes))
    close = np.array([closes[symbol] for symbol in symbols], dtype=np.float64).T
    days = (LAST - date(1970, 1, 1)).days - np.arange(len(close))[::-1]
    return PricePanel(days, symbols, close, days[-sessions:])


def portfolios(
    equity: Sequence[Sequence[float]],
    gross: Sequence[Sequence[float]] | None = None,
    net: Sequence[Sequence[float]] | None = None,
) -> Portfolios:
    """Portfolios P0, P1, ... with figures [P, D]; exposures are the equity by default."""
    figures = (np.array(equity if some is None else some, dtype=np.float64) for some in (equity, gross, net))
    ids = pl.Series("portfolio_id", [uid(f"P{number}") for number in range(len(equity))])
    return Portfolios(ids, *figures)


def lot(
    symbol: str,
    values: Sequence[float | None],
    owner: int = 0,
    recomputed: Sequence[float] | None = None,
    **other: Any,
) -> dict[str, Any]:
    """An open position of the portfolio P<owner>, with its stored and recomputed values in each session."""
    columns = {
        "position_id": uid(f"P{owner}/{symbol}/{other.pop('name', '')}"),
        "portfolio": owner,
        "portfolio_id": uid(f"P{owner}"),
        "symbol": symbol,
        "underlying_symbol": None,
        "position_type": "LONG",
        "investment_class": "PUBLIC",
        "deleted": False,
        "entry_value": 1.0,
    }
    return columns | other | {"stored": values, "recomputed": values if recomputed is None else recomputed}


def open_lots(*lots: dict[str, Any]) -> OpenPositions:
    """Open positions, in order of portfolio."""
    texts = ("position_id", "portfolio_id", "symbol", "underlying_symbol", "position_type")
    schema = {"portfolio": pl.UInt32(), "deleted": pl.Boolean(), "entry_value": pl.Float64()}
    schema |= dict.fromkeys((*texts, "investment_class"), pl.String())
    frame = pl.DataFrame([{name: one[name] for name in schema} for one in lots], schema=schema)
    stored, recomputed = (
        np.array([one[name] for one in lots], dtype=np.float64) for name in ("stored", "recomputed")
    )
    return OpenPositions(frame, stored, recomputed)


def crossed(
    positions: list[dict[str, Any]],
    closes: list[dict[str, Any]],
    sessions: list[date],
    prefix: SyntheticPrefix = "none",
) -> pl.DataFrame:
    """Positions crossed with sessions and quotes; `portfolio` is 0 and a snapshot precedes every session."""
    held = table("positions", *positions)
    stored = table("market_data_cache", *closes).select("symbol", "date", "close").sort("symbol", "date")
    days = position_days(held, quotes(held["symbol"].unique(), stored, sessions), sessions, prefix)
    return days.with_columns(portfolio=pl.lit(0), has_previous=pl.lit(True))
