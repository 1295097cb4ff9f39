"""Polars frames in the schema's types: the one form of a table in memory.

uuid, text, enumeration and json are String; numeric is Decimal at the column's precision and
scale, or Float64 if the figure may be NaN; timestamptz is Datetime in microseconds, UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from engine.core.errors import ColumnTypeError
from engine.core.schema import Column, Table
from engine.core.store_url import StoreURL
from engine.numerics.rounding import round_half_away

UTC_MICROSECONDS = pl.Datetime("us", "UTC")


def dtype(column: Column) -> pl.DataType:
    """Return the Polars type of a column of the schema.

    Args:
        column: a numeric one that may hold NaN is a Float64.
    """
    kind = column.type
    if kind.array:
        return pl.List(dtype(column._replace(type=kind._replace(array=False))))
    match kind.kind:
        case "numeric":
            return pl.Float64() if column.nan else pl.Decimal(kind.precision, kind.scale)
        case "date":
            return pl.Date()
        case "timestamp":
            return UTC_MICROSECONDS
        case "integer":
            return pl.Int32()
        case "bigint":
            return pl.Int64()
        case "boolean":
            return pl.Boolean()
        case _:
            return pl.String()


def polars_schema(table: Table, columns: Iterable[str] | None = None) -> dict[str, pl.DataType]:
    """Return names and Polars types of a table's columns, or of some of them, in order.

    Args:
        table: of the schema.
        columns: names of its columns, in the order of the result; default all.
    """
    names = table.names if columns is None else columns
    return {name: dtype(table[name]) for name in names}


def empty(table: Table, columns: Iterable[str] | None = None) -> pl.DataFrame:
    """Return a frame without rows, of the table's columns or of some of them.

    Args:
        table: of the schema.
        columns: names of its columns, in the order of the result; default all.
    """
    return pl.DataFrame(schema=polars_schema(table, columns))


def with_nulls(frame: pl.DataFrame, table: Table, columns: Sequence[str]) -> pl.DataFrame:
    """Return the columns of a frame, null where it lacks one; a frame that lacks none as it is.

    Args:
        frame: rows with some of the columns.
        table: declares the types of columns that the frame lacks.
        columns: names in the order of the result.
    """
    absent = [table[name] for name in columns if name not in frame.columns]
    if not absent:
        return frame
    nulls = (pl.lit(None, dtype(column)).alias(column.name) for column in absent)
    return frame.with_columns(nulls).select(columns)


def conform(frame: pl.DataFrame, table: Table, url: str | StoreURL) -> pl.DataFrame:
    """Return the rows of a store in the schema's types.

    Widths and units of integers, decimals and times differ between stores; they are converted if
    every value survives. A float in an exact decimal's column is rounded half away from zero at
    the column's scale, as the legacy database does. A column with a float that is not finite is
    left as it is: `engine.core.row_rules` quarantines the row. A column of another kind, or a value
    that does not fit its type, raises `ColumnTypeError`.

    Args:
        frame: rows; columns that the table does not have stay unchanged.
        table: whose types are wanted.
        url: of the store, for the error.

    Returns:
        The same rows and columns.
    """
    columns = [(table[name], stored) for name, stored in frame.schema.items() if name in table.by_name]
    changes = [
        _conformed(frame[column.name], column, table, url)
        for column, stored in columns
        if stored != dtype(column)
    ]
    return frame.with_columns(changes) if changes else frame


def _conformed(values: pl.Series, column: Column, table: Table, url: str | StoreURL) -> pl.Series:
    wanted, found = dtype(column), values.dtype
    # A column of nulls may have any type: its writer may not have known one. Binary is refused even
    # without values, since a query that looks for a text would find none in such a column.
    if values.null_count() == values.len() and found != pl.Binary:
        return pl.Series(values.name, [None], dtype=wanted).new_from_index(0, values.len())
    try:
        if isinstance(wanted, pl.Decimal) and found.is_numeric():
            return _decimals(values, wanted)
        if isinstance(wanted, pl.Datetime) and isinstance(found, pl.Datetime):
            return _utc(values).cast(wanted)
        if _widens(found, wanted) or _is_same(values, wanted):
            return values.cast(wanted)
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise ColumnTypeError(url, table.name, column.name, reason, str(column.type)) from error
    raise ColumnTypeError(url, table.name, column.name, str(found), str(column.type))


def _widens(found: pl.DataType, wanted: pl.DataType) -> bool:
    """Return whether two types are of one kind, of whatever width."""
    return (
        (found.is_integer() and wanted.is_integer())
        or (found.is_numeric() and wanted == pl.Float64)
        or (isinstance(found, pl.Categorical | pl.Enum) and wanted == pl.String)
    )


def _is_same(values: pl.Series, wanted: pl.DataType) -> bool:
    """Return whether values of another kind say the same: midnights as days, whole floats, 0 and 1."""
    match wanted:
        case pl.Date() if isinstance(values.dtype, pl.Datetime):
            return bool((values.dt.truncate("1d") == values).all())
        case pl.Int32() | pl.Int64() if values.dtype.is_float():
            return bool((values.is_finite() & (values == values.round())).all())
        case pl.Boolean() if values.dtype.is_numeric():
            return bool(values.is_in([0, 1]).all())
        case _:
            return False


def _utc(values: pl.Series) -> pl.Series:
    """Return times in UTC; a time without a zone is taken as UTC."""
    assert isinstance(values.dtype, pl.Datetime)
    return values if values.dtype.time_zone else values.dt.replace_time_zone("UTC")


def _decimals(values: pl.Series, wanted: pl.Decimal) -> pl.Series:
    if values.dtype.is_float():
        if not values.is_finite().fill_null(True).all():
            return values
        rounded = round_half_away(values.cast(pl.Float64).to_numpy(), wanted.scale)
        return pl.Series(values.name, rounded, nan_to_null=True).cast(wanted)
    if isinstance(values.dtype, pl.Decimal) and values.dtype.scale > wanted.scale:
        values = values.round(wanted.scale, mode="half_away_from_zero")
    return values.cast(wanted)
