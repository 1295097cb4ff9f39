"""Compare the cells of matched rows: equal, off by one unit in the last place, or different.

null, NaN and 0 are three different values: null equals only null, NaN only NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from engine.core.schema import Column, Table
from engine.parity import layout
from engine.parity.canonical import LARGEST_DECIMAL, integer, show
from engine.parity.json_values import first_difference, unify_equal_json
from engine.parity.keys import natural_keys
from engine.parity.matching import ACTUAL

EQUAL, OFF_BY_ONE, DIFFERENT = 0, 1, 2
STATUSES = {"equal": EQUAL, "off_by_one": OFF_BY_ONE, "different": DIFFERENT}
EXAMPLES = 3
"""Examples shown per column and status."""
_MEASURED = ("numeric", "integer", "bigint")
STATUS, EXEMPT, _DISTANCE = " (status)", " (exempt)", " (distance)"


@dataclass(frozen=True)
class ComparedCells:
    """The compared cells of one table.

    Attributes:
        frame: one row per pair of matched rows; for each compared column `x` the columns `x`,
            `x (actual)`, `x (status)`, a value of STATUSES, and `x (exempt)`, a Boolean.
    """

    table: Table
    columns: tuple[Column, ...]
    frame: pl.DataFrame


def compared_columns(table: Table) -> tuple[Column, ...]:
    """Return the columns compared cell by cell: all but the key, on which rows were matched."""
    return tuple(c for c in table.columns if c.compared and c.name not in table.key)


def compare_cells(table: Table, pairs: pl.DataFrame, exempt: Mapping[str, pl.Expr]) -> ComparedCells:
    """Return the status of every cell of the matched rows.

    Args:
        table: the table that the rows belong to.
        pairs: matched rows: see `engine.parity.matching.Match`.
        exempt: for each compared column, which rows are exempt.
    """
    columns = compared_columns(table)
    for column in columns:
        if column.type.kind == "json":
            pairs = unify_equal_json(pairs, column.name)
    masks = [mask.alias(name + EXEMPT) for name, mask in exempt.items()]
    return ComparedCells(table, columns, pairs.with_columns(*map(_status, columns), *masks))


def _status(column: Column) -> pl.Expr:
    expected, actual = pl.col(column.name), pl.col(column.name + ACTUAL)
    one_unit = distance(column) == 1 if column.type.kind == "numeric" else pl.lit(False)
    status = (
        pl.when(expected.eq_missing(actual)).then(EQUAL).when(one_unit).then(OFF_BY_ONE).otherwise(DIFFERENT)
    )
    return status.cast(pl.UInt8).alias(column.name + STATUS)


def distance(column: Column) -> pl.Expr:
    """Return |expected - actual| in units of the last place; null for text, null, NaN and infinity.

    Args:
        column: whose pair of values, `column` and `column (actual)`, the expression reads.

    Returns:
        Int128; for a decimal column the unit is its last digit.
    """
    if column.type.kind not in _MEASURED:
        return pl.lit(None, pl.Int128)
    sides = [pl.col(name).cast(pl.Int128) for name in (column.name, column.name + ACTUAL)]
    finite = [side.abs() < integer(LARGEST_DECIMAL) for side in sides]
    return pl.when(*finite).then((sides[0] - sides[1]).abs())


def count(cells: ComparedCells) -> pl.DataFrame:
    """Return one row per column with its cells by status; exempt cells are counted separately.

    Returns:
        A frame with the columns `engine.parity.layout.COLUMNS`.
    """
    if not cells.columns:
        return pl.DataFrame(schema=layout.COLUMNS)
    counts = cells.frame.select(map(_counts, cells.columns)).row(0, named=True)
    rows = [
        (
            cells.table.name,
            column.name,
            str(column.type),
            cells.frame.height,
            *(counts[column.name][name] for name in (*STATUSES, "exempt")),
            _in_column_units(counts[column.name]["largest"], column),
        )
        for column in cells.columns
    ]
    return pl.DataFrame(rows, schema=layout.COLUMNS, orient="row")


def _counts(column: Column) -> pl.Expr:
    status, exempt = pl.col(column.name + STATUS), pl.col(column.name + EXEMPT)
    by_status = [((status == code) & ~exempt).sum().alias(name) for name, code in STATUSES.items()]
    largest = distance(column).filter((status != EQUAL) & ~exempt).max().alias("largest")
    return pl.struct(*by_status, exempt.sum().alias("exempt"), largest).alias(column.name)


def _in_column_units(units: int | None, column: Column) -> float | None:
    return None if units is None else float(Decimal(units).scaleb(-column.type.scale))


def examples(cells: ComparedCells) -> pl.DataFrame:
    """Return up to EXAMPLES unequal cells per column and status, with the keys of their rows.

    Returns:
        A frame with the columns `engine.parity.layout.EXAMPLES`.
    """
    frames = [pl.DataFrame(schema=layout.EXAMPLES)]
    for column in cells.columns:
        status, exempt = pl.col(column.name + STATUS), pl.col(column.name + EXEMPT)
        unequal = cells.frame.filter(status != EQUAL)
        if unequal.is_empty():
            continue
        for name, chosen in (
            ("different", (status == DIFFERENT) & ~exempt),
            ("off_by_one", (status == OFF_BY_ONE) & ~exempt),
            ("exempt", exempt),
        ):
            frames.append(_examples(cells.table, column, unequal.filter(chosen), name))
    return pl.concat(frames)


def _examples(table: Table, column: Column, unequal: pl.DataFrame, status: str) -> pl.DataFrame:
    """Return cells of one status, largest differences alternating with those without a distance.

    A null against a number is at least as telling as a large difference, and has no distance.
    """
    measured = unequal.with_columns(distance(column).alias(_DISTANCE))
    descending = [True, *(False for _ in table.key)]
    ordered = measured.sort(_DISTANCE, *table.key, descending=descending, nulls_last=True)
    turn = pl.int_range(pl.len()).over(pl.col(_DISTANCE).is_null())
    top = ordered.sort(turn, maintain_order=True).head(EXAMPLES)
    values = top.select(column.name, column.name + ACTUAL, _DISTANCE).rows()
    rows = [
        (table.name, column.name, status, key, *_shown(a, b, column), _in_column_units(units, column))
        for key, (a, b, units) in zip(natural_keys(top, table), values, strict=True)
    ]
    return pl.DataFrame(rows, schema=layout.EXAMPLES, orient="row")


def _shown(expected: object, actual: object, column: Column) -> tuple[str, str]:
    if column.type.kind == "json" and isinstance(expected, str) and isinstance(actual, str):
        path, left, right = first_difference(expected, actual)
        return (f"{path}: {left}", f"{path}: {right}") if path else (left, right)
    return show(expected, column), show(actual, column)
