"""Openings: what the ledger keeps of portfolios and positions that are run for the first time."""

from __future__ import annotations

import polars as pl

from engine.inputs import Inputs
from engine.schema import TABLES


def first_seen(inputs: Inputs, book: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Ledger rows of what the ledger has not seen yet, by table.

    A portfolio's equity and a position's values hold only the latest in their own tables; a
    rerun needs what they were before the first run. What a run finds for the first time it
    therefore notes, and never changes again.

    Args:
        book: of the portfolios that were computed: portfolio_id, session, and
            `founding`, the equity that each began with.
    """
    begun = book.filter(pl.col("session") == 0)
    equity = begun.select("portfolio_id", equity_balance="founding")
    held = inputs.positions.join(begun, on="portfolio_id", how="semi")
    marks = held.rename({"id": "position_id"})
    fresh = {
        "engine_portfolio_openings": equity.join(inputs.first_equity, on="portfolio_id", how="anti"),
        "engine_position_openings": marks.join(inputs.first_positions, on="position_id", how="anti"),
    }
    return {name: frame.select(TABLES[name].names) for name, frame in fresh.items()}
