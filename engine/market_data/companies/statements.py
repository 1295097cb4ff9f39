"""Rows of the three statement tables: the provider's lines, derived figures, fiscal period."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import chain

import polars as pl

from engine.core.schema import TABLES

INCOME, BALANCE, CASH = STATEMENTS = ("income_statements", "balance_sheets", "cash_flows")
PERIOD = ["period_date", "frequency"]
DESCRIPTION = ("symbol", "currency", "fiscal_year", "fiscal_quarter", *PERIOD)
MONTHS_PER_QUARTER, MONTHS_PER_YEAR = 3, 12
SLACK = timedelta(days=7)
"""A fiscal year of 52 or 53 weeks ends up to a week into the month after the one it is named for."""


def raw_statements(
    symbol: str, lines: Mapping[str, pl.DataFrame], currency: str | None
) -> dict[str, pl.DataFrame]:
    """Return raw rows, for `fit_rows`, with derived figures and the fiscal period.

    A period without a single figure is left out. Legacy leaves out every period without revenue,
    assets or operating cash flow, and with them companies before their first sale (document 04
    §5.3, D18).

    Args:
        symbol: canonical.
        lines: by table, period_date, frequency and lines as Float64, currency units; of the balance
            sheet also `shares`.
        currency: three letters, or None where unknown.

    Returns:
        Rows by table.
    """
    # The cash flow margin needs the revenue of the same period.
    revenue = lines[INCOME].select(*PERIOD, revenue="total_revenue")
    derived = {
        INCOME: lines[INCOME].with_columns(**income_figures()),
        BALANCE: lines[BALANCE].with_columns(**balance_figures()),
        CASH: lines[CASH].join(revenue, on=PERIOD, how="left").with_columns(**cash_figures()),
    }
    fiscal = fiscal_period(fiscal_year_end(lines))
    description = {"symbol": pl.lit(symbol), "currency": pl.lit(currency, pl.String), **fiscal}
    return {table: _rows(table, rows.with_columns(**description)) for table, rows in derived.items()}


def fiscal_year_end(lines: Mapping[str, pl.DataFrame]) -> date | None:
    """Return the last day of the newest annual period, None if there is none.

    Args:
        lines: by table, with period_date and frequency.

    Returns:
        The end of a fiscal year.
    """
    annual = (rows.filter(pl.col("frequency") == "a")["period_date"].to_list() for rows in lines.values())
    return max(chain.from_iterable(annual), default=None)


def _rows(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    figures = [column.name for column in TABLES[table].columns if column.type.kind in ("numeric", "bigint")]
    reported = rows.filter(pl.any_horizontal(pl.col(figures).is_not_null()))
    return reported.select(name for name in (*DESCRIPTION, *figures) if name in rows.columns)


def _ratio(numerator: str, denominator: str) -> pl.Expr:
    """Return the quotient, null unless both are known and the denominator is positive."""
    return pl.when(pl.col(denominator) > 0).then(pl.col(numerator) / pl.col(denominator))


def income_figures() -> dict[str, pl.Expr]:
    """Return the margins, profit / revenue, where there is revenue."""
    return {
        "gross_margin": _ratio("gross_profit", "total_revenue"),
        "operating_margin": _ratio("operating_income", "total_revenue"),
        "net_margin": _ratio("net_income", "total_revenue"),
    }


def balance_figures() -> dict[str, pl.Expr]:
    """Return liquidity, leverage and book value per share.

    working_capital = current assets - current liabilities; net_debt = debt - cash;
    current_ratio = current assets / current liabilities; debt_to_equity = debt / equity;
    book_value_per_share = equity / ordinary shares outstanding.

    Returns:
        Expressions on the balance sheet's lines.
    """
    return {
        "working_capital": pl.col("current_assets") - pl.col("current_liabilities"),
        "net_debt": pl.col("total_debt") - pl.col("cash_and_cash_equivalents"),
        "current_ratio": _ratio("current_assets", "current_liabilities"),
        "debt_to_equity": _ratio("total_debt", "total_stockholders_equity"),
        "book_value_per_share": _ratio("total_stockholders_equity", "shares"),
    }


def cash_figures() -> dict[str, pl.Expr]:
    """Return free_cash_flow = operating cash flow + capital expenditures (negative), and its margin."""
    flow = pl.col("operating_cash_flow") + pl.col("capital_expenditures")
    return {
        "free_cash_flow": flow,
        "fcf_margin": pl.when(pl.col("revenue") > 0).then(flow / pl.col("revenue")),
    }


def fiscal_period(year_end: date | None) -> dict[str, pl.Expr]:
    """Return the fiscal year and quarter of a period from the month in which fiscal years end.

    A fiscal year is named for the calendar year in which it ends. A period that ends between
    quarters has a year and no quarter; nor has an annual one.

    Args:
        year_end: the end of any fiscal year; None where unknown.

    Returns:
        fiscal_year and fiscal_quarter on period_date and frequency; null without a year end.
    """
    if year_end is None:
        unknown = pl.lit(None, pl.Int32)
        return {"fiscal_year": unknown, "fiscal_quarter": unknown}
    end = pl.col("period_date").dt.offset_by(f"-{SLACK.days}d")
    month = end.dt.month().cast(pl.Int32)
    months_left = ((year_end - SLACK).month - month) % MONTHS_PER_YEAR
    ends_next_year = month + months_left > MONTHS_PER_YEAR
    quarterly = (pl.col("frequency") == "q") & (months_left % MONTHS_PER_QUARTER == 0)
    return {
        "fiscal_year": end.dt.year() + ends_next_year.cast(pl.Int32),
        "fiscal_quarter": pl.when(quarterly).then(4 - months_left // MONTHS_PER_QUARTER),
    }
