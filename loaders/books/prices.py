"""Closes from a file or frame: long tables, tables of dates x symbols, and quotes as yfinance gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath

import polars as pl

from loaders.books.body import MOST_PREAMBLE, Body, body, cell, day_order, decimal_mark
from loaders.books.columns import PRICE_NAMES, Header, column_of, rank
from loaders.books.dates import DateOrder
from loaders.books.lots import RowError, symbol_of
from loaders.books.numbers import EXACT
from loaders.books.options import contract
from loaders.books.refusals import BookError
from loaders.books.sheet import Row, Sheet

CLOSES = {
    "line": pl.Int64(),
    "symbol": pl.String(),
    "date": pl.Date(),
    "close": EXACT,
    "adjusted": EXACT,
}
"""Columns of closes, in USD; adjusted is null where the file has only one close."""
FIELDS = {"close": "close", "adj close": "adjusted"}
"""Fields of yfinance that are used."""
ALL_FIELDS = (*FIELDS, "open", "high", "low", "volume", "dividends", "stock splits", "capital gains")
INDEX_NAMES = ("Price", "Attributes", "Ticker", "")
"""First cell of a header row of yfinance."""
LEVELS = "\n"
"""Between the two levels of a column's name in a frame of yfinance."""
HIGHEST = 10**8
"""USD; the column `close` holds eight digits before the point."""

Column = tuple[str, str, int]
"""Field, symbol, and index in the row."""


def read_prices(
    sheet: Sheet, stated: Mapping[str, str], order: DateOrder | None
) -> tuple[Body, pl.DataFrame]:
    """Read closes. Rows that cannot be used are among the body's refusals.

    Args:
        sheet: Cells of the file or frame.
        stated: {theirs: ours}.
        order: of day and month in dates, None to detect it.

    Returns:
        The rows as they are in the file, and the closes above 0, in columns `CLOSES`.
    """
    sheet = _one_header(sheet)
    at = next((index for index, row in enumerate(sheet.rows) if any(map(str.strip, row))), 0)
    columns = _wide_columns(sheet.rows[at], stated)
    if columns:
        rows, closes = _read_wide(sheet, at, columns, order)
    else:
        rows, closes = _read_long(sheet, stated, order)
    return rows, _checked(rows, closes)


def _one_header(sheet: Sheet) -> Sheet:
    """Return a sheet whose header rows, of yfinance's CSV, are joined to one: fields, symbols, and Date.

    The symbols stand below the fields, or above them where the quotes are grouped by ticker.
    """
    for index, row in enumerate(sheet.rows[:MOST_PREAMBLE]):
        fields = _names(row)
        if fields and row[0].strip() in INDEX_NAMES and {name.lower() for name in fields} <= set(ALL_FIELDS):
            grouped = index > 0 and len(_names(sheet.rows[index - 1])) == len(fields)
            symbols = sheet.rows[index - 1 if grouped else index + 1 : index if grouped else index + 2]
            names = [LEVELS.join(pair) for pair in zip(row[1:], *(one[1:] for one in symbols), strict=False)]
            skip = index + (1 if grouped else 2)
            skip += sheet.rows[skip : skip + 1] != [] and sheet.rows[skip][:1] == ["Date"]
            lines = [sheet.lines[index], *sheet.lines[skip:]]
            return Sheet(sheet.source, [["Date", *names], *sheet.rows[skip:]], lines, sheet.delimiter)
    return sheet


def _names(row: Row) -> list[str]:
    """Return the names in a header row beside that of the dates."""
    return [name.strip() for name in row[1:] if name.strip()]


def _wide_columns(header: Row, stated: Mapping[str, str]) -> list[Column]:
    """Return the columns of closes of a table of dates x symbols; none if it is another table."""
    titles = [name.strip() for name in header]
    if any(LEVELS in title for title in titles):
        return list(_of_levels(titles))
    named = {match[0] for title in titles if title and (match := column_of(title, PRICE_NAMES))}
    if stated or not titles or {"close", "adjusted"} & named or "symbol" in named:
        return []
    if titles[0] and rank(titles[0], PRICE_NAMES["date"]) is None:
        return []
    return [("close", title, index) for index, title in enumerate(titles) if index and title]


def _of_levels(titles: Row) -> Iterator[Column]:
    for index, title in enumerate(titles):
        parts = title.split(LEVELS)
        for field, symbol in (parts, reversed(parts)) if len(parts) == 2 else ():
            if field.strip().lower() in FIELDS:
                yield FIELDS[field.strip().lower()], symbol.strip(), index


def _read_wide(
    sheet: Sheet, at: int, columns: list[Column], order: DateOrder | None
) -> tuple[Body, pl.DataFrame]:
    names = [f"{field}{LEVELS}{_symbol(sheet, at, symbol)}" for field, symbol, _ in columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise BookError(f"{sheet.place(at)}: the symbol {twice.split(LEVELS)[1]} is there twice")
    places = {"date": 0, **{name: index for name, (_, _, index) in zip(names, columns, strict=True)}}
    cells = [
        [cell(row[place]) if place < len(row) else "" for place in places.values()]
        for row in sheet.rows[at + 1 :]
    ]
    texts = pl.DataFrame(cells, schema=dict.fromkeys(places, pl.String), orient="row")
    texts = texts.with_columns(line=pl.Series(sheet.lines[at + 1 :], dtype=pl.Int64))
    rows = Body(sheet, Header(places, []), at, texts)
    rows.decimal, rows.order = decimal_mark(rows, names), order or day_order(rows, ["date"])
    return rows, _unpivoted(rows, names)


def _unpivoted(rows: Body, names: list[str]) -> pl.DataFrame:
    values = pl.DataFrame({"line": rows.texts["line"], "date": rows.day("date")})
    values = values.with_columns(rows.number(name) for name in names)
    rows.refuse(
        rows.text("date").is_null()
        & values.select(pl.any_horizontal(pl.col(names).is_not_null())).to_series(),
        "there is no date",
    )
    long = values.unpivot(names, index=["line", "date"], variable_name="name", value_name="value")
    parts = long["name"].str.splitn(LEVELS, 2).struct.rename_fields(["field", "symbol"]).struct.unnest()
    long = long.hstack(parts).drop_nulls(["date", "value"])
    keys = ["line", "symbol", "date"]
    close, adjusted = (
        long.filter(pl.col("field") == field).select(*keys, pl.col("value").alias(field))
        for field in ("close", "adjusted")
    )
    if adjusted.is_empty():
        return close.with_columns(adjusted=pl.lit(None, EXACT)).select(CLOSES.keys())
    joined = close.join(adjusted, on=keys, how="full", coalesce=True)
    alone = pl.col("close").is_null()
    return joined.with_columns(
        close=pl.coalesce("close", "adjusted"), adjusted=pl.when(~alone).then("adjusted")
    ).select(CLOSES.keys())


def _symbol(sheet: Sheet, at: int, text: str) -> str:
    try:
        return symbol_of(text, contract(text))
    except RowError as error:
        raise BookError(f"{sheet.place(at)}: {error}") from error


def _read_long(sheet: Sheet, stated: Mapping[str, str], order: DateOrder | None) -> tuple[Body, pl.DataFrame]:
    figures = ("close", "adjusted")
    rows = body(sheet, PRICE_NAMES, (("date",), figures), stated, order, ("date",), figures)
    texts = rows.text("symbol") if rows.has("symbol") else _only_symbol(rows)
    known = {}
    for text in texts.drop_nulls().unique(maintain_order=True):
        try:
            known[text] = symbol_of(text, contract(text))
        except RowError as error:
            rows.refuse((texts == text), str(error))
    close, adjusted = rows.number("close"), rows.number("adjusted")
    blank = close.is_null() & adjusted.is_null()
    rows.refuse_other_currencies(unless=blank)
    rows.refuse(rows.text("date").is_null() & ~blank, "there is no date")
    rows.refuse(texts.is_null() & ~blank, "there is no symbol")
    closes = pl.DataFrame(
        {
            "line": rows.texts["line"],
            "symbol": texts.replace_strict(known, default=None, return_dtype=pl.String),
            "date": rows.day("date"),
            "close": close.zip_with(close.is_not_null(), adjusted),
            # One close is taken as it is: it says nothing of another one.
            "adjusted": adjusted.zip_with(close.is_not_null(), adjusted.clear(1)),
        }
    )
    return rows, closes.drop_nulls(["symbol", "date", "close"])


def _only_symbol(rows: Body) -> pl.Series:
    """Return the symbol of a table that has none: the name of its file."""
    stem = PurePath(rows.sheet.source).stem
    if stem == rows.sheet.source:
        raise BookError(f"{rows.sheet.source}: there is no column of symbols")
    rows.guesses.append(f"all closes are of {stem.upper()}, the name of the file")
    return pl.Series("symbol", [stem]).new_from_index(0, rows.texts.height)


def _checked(rows: Body, closes: pl.DataFrame) -> pl.DataFrame:
    """Return the closes above 0, once each; refuse negative, too high and contradictory ones."""
    for wrong, reason in (
        (pl.min_horizontal("close", "adjusted") < 0, "the close of {} is below 0"),
        (pl.max_horizontal("close", "adjusted") >= HIGHEST, "the close of {} has more than eight digits"),
        (
            (pl.col("close").n_unique().over("symbol", "date") > 1),
            "the close of {} differs from another of the same day",
        ),
    ):
        bad = closes.filter(wrong)
        rows.refuse_lines(
            (line, reason.format(symbol)) for line, symbol in bad.select("line", "symbol").rows()
        )
    zero = closes.filter(pl.col("close") == 0).height
    if zero:
        rows.guesses.append(f"{zero:,} closes of 0 are left out: 0 is no price")
    good = closes.filter(pl.col("close") > 0)
    return good.unique(["symbol", "date"], keep="first", maintain_order=True)
