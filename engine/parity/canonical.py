"""Canonical values: the same value has one form, whichever store it came from.

A figure becomes the integer number of units in its column's last place, so that "equal" and "off
by one" are exact. NaN and the infinities become integers that no decimal reaches; null stays null.
A uuid is lower case, a timestamp is microseconds in UTC, an integer has 64 bits.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal

import polars as pl

from engine.core.errors import ColumnTypeError, MissingColumnError
from engine.core.frames import UTC_MICROSECONDS, dtype
from engine.core.schema import Column, Table
from engine.core.store_url import StoreURL

LARGEST_DECIMAL = 10**38
"""Bound that a decimal of 38 digits cannot reach; larger integers stand for NaN and infinity."""
NOT_A_NUMBER = 15 * 10**37
PLUS_INFINITY = 13 * 10**37
MINUS_INFINITY = -PLUS_INFINITY
SPECIAL = {NOT_A_NUMBER: "NaN", PLUS_INFINITY: "inf", MINUS_INFINITY: "-inf"}


def needed(table: Table) -> list[Column]:
    """Return the columns that a comparison reads: key, compared columns, date."""
    return [
        column
        for column in table.columns
        if column.compared or column.name in table.key or column.name == table.date
    ]


def canonical_type(column: Column) -> pl.DataType:
    """Return the type of a column's canonical values."""
    kind = dtype(column)
    if column.type.kind == "numeric":
        return pl.Int128()
    return pl.Int64() if kind.is_integer() else kind


def canonical(frame: pl.DataFrame, table: Table, columns: list[Column], url: str | StoreURL) -> pl.DataFrame:
    """Return columns of a stored table in canonical values.

    A column that is absent raises a MissingColumnError; one whose type or values cannot be converted
    raises a ColumnTypeError.

    Args:
        frame: the table as a store returned it.
        table: its schema.
        columns: the columns to return.
        url: the store, for errors.
    """
    forms = [_stored_form(frame, table, column, url).alias(column.name) for column in columns]
    try:
        return frame.select(forms)
    except pl.exceptions.PolarsError:
        # Polars does not name the column that failed: convert them one at a time.
        return pl.DataFrame([_convert(frame, table, *pair, url) for pair in zip(columns, forms, strict=True)])


def _stored_form(frame: pl.DataFrame, table: Table, column: Column, url: str | StoreURL) -> pl.Expr:
    if column.name not in frame.columns:
        raise MissingColumnError(url, table.name, column.name, frame.columns)
    kind = frame.schema[column.name]
    form = _form(column, kind)
    if form is None:
        raise ColumnTypeError(url, table.name, column.name, str(kind), str(column.type))
    return form


def _convert(
    frame: pl.DataFrame, table: Table, column: Column, form: pl.Expr, url: str | StoreURL
) -> pl.Series:
    try:
        return frame.select(form).to_series()
    except pl.exceptions.PolarsError as error:
        message = str(error).splitlines()[0]
        raise ColumnTypeError(url, table.name, column.name, message, str(column.type)) from error


def _form(column: Column, kind: pl.DataType) -> pl.Expr | None:
    """Return the expression that converts a stored type; None where there is no conversion."""
    value = pl.col(column.name)
    match column.type.kind:
        case "numeric":
            return _units(value, kind, column.type.scale)
        case "integer" | "bigint":
            return _cast(value, kind, kind.is_integer(), canonical_type(column))
        case "boolean":
            return _cast(value, kind, kind == pl.Boolean, pl.Boolean())
        case "date":
            return _cast(value, kind, kind == pl.Date, pl.Date())
        case "timestamp":
            zoned = isinstance(kind, pl.Datetime) and kind.time_zone is not None
            moment = value if zoned else value.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
            return _cast(moment, kind, kind == pl.Datetime, UTC_MICROSECONDS)
    text = _cast(value, kind, kind in (pl.String, pl.Categorical, pl.Enum), pl.String())
    return text.str.to_lowercase() if text is not None and column.type.kind == "uuid" else text


def _cast(value: pl.Expr, kind: pl.DataType, fits: bool, target: pl.DataType) -> pl.Expr | None:
    # A column without any value may arrive without a type.
    return value.cast(target) if fits or kind == pl.Null else None


def _units(value: pl.Expr, kind: pl.DataType, scale: int) -> pl.Expr | None:
    """Return a figure in units of the last place, rounded half away from zero as a numeric column does."""
    if kind.is_float():
        return _units_of_float(value.cast(pl.Float64), scale)
    if isinstance(kind, pl.Decimal) and kind.scale > scale:
        return _rounded(value.to_physical(), kind.scale - scale)
    if isinstance(kind, pl.Decimal) or kind.is_integer() or kind == pl.Null:
        return value.cast(pl.Decimal(38, scale)).to_physical()
    return None


def _units_of_float(value: pl.Expr, scale: int) -> pl.Expr:
    number = pl.when(value.is_finite()).then(value * 10.0**scale)
    units = number.round(0, mode="half_away_from_zero").cast(pl.Int128)
    return (
        pl.when(value.is_nan())
        .then(integer(NOT_A_NUMBER))
        .when(value == float("inf"))
        .then(integer(PLUS_INFINITY))
        .when(value == float("-inf"))
        .then(integer(MINUS_INFINITY))
        .otherwise(units)
    )


def _rounded(units: pl.Expr, digits: int) -> pl.Expr:
    """Return integer units without their last `digits` digits, rounded half away from zero."""
    whole = (units.abs() + integer(10**digits // 2)) // integer(10**digits)
    return pl.when(units < 0).then(integer(0) - whole).otherwise(whole)


def integer(value: int) -> pl.Expr:
    """Return a literal 128-bit integer."""
    return pl.lit(value, dtype=pl.Int128)


def show(value: object, column: Column, quoted: bool = True) -> str:
    """Return a canonical value as text to show.

    Args:
        value: a canonical value of `column`.
        column: where it comes from; its scale places the decimal point.
        quoted: put text in quotes, to tell the text null from a null.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and column.type.kind == "numeric":
        return SPECIAL.get(value) or f"{Decimal(value).scaleb(-column.type.scale):f}"
    if isinstance(value, datetime):
        midnight = (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0)
        return value.date().isoformat() if midnight else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if column.type.kind in ("text", "enum") and quoted:
        return json.dumps(value, ensure_ascii=False)
    return str(value)
