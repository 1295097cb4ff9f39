"""Slices of a table: rows of some portfolios and days, filtered by the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from engine.core.schema import Table
from engine.core.schema.kinds import FIRST_DAY, LAST_DAY
from loaders.reader import Reader
from sql import Name, Value

STATEMENTS = {
    None: "read/slice",
    "position_id": "read/slice_of_positions",
    "correlation_calculation_id": "read/slice_of_calculations",
    "cluster_id": "read/slice_of_clusters",
}
"""Statement by the column that refers to the owner. All other columns hold a portfolio's id."""
DATED_BY_PARENT = ("correlation_calculation_id", "cluster_id")
"""Owners whose rows have no date of their own: the correlation matrix has it."""


def has_days(table: Table) -> bool:
    """Return whether rows of a table have a day, in a column of their own or through their parent."""
    return table.date is not None or table.owner in DATED_BY_PARENT


def read_slice(
    reader: Reader,
    table: Table,
    portfolios: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    columns: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Return rows of a table in the schema's types, sorted by natural key.

    Args:
        reader: The store.
        table: The table.
        portfolios: Ids; default all. Only for a table that belongs to portfolios.
        start: First day; default all days, rows without a day included.
        end: Last day, inclusive.
        columns: Names of columns; default all.

    Returns:
        One row for each stored row, with the wanted columns.
    """
    wanted = list(columns or table.names)
    read = [*wanted, *(name for name in table.key if name not in wanted)]
    bounds: dict[str, Value] = {"start": start or FIRST_DAY, "end": end or LAST_DAY}
    if portfolios is None and start is None and end is None:
        return reader.read(table.name, read).sort(table.key).select(wanted)
    rows = reader.select(
        STATEMENTS.get(table.owner, "read/slice_of_portfolios"),
        table.name,
        read,
        everyone=portfolios is None,
        owner=Name(table.owner) if table.owner else None,
        portfolios=list(portfolios or ()),
        undated=start is None and end is None,
        date=Name(table.date) if table.date else None,
        **bounds,
    )
    return rows.sort(table.key).select(wanted)
