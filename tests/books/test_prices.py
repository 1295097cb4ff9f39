"""Price tables as people and providers have them: long, wide, and quotes of yfinance as they come."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal as D
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import yfinance as yf

from loaders.books.prices import read_prices
from loaders.books.refusals import BookError
from loaders.books.sheet import of_frame, read_file

MONDAY, TUESDAY = date(2025, 3, 3), date(2025, 3, 4)
Rows = list[tuple[object, ...]]

PLAIN: Rows = [("AAA", MONDAY, D("10.5")), ("AAA", TUESDAY, D(11)), ("BRK.B", TUESDAY, D("460.2"))]
FILES = {
    "long": "Date,Ticker,Close\n2025-03-03,AAA,10.5\n2025-03-04,AAA,11\n2025-03-04,BRK-B,460.20\n",
    "long with bars": (
        "date;symbol;open;high;low;close;volume\n03.03.2025;AAA;10;11;9;10,50;1000\n"
        "04.03.2025;AAA;10;11;9;11,00;1000\n04.03.2025;BRK B;1;1;1;460,20;5\n13.03.2025;ZZZ;;;;;\n"
    ),
    "wide": "Date,AAA,BRK/B\n2025-03-03,10.50,\n2025-03-04,11,460.2\n",
    "wide, dates without a name": ",AAA,BRK.B\n2025-03-03 00:00,10.50,\n2025-03-04 00:00,11,460.2\n",
    "download of several": (
        "Price,Close,Close,Volume,Volume\nTicker,AAA,BRK-B,AAA,BRK-B\nDate,,,,\n"
        "2025-03-03,10.5,,1000,\n2025-03-04,11.0,460.2,1200,77\n"
    ),
    "download grouped by ticker": (
        "Ticker,AAA,AAA,BRK-B,BRK-B\nPrice,Close,Volume,Close,Volume\nDate,,,,\n"
        "2025-03-03,10.5,1000,,\n2025-03-04,11.0,1200,460.2,77\n"
    ),
}


def read_whole(file: Path) -> pl.DataFrame:
    """Read a file of which no row may be refused."""
    rows, closes = read_prices(read_file(file), {}, "dmy" if file.read_text().count(";") else None)
    if rows.refusals:
        raise BookError("", rows.refusals)
    return closes


@pytest.mark.parametrize("kind", FILES)
def test_files_of_closes(kind: str, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text(FILES[kind])
    closes = read_whole(tmp_path / "prices.csv")
    assert sorted(closes.select("symbol", "date", "close").rows()) == PLAIN


def test_a_history_of_one_symbol_takes_the_name_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "aaa.csv").write_text(
        "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits\n"
        "2025-03-03 00:00:00-05:00,10,11,9,10.5,1000,0.0,0.0\n"
        "2025-03-04 00:00:00-05:00,10,11,9,11.0,1000,0.25,0.0\n"
    )
    rows, closes = read_prices(read_file(tmp_path / "aaa.csv"), {}, None)
    assert rows.guesses == ["all closes are of AAA, the name of the file"]
    assert closes.select("symbol", "date", "close").rows() == PLAIN[:2]


@pytest.mark.parametrize("grouped", ["column", "ticker"])
@pytest.mark.parametrize("adjusted", [True, False])
def test_frames_of_yfinance(grouped: str, adjusted: bool) -> None:
    """The columns of `yfinance.download`: fields first or second, with or without adjusted closes."""
    fields = ["Adj Close", "Close", "Volume"] if adjusted else ["Close", "Volume"]
    columns = pd.MultiIndex.from_product([fields, ["AAA", "BRK-B"]], names=["Price", "Ticker"])
    monday, tuesday = [10.5, np.nan], [11.0, 460.2]
    rows = [
        [*([9.5, np.nan] if adjusted else []), *monday, 1000, np.nan],
        [*([10.0, 450.0] if adjusted else []), *tuesday, 1200, 77],
    ]
    frame = pd.DataFrame(rows, index=pd.DatetimeIndex([MONDAY, TUESDAY], name="Date"), columns=columns)
    if grouped == "ticker":
        frame = frame.swaplevel(axis="columns").sort_index(axis="columns")
    _, closes = read_prices(of_frame(frame, "prices"), {}, None)
    assert sorted(closes.select("symbol", "date", "close").rows()) == PLAIN
    quoted = [D("9.5"), D(10), D(450)] if adjusted else [None] * 3
    assert closes.sort("symbol", "date")["adjusted"].to_list() == quoted


def test_yfinance_has_these_columns() -> None:
    """The names above are those of the installed version's own frames."""
    empty = yf.utils.empty_df()
    assert {"Open", "High", "Low", "Close", "Adj Close", "Volume"} <= set(empty.columns)
    assert empty.index.name == "Date"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Date,AAA,aaa\n2025-03-03,1,2\n", "prices.csv, line 1: the symbol AAA is there twice"),
        ("Date,AAA\n2025-03-03,=1+1\n", "line 2: column AAA: '=1+1' is a formula, not a number"),
        ("Date,AAA\n,1\n", "line 2: there is no date"),
        ("Date,AAA\n2025-03-03,-1\n", "line 2: the close of AAA is below 0"),
        ("Date,AAA\n2025-03-03,999999999\n", "line 2: the close of AAA has more than eight digits"),
        ("Date,Symbol,Close\n2025-03-03,,5\n", "line 2: there is no symbol"),
        ("Date,Symbol,Close\n2025-03-03,+A,5\n", "line 2: '+A' is a formula, not a symbol"),
        (
            "Price,Close\nTicker,AAA\n\n2025-03-03,5\n2025-03-04,x\n",
            "line 5: column Close AAA: 'x' is no number",
        ),
        ("Date,=A1\n2025-03-03,5\n", "line 1: '=A1' is a formula, not a symbol"),
        ("Date,AAA\n2025-03-03,€5\n", "line 2: column AAA: '€5' is not in US dollars"),
    ],
)
def test_a_bad_table_gives_a_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text(text)
    with pytest.raises(BookError, match=re.escape(sentence)):
        read_whole(tmp_path / "prices.csv")
