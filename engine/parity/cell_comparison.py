"""Cell by cell: equal, off by one unit in the last place, or different.

null, NaN and 0 are three different things: null equals only null, NaN only NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from engine.core.schema import Column, Table
from engine.parity import layout
from engine.parity.canonical import LARGEST_DECIMAL, integer, show
from engine.parity.json_values import first_difference, settle
from engine.parity.keys import natural_keys
from engine.parity.matching import ACTUAL

EQUAL, OFF_BY_ONE, DIFFERENT = 0, 1, 2
STATUSES = {"equal": EQUAL, "off_by_one": OFF_BY_ONE, "different": DIFFERENT}
EXAMPLES = 3
"""How many examples of a column's unequal cells are shown."""
_MEASURED = ("numeric", "integer", "bigint")
STATUS, EXEMPT, _GAP = " (status)", " (exempt)", " (difference)"


@dataclass(frozen=True)
class ComparedCells:
    """The compared cells of one table.

    frame: a row for each pair of matched rows; beside each compared column `x` and its partner
        `x (actual)` stand `x (status)` and `x (exempt)`.
    """

    table: Table
    columns: tuple[Column, ...]
    frame: pl.DataFrame


def compared_columns(table: Table) -> tuple[Column, ...]:
    """What is compared cell by cell: all but the key, by which rows were matched."""
    return tuple(c for c in table.columns if c.compared and c.name not in table.key)


def compare_cells(table: Table, pairs: pl.DataFrame, exempt: Mapping[str, pl.Expr]) -> ComparedCells:
    """The status of every cell of the matched rows; `exempt` says which rows of a column are."""
    columns = compared_columns(table)
    for column in columns:
        if column.type.kind == "json":
            pairs = settle(pairs, column.name)
    masks = [mask.alias(name + EXEMPT) for name, mask in exempt.items()]
    return ComparedCells(table, columns, pairs.with_columns(*map(_status, columns), *masks))


def _status(column: Column) -> pl.Expr:
    expected, actual = pl.col(column.name), pl.col(column.name + ACTUAL)
    one_unit = gap(column) == 1 if column.type.kind == "numeric" else pl.lit(False)
    status = (
        pl.when(expected.eq_missing(actual)).then(EQUAL).when(one_unit).then(OFF_BY_ONE).otherwise(DIFFERENT)
    )
    return status.cast(pl.UInt8).alias(column.name + STATUS)


def gap(column: Column) -> pl.Expr:
    """|expected - actual| in units of the last place; null where there is no such distance."""
    if column.type.kind not in _MEASURED:
        return pl.lit(None, pl.Int128)
    sides = [pl.col(name).cast(pl.Int128) for name in (column.name, column.name + ACTUAL)]
    numbers = [side.abs() < integer(LARGEST_DECIMAL) for side in sides]
    return pl.when(*numbers).then((sides[0] - sides[1]).abs())


def count(cells: ComparedCells) -> pl.DataFrame:
    """A row for each column: its cells by status, exempt ones apart."""
    if not cells.columns:
        return pl.DataFrame(schema=layout.COLUMNS)
    counts = cells.frame.select(map(_counts, cells.columns)).row(0)
    rows = [
        (cells.table.name, column.name, str(column.type), cells.frame.height, *found)
        for column, found in zip(cells.columns, map(_counted, counts, cells.columns), strict=True)
    ]
    return pl.DataFrame(rows, schema=layout.COLUMNS, orient="row")


def _counts(column: Column) -> pl.Expr:
    status, exempt = pl.col(column.name + STATUS), pl.col(column.name + EXEMPT)
    by_status = [((status == code) & ~exempt).sum().alias(name) for name, code in STATUSES.items()]
    farthest = gap(column).filter((status != EQUAL) & ~exempt).max().alias("gap")
    return pl.struct(*by_status, exempt.sum().alias("exempt"), farthest).alias(column.name)


def _counted(found: dict[str, int | None], column: Column) -> tuple[int | float | None, ...]:
    counts = [found[name] for name in (*STATUSES, "exempt")]
    return (*counts, _distance(found["gap"], column))


def _distance(units: int | None, column: Column) -> float | None:
    return None if units is None else float(Decimal(units).scaleb(-column.type.scale))


def examples(cells: ComparedCells) -> pl.DataFrame:
    """For each column and status, the examples that say most, with their keys."""
    found = [pl.DataFrame(schema=layout.EXAMPLES)]
    for column in cells.columns:
        status, exempt = pl.col(column.name + STATUS), pl.col(column.name + EXEMPT)
        odd = cells.frame.filter(status != EQUAL)
        if odd.is_empty():
            continue
        for name, chosen in (
            ("different", (status == DIFFERENT) & ~exempt),
            ("off_by_one", (status == OFF_BY_ONE) & ~exempt),
            ("exempt", exempt),
        ):
            found.append(_examples(cells.table, column, odd.filter(chosen), name))
    return pl.concat(found)


def _examples(table: Table, column: Column, odd: pl.DataFrame, status: str) -> pl.DataFrame:
    """The largest differences in turn with those without a size (null, NaN, text), by key."""
    measured = odd.with_columns(gap(column).alias(_GAP))
    descending = [True, *(False for _ in table.key)]
    ordered = measured.sort(_GAP, *table.key, descending=descending, nulls_last=True)
    turn = pl.int_range(pl.len()).over(pl.col(_GAP).is_null())
    top = ordered.sort(turn, maintain_order=True).head(EXAMPLES)
    values = top.select(column.name, column.name + ACTUAL, _GAP).rows()
    rows = [
        (table.name, column.name, status, key, *_shown(a, b, column), _distance(units, column))
        for key, (a, b, units) in zip(natural_keys(top, table), values, strict=True)
    ]
    return pl.DataFrame(rows, schema=layout.EXAMPLES, orient="row")


def _shown(expected: object, actual: object, column: Column) -> tuple[str, str]:
    if column.type.kind == "json" and isinstance(expected, str) and isinstance(actual, str):
        path, left, right = first_difference(expected, actual)
        return (f"{path}: {left}", f"{path}: {right}") if path else (left, right)
    return show(expected, column), show(actual, column)
