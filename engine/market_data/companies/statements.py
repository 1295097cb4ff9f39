"""From a provider's lines to whole raw rows of the three statement tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import chain

import polars as pl

from engine.core.schema import TABLES
from engine.market_data.companies.derived import balance_figures, cash_figures, fiscal_period, income_figures

INCOME, BALANCE, CASH = STATEMENTS = ("income_statements", "balance_sheets", "cash_flows")
PERIOD = ["period_date", "frequency"]
OF_THE_PERIOD = ("symbol", "currency", "fiscal_year", "fiscal_quarter", *PERIOD)


def raw_statements(
    symbol: str, lines: Mapping[str, pl.DataFrame], currency: str | None
) -> dict[str, pl.DataFrame]:
    """Raw rows by table, for `fitted`: the lines, what follows from them, the fiscal period.

    A period in which the company reports nothing is left out. Legacy leaves out all without
    revenue, assets or operating cash flow, and with them companies before their first sale
    (document 04 §5.3, D18).

    Args:
        lines: by table, period_date, frequency and Float64 lines; of the balance sheet also `shares`.
        currency: three letters, or None where unknown.
    """
    revenue = lines[INCOME].select(*PERIOD, revenue="total_revenue")
    whole = {
        INCOME: lines[INCOME].with_columns(**income_figures()),
        BALANCE: lines[BALANCE].with_columns(**balance_figures()),
        CASH: lines[CASH].join(revenue, on=PERIOD, how="left").with_columns(**cash_figures()),
    }
    year_end = fiscal_year_end(lines)
    fiscal = fiscal_period(year_end)
    named = {"symbol": pl.lit(symbol), "currency": pl.lit(currency, pl.String)}
    return {
        table: _rows(table, rows.with_columns(**named, **fiscal).filter(_reports(table)))
        for table, rows in whole.items()
    }


def fiscal_year_end(lines: Mapping[str, pl.DataFrame]) -> date | None:
    """The last day of the newest annual period, None where there is none."""
    annual = (rows.filter(pl.col("frequency") == "a")["period_date"].to_list() for rows in lines.values())
    return max(chain.from_iterable(annual), default=None)


def _reports(table: str) -> pl.Expr:
    return pl.any_horizontal(pl.col(_figures(table)).is_not_null())


def _figures(table: str) -> list[str]:
    numbers = (c.name for c in TABLES[table].columns if c.type.kind in ("numeric", "bigint"))
    return list(numbers)


def _rows(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(name for name in (*OF_THE_PERIOD, *_figures(table)) if name in rows.columns)
