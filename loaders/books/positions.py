"""Positions from a file or frame: lots, cash, and rows that are neither."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from loaders.books.body import Body, body
from loaders.books.columns import POSITION_NAMES
from loaders.books.dates import DateOrder
from loaders.books.lots import LOTS, RowError, read_lot
from loaders.books.refusals import Refusal
from loaders.books.sheet import Sheet

NEEDED = (("symbol",), ("quantity",))
FIGURES = ("quantity", "entry_price", "total_cost", "exit_price", "price", "value")
DATES = ("entry_date", "exit_date")

CASH_SYMBOLS = (
    r"(?i)^\$?(CASH|USD|US DOLLARS?|SPAXX|FDRXX|FZFXX|FCASH|FDIC|VMFXX|SWVXX|SNVXX|CUR:USD|CASH-USD)$"
)
"""Cash, and the money market funds in which brokers keep it."""
CASH_WORDS = r"(?i)^(cash\b.*|us dollars?|pending activity|sweep account.*|core account.*)$"
TOTAL_WORDS = r"(?i)^((grand |account |positions? |portfolio )?totals?\b.*|sub-?total.*)$"
ONE = r"^(\$?1([.,]0*)?|--|n/a)$"
"""The price of cash, or none."""
STARS = r"\*+$"
"""Fidelity's mark of a core position."""
MOST_OF_A_NOTE = 1
"""Cells of a row that is a remark under the table."""


@dataclass(frozen=True)
class Positions:
    """Contents of a file of positions.

    Attributes:
        rows: Columns, refusals and guesses.
        lots: One row for each lot; see `LOTS`.
        cash: line, amount (USD).
        others: line, what: rows that are neither, such as totals.
    """

    rows: Body
    lots: pl.DataFrame
    cash: pl.DataFrame
    others: pl.DataFrame

    @property
    def cash_total(self) -> Decimal | None:
        """The sum of the rows of cash; None if there are none."""
        return Decimal(self.cash["amount"].sum()) if self.cash.height else None


def read_positions(sheet: Sheet, stated: Mapping[str, str], order: DateOrder | None) -> Positions:
    """Read positions.

    Args:
        sheet: Cells of the file or frame.
        stated: {theirs: ours}.
        order: of day and month in dates, None to detect it.

    Returns:
        Lots, cash and other rows. Rows that cannot be used are among `rows.refusals`.
    """
    rows = body(sheet, POSITION_NAMES, NEEDED, stated, order, DATES, FIGURES)
    kinds = _kinds(rows)
    values = {name: rows.number(name, unless=kinds != "lot") for name in FIGURES if name != "value"}
    values["value"] = rows.number("value", unless=~kinds.is_in(["lot", "cash"]))
    days = {name: rows.day(name, unless=kinds != "lot") for name in DATES}
    rows.refuse_other_currencies(unless=~kinds.is_in(["lot", "cash"]))
    cash = _cash(rows, kinds, values["value"])
    lots = _lots(rows.texts.with_columns(kind=kinds, **values, **days), rows)
    others = pl.DataFrame({"line": rows.texts["line"], "what": kinds})
    return Positions(rows, lots, cash, others.filter(~pl.col("what").is_in(["lot", "cash"])))


def _kinds(rows: Body) -> pl.Series:
    """Return what each row is: lot, cash, total, blank or note."""
    columns = list(rows.header.columns)
    texts = rows.texts.select(pl.col(columns).replace("", None))
    symbol = pl.col("symbol").str.replace(STARS, "").fill_null("")
    words = pl.col("description").fill_null("") if "description" in columns else pl.lit("")
    filled = pl.sum_horizontal(pl.col(columns).is_not_null())
    # CASH is a share, too: what has a price other than 1 is none.
    price = pl.col("price").fill_null("1") if "price" in columns else pl.lit("1")
    cash = (symbol.str.contains(CASH_SYMBOLS) | symbol.str.contains(CASH_WORDS)) & price.str.contains(ONE)
    cash |= (symbol == "") & words.str.contains(CASH_WORDS)
    # A company may be called Total: its row has a symbol and a quantity.
    whole = (symbol == "") | pl.col("quantity").is_null()
    kinds = (
        pl.when(rows.texts["first"] == "")
        .then(pl.lit("blank"))
        .when(symbol.str.contains(TOTAL_WORDS) | (rows.texts["first"].str.contains(TOTAL_WORDS) & whole))
        .then(pl.lit("total"))
        .when(cash)
        .then(pl.lit("cash"))
        .when(pl.col("quantity").is_null() & (filled <= MOST_OF_A_NOTE))
        .then(pl.lit("note"))
        .otherwise(pl.lit("lot"))
    )
    return texts.select(kind=kinds)["kind"]


def _cash(rows: Body, kinds: pl.Series, value: pl.Series) -> pl.DataFrame:
    """Return line and amount of the rows of cash: their value, else their quantity."""
    here = kinds == "cash"
    quantity = rows.number("quantity", unless=~here | value.is_not_null())
    amount = value.zip_with(value.is_not_null(), quantity)
    rows.refuse(here & amount.is_null(), "is cash without a value or quantity", "symbol")
    cash = pl.DataFrame({"line": rows.texts["line"], "amount": amount})
    return cash.filter(here & amount.is_not_null())


def _lots(frame: pl.DataFrame, rows: Body) -> pl.DataFrame:
    lots = []
    refused = pl.Series([refusal.line for refusal in rows.refusals], dtype=pl.Int64)
    usable = (pl.col("kind") == "lot") & ~pl.col("line").is_in(refused.implode())
    for row in frame.filter(usable).iter_rows(named=True):
        try:
            lots.append(read_lot(row))
        except RowError as error:
            rows.refusals.append(Refusal(rows.sheet.source, row["line"], str(error)))
    return pl.DataFrame(lots, schema=LOTS, orient="row", strict=False)
