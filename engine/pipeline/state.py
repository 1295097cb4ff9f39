"""State: portfolios and positions as the last session leaves them."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from engine.core.job_catalog import MARKET_VALUES
from engine.core.money import decimal
from engine.core.schema import TABLES

MARKS = MARKET_VALUES.columns("positions")


def rolled_portfolios(portfolios: pl.DataFrame, book: pl.DataFrame, stamp: datetime) -> pl.DataFrame:
    """Whole rows of portfolios with the equity of the last session (document 01 §3.6)."""
    last = book.filter(pl.col("session") == pl.col("session").max())
    equity = last.select(id="portfolio_id", equity_balance=_stored("portfolios", "equity"))
    return _updated(portfolios, equity, ("equity_balance",), stamp)


def marked_positions(positions: pl.DataFrame, days: pl.DataFrame, stamp: datetime) -> pl.DataFrame:
    """Whole rows of positions with the marks of the last session (document 01 §5.1)."""
    last = days.filter(pl.col("session") == pl.col("session").max())
    marks = last.select("id", *(_stored("positions", name).alias(name) for name in MARKS))
    return _updated(positions, marks, MARKS, stamp)


def _stored(table: str, name: str) -> pl.Expr:
    kind = TABLES[table]["equity_balance" if name == "equity" else name].type
    return decimal(pl.col(name), kind.precision, kind.scale)


def _updated(
    rows: pl.DataFrame, fresh: pl.DataFrame, columns: tuple[str, ...], stamp: datetime
) -> pl.DataFrame:
    joined = rows.join(fresh, on="id", how="inner", suffix="_new", maintain_order="left")
    changed = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_new")) for name in columns)
    return joined.with_columns(
        updated_at=pl.when(changed).then(pl.lit(stamp)).otherwise("updated_at"),
        **{name: pl.col(f"{name}_new") for name in columns},
    ).select(rows.columns)
