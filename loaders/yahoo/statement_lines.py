"""Lines of the three financial statements, quarterly and annual.

Yahoo's trailing-twelve-month figures are a separate series and are not fetched: the legacy batch
mistook them for the newest quarter (document 04 §5.3, D17).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

FREQUENCIES = {"q": "quarterly", "a": "yearly"}

INCOME = {
    "total_revenue": "TotalRevenue",
    "cost_of_revenue": "CostOfRevenue",
    "gross_profit": "GrossProfit",
    "research_and_development": "ResearchAndDevelopment",
    "selling_general_and_administrative": "SellingGeneralAndAdministration",
    "operating_income": "OperatingIncome",
    "ebit": "EBIT",
    "ebitda": "EBITDA",
    "net_income": "NetIncome",
    "diluted_eps": "DilutedEPS",
    "basic_eps": "BasicEPS",
    "basic_average_shares": "BasicAverageShares",
    "diluted_average_shares": "DilutedAverageShares",
    "tax_provision": "TaxProvision",
    "interest_expense": "InterestExpense",
    "depreciation_and_amortization": "ReconciledDepreciation",
}
BALANCE = {
    "total_assets": "TotalAssets",
    "current_assets": "CurrentAssets",
    "cash_and_cash_equivalents": "CashAndCashEquivalents",
    "short_term_investments": "OtherShortTermInvestments",
    "accounts_receivable": "AccountsReceivable",
    "inventory": "Inventory",
    "property_plant_equipment": "NetPPE",
    "intangible_assets": "GoodwillAndOtherIntangibleAssets",
    "total_liabilities": "TotalLiabilitiesNetMinorityInterest",
    "current_liabilities": "CurrentLiabilities",
    "accounts_payable": "AccountsPayable",
    "short_term_debt": "CurrentDebt",
    "long_term_debt": "LongTermDebt",
    "total_debt": "TotalDebt",
    "total_stockholders_equity": "TotalEquityGrossMinorityInterest",
    "retained_earnings": "RetainedEarnings",
    "common_stock": "CommonStock",
    "shares": "OrdinarySharesNumber",
}
CASH = {
    "operating_cash_flow": "OperatingCashFlow",
    "depreciation_and_amortization": "DepreciationAndAmortization",
    "stock_based_compensation": "StockBasedCompensation",
    "change_in_working_capital": "ChangeInWorkingCapital",
    "investing_cash_flow": "InvestingCashFlow",
    "capital_expenditures": "CapitalExpenditure",
    "acquisitions": "NetBusinessPurchaseAndSale",
    "purchases_of_investments": "PurchaseOfInvestment",
    "financing_cash_flow": "FinancingCashFlow",
    "dividends_paid": "CashDividendsPaid",
    "stock_repurchases": "RepurchaseOfCapitalStock",
    "debt_issuance_repayment": "NetIssuancePaymentsOfDebt",
    "net_change_in_cash": "ChangesInCash",
    "beginning_cash_position": "BeginningCashPosition",
}
LINES = {"income_statements": INCOME, "balance_sheets": BALANCE, "cash_flows": CASH}
"""Yahoo's line of each column, by table. `shares` is no column: book_value_per_share needs it."""


def fetch_statements(ticker: Any) -> dict[str, pl.DataFrame]:
    """Fetch the statements of one company: six requests.

    Args:
        ticker: yfinance's, of `open_ticker`.

    Returns:
        By table: period_date, frequency (`q`, `a`), and a Float64 for each column of `LINES`, in
        currency units; null where Yahoo has no finite number.
    """
    fetchers: dict[str, Callable[..., Any]] = {
        "income_statements": ticker.get_income_stmt,
        "balance_sheets": ticker.get_balance_sheet,
        "cash_flows": ticker.get_cash_flow,
    }
    return {
        table: pl.concat(
            [_periods(fetchers[table](freq=name), lines, letter) for letter, name in FREQUENCIES.items()]
        )
        for table, lines in LINES.items()
    }


def _periods(frame: Any, lines: Mapping[str, str], frequency: str) -> pl.DataFrame:
    """Transpose yfinance's frame, lines x periods, into one row for each period."""
    figures = {
        column: frame.loc[line].to_numpy(float) if line in frame.index else [None] * frame.shape[1]
        for column, line in lines.items()
    }
    days = [period_end.date() for period_end in frame.columns]
    schema = {"period_date": pl.Date, **dict.fromkeys(lines, pl.Float64)}
    rows = pl.DataFrame({"period_date": days, **figures}, schema=schema)
    finite = (pl.when(pl.col(column).is_finite()).then(column) for column in lines)
    return rows.with_columns(finite).with_columns(frequency=pl.lit(frequency))
