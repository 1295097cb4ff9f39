"""Compare one table of two stores: its rows of each frame of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from engine.core.schema import Table
from engine.parity import layout
from engine.parity.cell_comparison import (
    STATUS,
    STATUSES,
    ComparedCells,
    compare_cells,
    compared_columns,
    count,
    examples,
)
from engine.parity.exemptions import Exemption
from engine.parity.keys import ComparedStore, natural_keys
from engine.parity.matching import Match, match


@dataclass(frozen=True)
class TableComparison:
    """The rows of one table in each frame of `engine.parity.differences.Differences`."""

    tables: pl.DataFrame
    columns: pl.DataFrame
    rows: pl.DataFrame
    examples: pl.DataFrame
    exemptions: pl.DataFrame


def compare_table(
    table: Table, expected: ComparedStore, actual: ComparedStore, exemptions: Sequence[Exemption]
) -> TableComparison:
    """Compare one table of two stores; exemptions of other tables are ignored.

    Args:
        table: of the schema.
        expected: the store that is the authority.
        actual: the store that is checked; it may lack the table.
        exemptions: of any table.

    Returns:
        The table's rows of each frame of a comparison.
    """
    declared = [exemption for exemption in exemptions if exemption.table == table.name]
    left, right = expected.table(table), actual.table(table)
    matched = match(left, right, table.key)
    exempt = {c.name: _exempt_cells(declared, c.name) for c in compared_columns(table)}
    cells = compare_cells(table, matched.pairs, exempt)
    columns = count(cells)
    rows = pl.concat(_rows(table, kind, frame, declared) for kind, frame in _unmatched(matched).items())
    heights = (left.height, right.height, matched.pairs.height)
    cell_counts = columns.select(layout.CELL_COUNTS).sum().row(0)
    row = (table.name, table.name in actual.present, *heights, *_row_counts(rows), *cell_counts)
    return TableComparison(
        tables=_frame([row], layout.TABLES),
        columns=columns,
        rows=rows,
        examples=examples(cells),
        exemptions=_frame([_exemption_row(e, cells, matched) for e in declared], layout.EXEMPTIONS),
    )


def _frame(rows: list[tuple[object, ...]], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def _unmatched(matched: Match) -> dict[str, pl.DataFrame]:
    return {kind: getattr(matched, kind) for kind in layout.KINDS}


def _exempt_cells(exemptions: Sequence[Exemption], column: str) -> pl.Expr:
    """Return which cells of a column any exemption covers."""
    covering = [exemption.rows() for exemption in exemptions if exemption.covers(column)]
    return pl.any_horizontal(pl.lit(False), *covering)


def _rows(table: Table, kind: str, frame: pl.DataFrame, exemptions: Sequence[Exemption]) -> pl.DataFrame:
    """Return sample keys of unmatched rows, exempt and other rows apart, with their full number."""
    if frame.is_empty():
        return pl.DataFrame(schema=layout.ROWS)
    # Only an exemption of all columns can excuse a row that has no partner.
    whole = [exemption.rows() for exemption in exemptions if exemption.columns == "*"]
    mask = pl.any_horizontal(pl.lit(False), *whole)
    rows: list[tuple[object, ...]] = []
    for exempt, chosen in ((False, ~mask), (True, mask)):
        part = frame.filter(chosen)
        keys = natural_keys(part.select(table.key).unique().sort(table.key), table, limit=layout.SAMPLE)
        rows += [(table.name, kind, exempt, key, part.height) for key in keys]
    return _frame(rows, layout.ROWS)


def _row_counts(rows: pl.DataFrame) -> list[int]:
    """Return the rows missing, extra and duplicated, then the exempt rows of all kinds."""
    totals = rows.select("kind", "exempt", "total").unique()
    counted = totals.filter(~pl.col("exempt"))
    parts = [*(counted.filter(kind=kind) for kind in layout.KINDS), totals.filter("exempt")]
    return [int(part.get_column("total").sum()) for part in parts]


def _exemption_row(exemption: Exemption, cells: ComparedCells, matched: Match) -> tuple[object, ...]:
    """Return what an exemption covers: cells by status, and unmatched rows."""
    covered = [c.name for c in cells.columns if exemption.covers(c.name)]
    chosen = cells.frame.filter(exemption.rows())
    by_status = [sum((chosen[name + STATUS] == code).sum() for name in covered) for code in STATUSES.values()]
    whole = exemption.columns == "*"
    rows = sum(f.filter(exemption.rows()).height for f in _unmatched(matched).values() if whole)
    state = "used" if sum(by_status) + rows else "unused"
    return (*describe(exemption), state, sum(by_status), *by_status, rows)


def describe(exemption: Exemption) -> tuple[str, str, str, str]:
    """Return table, columns, condition and reason of an exemption as text."""
    columns = "*" if exemption.columns == "*" else ", ".join(exemption.columns)
    return exemption.table, columns, exemption.condition(), exemption.reason
