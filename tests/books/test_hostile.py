"""Files that cannot be trusted: each gives a book, or one clear sentence with its line."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal as D
from pathlib import Path

import polars as pl
import pytest

from loaders.books.book import Choices, Sources, read_book
from loaders.books.numbers import cleaned, is_number, parsed
from loaders.books.options import contract
from loaders.books.prices import read_prices
from loaders.books.refusals import BookError
from loaders.books.sheet import of_frame, read_file

PRICES = of_frame({"Date": ["2025-01-02"], "SPY": [580.0]}, "prices")


def lots(folder: Path, content: str | bytes, **choices: object) -> list[tuple[object, ...]]:
    """Symbol, quantity, cost and entry date of each lot of a file."""
    file = folder / "book.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    settings = {"start": date(2025, 1, 2), **choices}
    book = read_book(Sources(read_file(file), PRICES), Choices(**settings))  # type: ignore[arg-type]
    if book.refusals:
        raise BookError("", book.refusals)
    return book.lots.select("symbol", "quantity", "entry_price", "entry_date").rows()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252", "utf-8"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    text = "Symbol,Name,Quantity,Cost\nNESN,Nestlé,5,100\n"
    assert lots(tmp_path, text.encode(encoding))[0][:2] == ("NESN", D(5))


def test_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    text = "Symbol;Quantity;Avg Price;Trade Date\nSAP;1.200;1.234,50;31.01.2025\nBMW;7,5;80,25;01.02.2025\n"
    assert lots(tmp_path, text) == [
        ("SAP", D(1200), D("1234.5"), date(2025, 1, 31)),
        ("BMW", D("7.5"), D("80.25"), date(2025, 2, 1)),
    ]


def test_a_symbol_that_is_a_number_keeps_its_zeros(tmp_path: Path) -> None:
    assert lots(tmp_path, 'Ticker,Qty,Cost\n0700,5,380\n="0005",6,70\n')[0][0] == "0700"
    assert lots(tmp_path, 'Ticker,Qty,Cost\n="0005",6,70\n')[0][0] == "0005"


@pytest.mark.thorough
def test_a_million_closes_are_read(tmp_path: Path) -> None:
    days = pl.date_range(date(2021, 1, 1), date(2023, 9, 27), eager=True)
    names = pl.Series("Symbol", [f"S{number}" for number in range(1000)])
    table = days.to_frame("Date").join(names.to_frame(), how="cross").with_columns(Close=pl.lit(12.5))
    assert table.height == 1_000_000
    table.write_csv(tmp_path / "prices.csv")
    rows, closes = read_prices(read_file(tmp_path / "prices.csv"), {}, None)
    assert (closes.height, rows.refusals) == (1_000_000, [])


SENTENCES = {
    "empty": ("", "book.csv is empty"),
    "blank": ("\n \n", "book.csv is empty"),
    "no table": (b"\x89PNG\r\n\x1a\n\0\0\0", "book.csv is no text: it holds bytes of 0"),
    "a page": ("<html><body>Sign in</body></html>", "no line is a header with symbol, quantity"),
    "no rows": ("Symbol,Quantity\n", "book.csv has no lot"),
    "mixed encodings": (
        "Symbol,Name,Qty\nA,Nestlé,1\n".encode() + "B,Société,2\n".encode("cp1252"),
        "line 3: the byte 0xe9 is not UTF-8",
    ),
    "duplicated header": ("Symbol,Qty,Qty\nA,1,2\n", "line 1: 'Qty' and 'Qty' both stand for quantity"),
    "formula": ("Symbol,Qty,Cost\nA,=1+2,5\n", "line 2: column Qty: '=1+2' is a formula, not a number"),
    "formula symbol": ("Symbol,Qty,Cost\n=cmd(),1,5\n", "line 2: '=cmd()' is a formula, not a symbol"),
    "word": ("Symbol,Qty,Cost\nA,many,5\n", "line 2: column Qty: 'many' is no number"),
    "no quantity": ("Symbol,Qty,Cost\nA,,5\n", "line 2: there is no quantity"),
    "no symbol": ("Symbol,Qty,Cost\n,3,5\n", "line 2: there is no symbol"),
    "side": ("Symbol,Qty,Side,Cost\nA,-3,Long,5\n", "line 2: a long position of -3 contradicts itself"),
    "half closed": ("Symbol,Qty,Cost,Exit Date\nA,3,5,2025-02-03\n", "line 2: a closed lot has both"),
    "ambiguous date": (
        "Symbol,Qty,Cost,Trade Date\nA,3,5,02/03/2025\n",
        "line 2: '02/03/2025' is month first or day first",
    ),
    "both orders": (
        "Symbol,Qty,Cost,Trade Date\nA,3,5,02/13/2025\nB,3,5,13/02/2025\n",
        "line 2: '02/13/2025' is month first or day first",
    ),
    "no such day": ("Symbol,Qty,Cost,Trade Date\nA,3,5,2025-02-30\n", "'2025-02-30' is no date"),
    "thousands or fraction": (
        "Symbol;Qty;Cost\nA;1,234;5\n",
        "line 2: '1,234' may be thousands or a fraction",
    ),
    "both decimal marks": (
        "Symbol;Qty;Cost\nA;1,5;2.25\n",
        "'1,5' (line 2) and '2.25' (line 2) have different decimal marks",
    ),
    "currency": (
        "Symbol,Qty,Cost,Currency\nA,1,5,USD\nB,1,5,EUR\n",
        "line 3: column Currency: 'EUR' is not in US",
    ),
    "pence": ("Symbol,Qty,Cost,Ccy\nA,1,5,GBp\n", "line 2: column Ccy: 'GBp' is not in US dollars"),
    "currency mark": ("Symbol,Qty,Cost\nA,1,€5.00\n", "line 2: column Cost: '€5.00' is not in US dollars"),
    "currency code": (
        "Symbol,Qty,Cost\nA,1,GBp 510\n",
        "line 2: column Cost: 'GBp 510' is not in US dollars",
    ),
    "cash": ("Symbol,Qty,Ccy\nA,1,USD\nCash,500,CHF\n", "line 3: column Ccy: 'CHF' is not in US dollars"),
    "unquoted thousands": ("Symbol,Qty,Cost\nA,1,234,5\n", "line 2: 4 cells under a header of 3"),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_a_bad_file_gives_a_sentence(case: str, tmp_path: Path) -> None:
    content, sentence = SENTENCES[case]
    with pytest.raises(BookError, match=re.escape(sentence)):
        lots(tmp_path, content)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("prices", "Date,Symbol,Close,Currency\n2025-01-02,A,5,USD\n2025-01-03,A,5,GBX\n"),
        ("flows", "Date,Amount,Currency\n2025-01-02,5,USD\n2025-01-03,5,EUR\n"),
        ("trades", "Date,Action,Symbol,Qty,Price,Ccy\n2025-01-02,Buy,A,1,5,USD\n2025-01-03,Buy,A,1,5,CAD\n"),
    ],
)
def test_no_table_takes_another_currency_for_dollars(kind: str, text: str, tmp_path: Path) -> None:
    (tmp_path / f"{kind}.csv").write_text(text)
    (tmp_path / "book.csv").write_text("Symbol,Qty,Cost,Currency\nA,1,5,US Dollar\nCash,500,,usd\n")
    sheets = {"positions": read_file(tmp_path / "book.csv"), kind: read_file(tmp_path / f"{kind}.csv")}
    book = read_book(Sources(**sheets), Choices(start=date(2025, 1, 2)))
    assert [(one.source, one.line) for one in book.refusals] == [(f"{kind}.csv", 3)]
    assert "is not in US dollars" in book.refusals[0].reason


def test_the_stated_order_of_dates_counts(tmp_path: Path) -> None:
    text = "Symbol,Qty,Cost,Trade Date\nA,3,5,02/03/2025\n"
    assert lots(tmp_path, text, order="dmy")[0][3] == date(2025, 3, 2)
    assert lots(tmp_path, text, order="mdy")[0][3] == date(2025, 2, 3)


def test_a_stated_column_counts(tmp_path: Path) -> None:
    text = "Symbol,Lot size,Cost\nA,3,5\n"
    with pytest.raises(BookError, match="no line is a header"):
        lots(tmp_path, text)
    assert lots(tmp_path, text, mapping={"Lot size": "quantity"})[0][1] == D(3)


def test_contradictory_closes_are_refused() -> None:
    rows, _ = read_prices(
        of_frame({"Date": ["2025-01-02"] * 2, "Symbol": ["A", "a"], "Close": [1.0, 2.0]}, "prices"), {}, None
    )
    assert [refusal.line for refusal in rows.refusals] == [1, 2]


NUMBERS = {
    "$1,234.50": "1234.50",
    "(1,234.50)": "-1234.50",
    "-$12.00": "-12",
    "+3": "3",
    "1 234.5": "1234.5",
    "\N{MINUS SIGN}7": "-7",
    "1.5E3": "1500",
    "12-": "-12",
    "USD 5.25": "5.25",
}


@pytest.mark.parametrize("text", NUMBERS)
def test_forms_of_numbers(text: str) -> None:
    texts = cleaned(pl.Series([text]))
    assert is_number(texts, ".").to_list() == [True]
    assert parsed(texts, ".").to_list() == [D(NUMBERS[text])]


@pytest.mark.parametrize("text", ["1,23,4", "12abc", "1.2.3", "0x10", "--5"])
def test_what_is_no_number(text: str) -> None:
    assert is_number(cleaned(pl.Series([text])), ".").to_list() == [False]


@pytest.mark.parametrize(
    "text",
    [
        "AAPL251219C00150500",
        "AAPL  251219C00150500",
        "-AAPL251219C150.5",
        "AAPL 12/19/2025 150.50 C",
        "AAPL 19DEC25 150.5 C",
        "AAPL Dec 19 '25 $150.50 Call",
        "AAPL 12/19/2025 Call $150.50",
    ],
)
def test_spellings_of_an_option(text: str) -> None:
    option = contract(text)
    assert option is not None
    assert (option.symbol, option.underlying, option.strike) == ("AAPL251219C00150500", "AAPL", D("150.5"))
    assert (option.expiration, option.right) == (date(2025, 12, 19), "C")
