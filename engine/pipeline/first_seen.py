"""Openings: what the ledger keeps of portfolios and positions that are run for the first time."""

from __future__ import annotations

import polars as pl

from engine.core.schema import TABLES
from engine.pipeline.inputs import Inputs


def first_seen(inputs: Inputs, book: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Ledger rows that the ledger does not have yet, by table.

    A portfolio's equity and a position's values hold only the latest in their own tables; a
    rerun needs what they were before the first run. What a run finds for the first time it
    therefore notes. A row changes only with the portfolio's first session: when a run reaches
    back behind it, and when the portfolio begins anew.

    Args:
        book: of the portfolios that were computed: portfolio_id, session, and first_session and
            founding of `engine.analytics.equity.opening_balances.openings`.
    """
    begun = book.filter(pl.col("session") == 0).select(
        "portfolio_id", "first_session", equity_balance="founding"
    )
    noted = inputs.first_equity.select("portfolio_id", noted="first_session")
    anew = begun.join(noted, on="portfolio_id").filter(pl.col("first_session") > pl.col("noted"))
    deleted = inputs.positions.join(inputs.portfolios, left_on="portfolio_id", right_on="id", how="anti")
    held = pl.concat([inputs.positions.join(begun, on="portfolio_id", how="semi"), deleted])
    marks = held.rename({"id": "position_id"})
    known = inputs.first_positions.join(anew, on="portfolio_id", how="anti")
    fresh = {
        "engine_portfolio_openings": begun.join(inputs.first_equity, on=begun.columns, how="anti"),
        "engine_position_openings": marks.join(known, on="position_id", how="anti"),
    }
    return {name: frame.select(TABLES[name].names) for name, frame in fresh.items()}
