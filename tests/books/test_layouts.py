"""Exports of brokers and trackers, with their headers as they publish them and invented figures."""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D
from pathlib import Path

import pytest

from loaders.books.book import Book, Choices, Sources, read_book
from loaders.books.sheet import of_frame, read_file

JANUARY = date(2025, 1, 2)
PRICES = of_frame({"Date": ["2025-01-02", "2025-01-03"], "SPY": [580.0, 581.0]}, "prices")

INTERACTIVE_BROKERS = """\
Statement,Header,Field Name,Field Value
Statement,Data,BrokerName,Interactive Brokers LLC
Statement,Data,Title,Activity Statement
Open Positions,Header,DataDiscriminator,Asset Category,Currency,Symbol,Quantity,Mult,Cost Price,Cost Basis,Close Price,Value,Unrealized P/L,Code
Open Positions,Data,Summary,Stocks,USD,MSFT,120,1,401.25,48150,418.5,50220,2070,
Open Positions,Data,Summary,Stocks,USD,BRK B,-15,1,455.1,-6826.5,460.2,-6903,-76.5,
Open Positions,Total,,Stocks,USD,,,,,41323.5,,43317,1993.5,
Open Positions,Data,Summary,Equity and Index Options,USD,AAPL 19DEC25 250 C,2,100,12.4,2480,13.05,2610,130,
Open Positions,Total,,Equity and Index Options,USD,,,,,2480,,2610,130,
Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,T. Price,Proceeds,Comm/Fee,Code
Trades,Data,Order,Stocks,USD,MSFT,"2025-02-03, 10:15:00",120,401.25,-48150,-1,O
"""
SCHWAB = """\
"Positions for account Individual ...123 as of 04:05 PM ET, 2025/12/19"

"Symbol","Description","Qty (Quantity)","Price","Price Chng $ (Price Change $)","Price Chng % (Price Change %)","Mkt Val (Market Value)","Day Chng $ (Day Change $)","Cost Basis","Gain $ (Gain/Loss $)","% of Acct (% of Account)","Security Type",
"MSFT","MICROSOFT CORP","1,200","$418.50","$2.10","0.5%","$502,200.00","$2,520.00","$481,500.00","$20,700.00","60%","Equity",
"BRK/B","BERKSHIRE HATHAWAY","-15","$460.20","-$1.00","-0.2%","-$6,903.00","$15.00","-$6,826.50","-$76.50","1%","Equity",
"AAPL 12/19/2025 250.00 C","CALL APPLE INC $250 EXP 12/19/25","2","$13.05","$0.10","0.8%","$2,610.00","$20.00","$2,480.00","$130.00","1%","Option",
"Cash & Cash Investments","--","--","--","--","--","$12,345.67","$0.00","--","--","2%","Cash and Money Market",
"Account Total","--","--","--","--","--","$510,252.67","$2,555.00","$477,153.50","$20,753.50","--","--",
"""
FIDELITY = """\
\ufeffAccount Number,Account Name,Symbol,Description,Quantity,Last Price,Last Price Change,Current Value,Today's Gain/Loss Dollar,Today's Gain/Loss Percent,Total Gain/Loss Dollar,Total Gain/Loss Percent,Percent Of Account,Cost Basis Total,Average Cost Basis,Type
Z00000001,INDIVIDUAL,SPAXX**,HELD IN MONEY MARKET,,,,$12345.67,,,,,1.64%,,,Cash,
Z00000001,INDIVIDUAL,MSFT,MICROSOFT CORP,120,$418.50,+$2.10,$50220.00,+$252.00,+0.50%,+$2070.00,+4.29%,90%,$48150.00,$401.25,Margin,
Z00000001,INDIVIDUAL,BRKB,BERKSHIRE HATHAWAY,-15,$460.20,-$1.00,-$6903.00,+$15.00,+0.2%,-$76.50,-1.1%,1%,$6826.50,$455.10,Short,
Z00000001,INDIVIDUAL, -AAPL251219C250,AAPL DEC 19 2025 $250 CALL,2,$13.05,+$0.10,$2610.00,+$20.00,+0.7%,+$130.00,+5.2%,1%,$2480.00,$12.40,Margin,
Z00000001,INDIVIDUAL,Pending Activity,,,,,$0.00,,,,,,,,

"The data and information in this spreadsheet is provided to you solely for your use and is not for distribution."

"Date downloaded Dec-19-2025 4:10 p.m ET"
"""
VANGUARD = """\
Account Number,Investment Name,Symbol,Shares,Share Price,Total Value,
12345678,VANGUARD TOTAL STOCK MARKET INDEX ADMIRAL CL,VTSAX,1234.567,140.25,173148.02,
12345678,VANGUARD FEDERAL MONEY MARKET FUND,VMFXX,12345.67,1,12345.67,


Account Number,Trade Date,Settlement Date,Transaction Type,Transaction Description,Investment Name,Symbol,Shares,Share Price,Principal Amount,Commissions and Fees,Net Amount,Accrued Interest,Account Type,
12345678,12/19/2025,12/19/2025,Reinvestment,Dividend Reinvestment,VANGUARD FEDERAL MONEY MARKET FUND,VMFXX,10.5,1,-10.5,0,-10.5,0,CASH,
"""
ETRADE = """\
Account Summary
Account,Net Account Value,Total Gain $,Total Gain %,Day's Gain Unrealized $,Day's Gain Unrealized %,Available For Withdrawal,Cash Purchasing Power
"Individual Brokerage -1234",65000,2123.5,3.4,12.5,0.02,12345.67,12345.67

View Summary - All Positions
Symbol,Last Price $,Change $,Change %,Quantity,Price Paid $,Day's Gain $,Total Gain $,Total Gain %,Value $
MSFT,418.5,2.1,0.5,120,401.25,252,2070,4.3,50220
AAPL Dec 19 '25 $250 Call,13.05,0.1,0.8,-2,12.4,-20,-130,-5.2,-2610
CASH,,,,,,,,,12345.67
TOTAL,,,,,,,1940,,59955.67

Generated at Dec 19 2025 04:10 PM ET
"""
ROBINHOOD = """\
"Activity Date","Process Date","Settle Date","Instrument","Description","Trans Code","Quantity","Price","Amount"
"3/17/2025","3/17/2025","3/18/2025","MSFT","Cash Div: R/D 2025-02-20 P/D 2025-03-17 - 40 shares at 0.83","CDIV","","","$33.20"
"3/3/2025","3/3/2025","3/4/2025","MSFT","Microsoft","Sell","60","$410.00","$24,600.00"
"2/14/2025","2/14/2025","2/18/2025","AAPL","AAPL 12/19/2025 Call $250.00","BTO","2","$12.40","($2,480.08)"
"2/3/2025","2/3/2025","2/4/2025","MSFT","Microsoft","Buy","50","$402.00","($20,100.00)"
"1/6/2025","1/6/2025","1/7/2025","MSFT","Microsoft","Buy","50","$400.00","($20,000.00)"
"1/3/2025","1/3/2025","1/3/2025","","ACH Deposit","ACH","","","$50,000.00"
"","","","","","","","",""
"The data provided is for informational purposes only."
"""
PORTFOLIO_PERFORMANCE = """\
Date;Type;Value;Transaction Currency;Gross Amount;Currency Gross Amount;Exchange Rate;Fees;Taxes;Shares;ISIN;WKN;Ticker Symbol;Security Name;Note
2025-01-03T00:00;Deposit;50.000,00;USD;;;;;;;;;;;
2025-01-06T00:00;Buy;20.005,00;USD;20.000,00;USD;;5,00;0,00;50;US5949181045;870747;MSFT;Microsoft Corp.;
2025-03-03T00:00;Sell;8.195,00;USD;8.200,00;USD;;5,00;0,00;20;US5949181045;870747;MSFT;Microsoft Corp.;
2025-03-17T00:00;Dividend;24,90;USD;24,90;USD;;0,00;0,00;30;US5949181045;870747;MSFT;Microsoft Corp.;
2025-04-01T00:00;Removal;1.000,00;USD;;;;;;;;;;;
"""
WEALTHFOLIO = """\
date,symbol,quantity,activityType,unitPrice,currency,fee,amount
2025-01-03T00:00:00.000Z,$CASH-USD,50000,DEPOSIT,1,USD,0,50000
2025-01-06T00:00:00.000Z,MSFT,50,BUY,400,USD,5,
2025-02-10T00:00:00.000Z,MSFT,50,SPLIT,,USD,0,
2025-03-03T00:00:00.000Z,MSFT,20,SELL,205,USD,5,
2025-03-17T00:00:00.000Z,MSFT,,DIVIDEND,,USD,0,24.9
"""
YAHOO = """\
Symbol,Current Price,Date,Time,Change,Open,High,Low,Volume,Trade Date,Purchase Price,Quantity,Commission,High Limit,Low Limit,Comment,Transaction Type
MSFT,418.5,2025/12/19,16:00 EST,2.1,416.0,419.2,415.1,20123456,20250203,401.25,120.0,,,,,
BRK-B,460.2,2025/12/19,16:00 EST,-1.0,461.0,462.0,459.0,3123456,20250210,455.1,15.0,,,,,
"""


def read(folder: Path, text: str, kind: str = "positions", encoding: str = "utf-8") -> Book:
    file = folder / "export.csv"
    file.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    sources = Sources(**{kind: read_file(file), "prices": PRICES})
    return read_book(sources, Choices(start=JANUARY))


LOT = ("symbol", "position_type", "quantity", "entry_price")
MICROSOFT = ("MSFT", "LONG", D(120), D("401.25"))
CALL = ("AAPL251219C00250000", "LC", D(2), D("12.4"))
EXPORTS = {
    "interactive brokers": (
        INTERACTIVE_BROKERS,
        [MICROSOFT, ("BRK.B", "SHORT", D(-15), D("455.1")), CALL],
        None,
    ),
    "schwab": (
        SCHWAB,
        [("MSFT", "LONG", D(1200), D("401.25")), ("BRK.B", "SHORT", D(-15), D("455.1")), CALL],
        D("12345.67"),
    ),
    "fidelity": (FIDELITY, [MICROSOFT, ("BRKB", "SHORT", D(-15), D("455.1")), CALL], D("12345.67")),
    "vanguard": (VANGUARD, [("VTSAX", "LONG", D("1234.567"), D("140.25"))], D("12345.67")),
    "etrade": (ETRADE, [MICROSOFT, ("AAPL251219C00250000", "SC", D(-2), D("12.4"))], D("12345.67")),
    "yahoo": (YAHOO, [MICROSOFT, ("BRK.B", "LONG", D(15), D("455.1"))], None),
}


@pytest.mark.parametrize("broker", EXPORTS)
def test_positions_of_an_export(broker: str, tmp_path: Path) -> None:
    text, lots, cash = EXPORTS[broker]
    book = read(tmp_path, text)
    assert book.refusals == ()
    assert book.lots.select(LOT).rows() == lots
    assert book.cash == cash


def test_totals_and_remarks_are_told_apart(tmp_path: Path) -> None:
    others = read(tmp_path, FIDELITY).others
    assert others.filter(others["what"] == "note")["line"].to_list() == [8, 10]
    assert read(tmp_path, ETRADE).others["what"].to_list() == ["total", "blank", "note"]
    assert read(tmp_path, SCHWAB).others.rows() == [(8, "total")]


def test_dates_of_yahoo(tmp_path: Path) -> None:
    assert read(tmp_path, YAHOO).lots["entry_date"].to_list() == [date(2025, 2, 3), date(2025, 2, 10)]


def trades_of(folder: Path, text: str) -> tuple[list[tuple[object, ...]], list[object], list[object]]:
    book = read(folder, text, "trades")
    assert book.refusals == ()
    columns = ("symbol", "quantity", "entry_price", "entry_date", "exit_price", "exit_date")
    return (
        book.lots.select(columns).rows(),
        book.income.select("date", "amount").rows(),
        book.flows.select("date", "amount").rows(),
    )


def test_activity_of_robinhood(tmp_path: Path) -> None:
    lots, income, flows = trades_of(tmp_path, ROBINHOOD)
    first, second, sold = date(2025, 1, 6), date(2025, 2, 3), date(2025, 3, 3)
    assert lots == [
        ("MSFT", D(50), D(400), first, D(410), sold),
        ("MSFT", D(10), D(402), second, D(410), sold),
        ("MSFT", D(40), D(402), second, None, None),
        ("AAPL251219C00250000", D(2), D("12.4"), date(2025, 2, 14), None, None),
    ]
    assert income == [(date(2025, 3, 17), D("33.2"))]
    assert flows == [(date(2025, 1, 3), D(50000))]


def test_transactions_of_portfolio_performance(tmp_path: Path) -> None:
    lots, income, flows = trades_of(tmp_path, PORTFOLIO_PERFORMANCE)
    opened, sold = date(2025, 1, 6), date(2025, 3, 3)
    # Value contains the fees: 20,005 for 50 shares; 8,195 after 5 of fees for 20 shares.
    assert lots == [
        ("MSFT", D(20), D(400), opened, D(410), sold),
        ("MSFT", D(30), D(400), opened, None, None),
    ]
    assert income == [(opened, D(-5)), (sold, D(-5)), (date(2025, 3, 17), D("24.9"))]
    assert flows == [(date(2025, 1, 3), D(50000)), (date(2025, 4, 1), D(-1000))]


def test_activities_of_wealthfolio(tmp_path: Path) -> None:
    lots, income, flows = trades_of(tmp_path, WEALTHFOLIO)
    opened, sold = date(2025, 1, 6), date(2025, 3, 3)
    assert lots == [
        ("MSFT", D(20), D(200), opened, D(205), sold),
        ("MSFT", D(80), D(200), opened, None, None),
    ]
    assert income == [(opened, D(-5)), (sold, D(-5)), (date(2025, 3, 17), D("24.9"))]
    assert flows == [(date(2025, 1, 3), D(50000))]


def test_a_company_called_total_or_cash_is_a_lot(tmp_path: Path) -> None:
    text = "Name,Symbol,Qty,Price,Avg Price\nTotal SE,TTE,10,60,55\nPathward,CASH,5,70,65\nTotal,,,,\nCash,,200,1,\n"
    book = read(tmp_path, text)
    assert book.lots["symbol"].to_list() == ["TTE", "CASH"]
    assert book.cash == D(200)
    assert book.others["what"].to_list() == ["total"]
