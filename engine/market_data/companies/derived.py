"""Figures that follow from a statement's own lines, and the fiscal period that it belongs to."""

from __future__ import annotations

from datetime import date

import polars as pl

MONTHS_A_QUARTER, MONTHS_A_YEAR = 3, 12
SLACK_DAYS = 7
"""A year of 52 or 53 weeks ends up to a week into the month after the one it is named for."""


def _ratio(numerator: str, denominator: str) -> pl.Expr:
    """Null unless both are there and the denominator is positive."""
    return pl.when(pl.col(denominator) > 0).then(pl.col(numerator) / pl.col(denominator))


def income_figures() -> dict[str, pl.Expr]:
    """Margins: profit / revenue, where there is revenue."""
    return {
        "gross_margin": _ratio("gross_profit", "total_revenue"),
        "operating_margin": _ratio("operating_income", "total_revenue"),
        "net_margin": _ratio("net_income", "total_revenue"),
    }


def balance_figures() -> dict[str, pl.Expr]:
    """What the balance sheet's lines say of liquidity, debt and the worth of a share.

    working_capital = current assets - current liabilities; net_debt = debt - cash;
    current_ratio = current assets / current liabilities; debt_to_equity = debt / equity;
    book_value_per_share = equity / ordinary shares outstanding.
    """
    return {
        "working_capital": pl.col("current_assets") - pl.col("current_liabilities"),
        "net_debt": pl.col("total_debt") - pl.col("cash_and_cash_equivalents"),
        "current_ratio": _ratio("current_assets", "current_liabilities"),
        "debt_to_equity": _ratio("total_debt", "total_stockholders_equity"),
        "book_value_per_share": _ratio("total_stockholders_equity", "shares"),
    }


def cash_figures() -> dict[str, pl.Expr]:
    """free_cash_flow = operating cash flow + capital expenditures (negative), and its margin."""
    flow = pl.col("operating_cash_flow") + pl.col("capital_expenditures")
    return {
        "free_cash_flow": flow,
        "fcf_margin": pl.when(pl.col("revenue") > 0).then(flow / pl.col("revenue")),
    }


def fiscal_period(year_end: date | None) -> dict[str, pl.Expr]:
    """Year and quarter that a period's end falls into, from the month in which fiscal years end.

    A fiscal year is named for the calendar year in which it ends. A period that ends between
    quarters has a year and no quarter; an annual one has none either. Without a fiscal year's end
    there is neither.
    """
    if year_end is None:
        nothing = pl.lit(None, pl.Int32)
        return {"fiscal_year": nothing, "fiscal_quarter": nothing}
    end = pl.col("period_date").dt.offset_by(f"-{SLACK_DAYS}d")
    last_month = _named_for(year_end).month
    months_left = (last_month - end.dt.month().cast(pl.Int32)) % MONTHS_A_YEAR
    over = end.dt.month().cast(pl.Int32) + months_left > MONTHS_A_YEAR
    quarterly = (pl.col("frequency") == "q") & (months_left % MONTHS_A_QUARTER == 0)
    return {
        "fiscal_year": end.dt.year() + over.cast(pl.Int32),
        "fiscal_quarter": pl.when(quarterly).then(4 - months_left // MONTHS_A_QUARTER),
    }


def _named_for(day: date) -> date:
    return date.fromordinal(day.toordinal() - SLACK_DAYS)
