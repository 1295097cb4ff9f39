"""Helpers of the what-if edits: exact values, complete rows, validation by the loaders' rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

import polars as pl

from engine.core.errors import UsageError
from engine.core.frames import polars_schema
from engine.core.row_rules import admit
from engine.core.schema import Table
from engine.core.stored_rows import STAMPS

WIDE = Context(prec=64, rounding=ROUND_HALF_UP)
MIRRORED = {"LONG": "SHORT", "LC": "SC", "LP": "SP"}
"""Long position types and their short counterparts."""


class EditError(UsageError):
    """An edit whose result no store could hold."""


def exact_value(table: Table | None, column: str, value: object, scale: int | None = None) -> Decimal:
    """Return a number at the scale of its column, rounded half away from zero.

    Args:
        table: Table of the column; None for a number without a column.
        column: Column name, or the argument's name for the message.
        value: Number or decimal text; a float counts as its shortest decimal text.
        scale: Number of decimals where `table` is None.

    Returns:
        Exact decimal at the column's scale.

    Raises:
        EditError: The value is not a finite number, or is too large for the column.
    """
    kind = table[column].type if table else None
    places = kind.scale if kind else scale or 0
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value))
        rounded = number.quantize(Decimal(1).scaleb(-places), context=WIDE)
    except InvalidOperation:
        raise EditError(f"{column} is not a finite number: {value}") from None
    if not rounded.is_finite():
        raise EditError(f"{column} is not a finite number: {value}")
    if kind and abs(rounded) >= Decimal(10) ** (kind.precision - kind.scale):
        raise EditError(f"{column} does not fit {kind}: {value}")
    return rounded


def new_rows(table: Table, rows: Sequence[Mapping[str, object]], stamp: datetime) -> pl.DataFrame:
    """Return complete rows of a table: columns not given are null, write times are `stamp`.

    Args:
        table: Of the schema.
        rows: Values by column; every row has the key.
        stamp: Time of writing, UTC.
    """
    stamps = {column.name: stamp for column in table.columns if column.name in STAMPS}
    complete = [{**dict.fromkeys(table.names), **stamps, **row} for row in rows]
    return pl.DataFrame(complete, schema=polars_schema(table), orient="row")


def admitted(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows sorted by key after checking every rule of the table.

    Args:
        table: Schema table with its rules.
        rows: Rows with all columns of the table.

    Returns:
        The same rows in key order.

    Raises:
        EditError: A row breaks a rule; the message names the first one.
    """
    good, broken = admit(rows, table, "")
    if broken.height:
        first = broken.row(0, named=True)
        where = f"table {table.name}, row {first['key']}, column {first['column']}"
        raise EditError(f"{where}: {first['value']} {first['rule']}")
    return good


def mirrored(position_type: str) -> str:
    """Return the position type of the opposite side."""
    both = MIRRORED | {short: long for long, short in MIRRORED.items()}
    return both.get(position_type, position_type)
