"""Volatility forecasts against the volatility that followed."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

HORIZON = 21
"""Sessions that realised volatility covers, and that a forecast is compared with."""


@dataclass(frozen=True)
class ForecastScore:
    """The accuracy of forecasts. Errors are volatilities: fractions per year.

    Attributes:
        days: sessions with a forecast and HORIZON sessions after them.
        bias: mean of forecast minus outcome.
        error: mean absolute error.
        naive_error: mean absolute error of the volatility of the day, taken as a forecast.
        low_share: fraction of days on which the outcome was above the forecast.
    """

    days: int
    bias: float
    error: float
    naive_error: float
    low_share: float


def outcomes(snapshots: pl.DataFrame) -> pl.DataFrame:
    """Return each session's forecast with the volatility realised over the HORIZON sessions after it.

        outcome_t = realized_volatility_21d of session t + 21

    That figure uses the weights of its own session, as the stored table has it.

    Args:
        snapshots: a row for each session, ascending, nulls where none is stored.

    Returns:
        Columns date, forecast, before (realised over the HORIZON sessions up to t), outcome.
    """
    return snapshots.select(
        "date",
        forecast="expected_volatility_21d",
        before="realized_volatility_21d",
        outcome=pl.col("realized_volatility_21d").shift(-HORIZON),
    )


def score(compared: pl.DataFrame) -> ForecastScore | None:
    """Return the accuracy of the forecasts of `outcomes`; None while no forecast has an outcome."""
    known = compared.drop_nulls(["forecast", "before", "outcome"])
    if known.is_empty():
        return None
    error = pl.col("forecast") - pl.col("outcome")
    return ForecastScore(
        known.height,
        *known.select(
            bias=error.mean(),
            error=error.abs().mean(),
            naive_error=(pl.col("before") - pl.col("outcome")).abs().mean(),
            low_share=(error < 0).mean(),
        ).row(0),
    )
