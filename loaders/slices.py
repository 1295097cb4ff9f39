"""A slice of a table: some portfolios' rows, of some days, some columns; the store does the sifting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from engine.core.row_rules import FIRST_DAY, LAST_DAY
from engine.core.schema import Table
from loaders.reader import Reader
from sql import Name, Value

STATEMENTS = {
    None: "read/slice",
    "position_id": "read/slice_of_positions",
    "correlation_calculation_id": "read/slice_of_calculations",
    "cluster_id": "read/slice_of_clusters",
}
"""By the column that leads to the portfolio; the others hold its id themselves."""
DATED_BY_PARENT = ("correlation_calculation_id", "cluster_id")


def has_days(table: Table) -> bool:
    """Whether rows of the table belong to a day, by a column of their own or of their parent."""
    return table.date is not None or table.owner in DATED_BY_PARENT


def read_slice(
    reader: Reader,
    table: Table,
    portfolios: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    columns: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Rows in the schema's types, sorted by natural key.

    Args:
        portfolios: ids; default all. Only for a table that belongs to portfolios.
        start, end: first and last day; default all, rows without a day included.
        columns: default all.
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
