"""Cash movements from a file or frame: deposits and withdrawals."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from loaders.books.body import Body, body
from loaders.books.columns import FLOW_NAMES
from loaders.books.dates import DateOrder
from loaders.books.numbers import EXACT
from loaders.books.sheet import Sheet

FLOWS = {"line": pl.Int64(), "date": pl.Date(), "amount": EXACT, "notes": pl.String()}
"""Columns of flows; the amount is in USD, negative for a withdrawal."""
PAID_IN = ("contribution", "deposit", "in", "credit", "add", "addition", "transfer in")
PAID_OUT = ("withdrawal", "withdraw", "out", "debit", "removal", "transfer out", "distribution")


def read_flows(sheet: Sheet, stated: Mapping[str, str], order: DateOrder | None) -> tuple[Body, pl.DataFrame]:
    """Read cash movements. Rows that cannot be used are among the body's refusals.

    Args:
        sheet: Cells of the file or frame.
        stated: {theirs: ours}.
        order: of day and month in dates, None to detect it.

    Returns:
        The rows as they are in the file, and those that are flows, in columns `FLOWS`.
    """
    rows = body(sheet, FLOW_NAMES, (("date",), ("amount",)), stated, order, ("date",), ("amount",))
    blank = (rows.text("date").is_null()) & rows.text("amount").is_null()
    date, amount = rows.day("date"), rows.number("amount")
    rows.refuse_other_currencies(unless=blank)
    rows.refuse(rows.text("date").is_null() & ~blank, "there is no date")
    rows.refuse(rows.text("amount").is_null() & ~blank, "there is no amount")
    kind = rows.text("kind").str.to_lowercase().str.replace_all("[_-]", " ")
    outwards, inwards = kind.is_in(PAID_OUT).fill_null(False), kind.is_in(PAID_IN).fill_null(False)
    rows.refuse(kind.is_not_null() & ~outwards & ~inwards, "is neither a deposit nor a withdrawal", "kind")
    rows.refuse(inwards & (amount < 0).fill_null(False), "is a deposit of less than 0", "amount")
    signed = (-amount.abs()).zip_with(outwards, amount) if outwards.any() else amount
    flows = pl.DataFrame(
        {"line": rows.texts["line"], "date": date, "amount": signed, "notes": rows.text("notes")}
    )
    return rows, flows.filter(pl.col("date").is_not_null() & pl.col("amount").is_not_null())
