"""What edits of inputs share: values made exact, rows made whole, all held to the loaders' rules."""

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
"""The types of a lot and of its opposite."""


class EditError(UsageError):
    """An edit that leaves something which no store could have held."""


def exact_value(table: Table | None, column: str, value: object, scale: int | None = None) -> Decimal:
    """A number as its column stores it, rounded half away from zero.

    Args:
        table: None for a number of no column, of `scale` decimals.
        value: a float stands for its shortest decimal text.

    Raises:
        EditError: it is no finite number, or too large for the column.
    """
    kind = table[column].type if table else None
    places = kind.scale if kind else scale or 0
    try:
        known = value if isinstance(value, Decimal) else Decimal(str(value))
        rounded = known.quantize(Decimal(1).scaleb(-places), context=WIDE)
    except InvalidOperation:
        raise EditError(f"{column} is no finite number: {value}") from None
    if not rounded.is_finite():
        raise EditError(f"{column} is no finite number: {value}")
    if kind and abs(rounded) >= Decimal(10) ** (kind.precision - kind.scale):
        raise EditError(f"{column} does not fit {kind}: {value}")
    return rounded


def new_rows(table: Table, rows: Sequence[Mapping[str, object]], stamp: datetime) -> pl.DataFrame:
    """Whole rows of a table; what is not given is null, moments of writing are `stamp`."""
    stamps = {column.name: stamp for column in table.columns if column.name in STAMPS}
    whole = [{**dict.fromkeys(table.names), **stamps, **row} for row in rows]
    return pl.DataFrame(whole, schema=polars_schema(table), orient="row")


def admitted(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows sorted by key, if they keep every rule of the table.

    Raises:
        EditError: the first rule that is broken, with its row.
    """
    good, broken = admit(rows, table, "")
    if broken.height:
        first = broken.row(0, named=True)
        where = f"table {table.name}, row {first['key']}, column {first['column']}"
        raise EditError(f"{where}: {first['value']} {first['rule']}")
    return good


def mirrored(position_type: str) -> str:
    """The type of the opposite lot."""
    both = MIRRORED | {short: long for long, short in MIRRORED.items()}
    return both.get(position_type, position_type)
