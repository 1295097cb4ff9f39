"""Volatility forecasts beside what came after them."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

HORIZON = 21
"""Sessions that realised volatility looks back on, and that a forecast is held against."""


@dataclass(frozen=True)
class ForecastScore:
    """How forecasts did. All but `days` and `low_share` are volatilities, fractions a year.

    days: sessions with a forecast and 21 sessions after them.
    bias: mean of forecast less outcome. error: mean of its size. naive_error: the same, had the
    volatility of the 21 sessions before been the forecast. low_share: of days on which the outcome
    was above the forecast.
    """

    days: int
    bias: float
    error: float
    naive_error: float
    low_share: float


def afterwards(snapshots: pl.DataFrame) -> pl.DataFrame:
    """Each session's forecast beside the volatility realised over the 21 sessions after it.

        realised_t = realized_volatility_21d of the 21st session after t

    That figure's weights are those of its own session, as the stored table has it.

    Args:
        snapshots: a row for each session, ascending, nulls where none is stored.

    Returns:
        date, forecast, before (realised over the 21 sessions up to t), after.
    """
    return snapshots.select(
        "date",
        forecast="expected_volatility_21d",
        before="realized_volatility_21d",
        after=pl.col("realized_volatility_21d").shift(-HORIZON),
    )


def score(compared: pl.DataFrame) -> ForecastScore | None:
    """How the forecasts of `afterwards` did; None while none has 21 sessions behind it."""
    known = compared.drop_nulls(["forecast", "before", "after"])
    if known.is_empty():
        return None
    miss = pl.col("forecast") - pl.col("after")
    return ForecastScore(
        known.height,
        *known.select(
            bias=miss.mean(),
            error=miss.abs().mean(),
            naive_error=(pl.col("before") - pl.col("after")).abs().mean(),
            low_share=(miss < 0).mean(),
        ).row(0),
    )
