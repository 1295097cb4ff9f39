"""Rows of equity_changes: contributions and withdrawals on sessions and weekends, one deleted."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.core.row_ids import row_ids
from loaders.demo.price_model import stream
from loaders.schema_rows import STAMP, schema_rows

FLOWS = 4
WEEKEND_FLOW, DELETED_FLOW = 2, 3
"""Of each portfolio's four flows, the third is on a Saturday, the fourth is deleted."""


def equity_changes(portfolios: pl.DataFrame, days: NDArray[np.datetime64], seed: int) -> pl.DataFrame:
    """Make four flows for each portfolio, in the last half year.

    Args:
        portfolios: rows of portfolios.
        days: sessions, ascending.
        seed: of the random numbers.

    Returns:
        Rows of equity_changes; an amount is 0.5 to 3 % of the portfolio's capital.
    """
    draws = stream(seed, "flows").random((len(portfolios), FLOWS, 3))
    portfolio, flow = (index.ravel() for index in np.indices(draws.shape[:2]))
    recent = min(120, len(days) // 3)
    session = days[len(days) - recent + (draws[:, :, 0] * recent).astype(np.int64)].ravel()
    saturday = np.busday_offset(session, 0, roll="backward", weekmask="Sat")
    capital = portfolios["equity_balance"].cast(pl.Float64).to_numpy()
    amount = (capital[:, None] * (0.005 + 0.025 * draws[:, :, 1])).round(2)
    frame = pl.DataFrame(
        {
            "id": row_ids("equity_changes", pl.Series(portfolio), pl.Series(flow)),
            "portfolio_id": portfolios["id"].gather(portfolio),
            "created_by_user_id": portfolios["user_id"].gather(portfolio),
            "change_type": np.where(draws[:, :, 2] < 0.6, "CONTRIBUTION", "WITHDRAWAL").ravel(),
            "amount": amount.ravel(),
            "change_date": np.where(flow == WEEKEND_FLOW, saturday, session),
            "flow": flow,
        }
    )
    deleted = pl.when(pl.col("flow") == DELETED_FLOW).then(pl.lit(STAMP))
    return schema_rows("equity_changes", frame.with_columns(deleted_at=deleted))
