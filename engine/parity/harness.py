"""Compare two stores: is every figure of one in the other, cell by cell?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import date

import polars as pl

from engine.core.errors import UsageError
from engine.core.names import table_named
from engine.core.schema import TABLES, Table
from engine.core.store_url import safe_url
from engine.parity import layout
from engine.parity.comparison import Comparison
from engine.parity.comparison_errors import CannotCompareError
from engine.parity.exemptions import Exemption
from engine.parity.keys import ComparedStore, TableReader
from engine.parity.table_comparison import TableComparison, compare_table, describe

COMPARED_ROLES = ("output", "state")
"""Tables that the legacy batch writes as well; the engine's own tables have no counterpart."""


def compare(
    expected: TableReader,
    actual: TableReader,
    tables: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    exemptions: Sequence[Exemption] = (),
) -> Comparison:
    """Compare two stores on natural keys.

    A table that `expected` lacks raises a CannotCompareError: nothing that was asked for may go
    unchecked. A table that lacks a column, or has one of another type, raises an EngineError.

    Args:
        expected: the store that is the authority.
        actual: the store that is checked.
        tables: names; default every output and state table that `expected` has.
        start: first day; a table without a date is dated by the row that it refers to (pairs by
            their correlation calculation), or compared whole.
        end: last day, included.
        exemptions: cells that need not be equal: see `engine.parity.exemptions`.

    Returns:
        The differences, and the verdict.

    Raises:
        UsageError: the window ends before it starts.
    """
    if start is not None and end is not None and start > end:
        raise UsageError(f"the window ends on {end}, before it starts on {start}")
    left, right = ComparedStore(expected, start, end), ComparedStore(actual, start, end)
    chosen = [_shared(table, left, right) for table in _chosen(tables, left, right)]
    compared = [compare_table(table, left, right, exemptions) for table in chosen]
    names = {table.name for table in chosen}
    unused = _not_compared([exemption for exemption in exemptions if exemption.table not in names])
    return Comparison(
        expected=safe_url(expected.url),
        actual=safe_url(actual.url),
        start=start,
        end=end,
        left_out=(*(() if tables else _left_out(left, right)), *_columns_left_out(chosen, left, right)),
        labels={},
        **_stacked([*compared, unused]),
    )


def _chosen(names: Sequence[str] | None, expected: ComparedStore, actual: ComparedStore) -> list[Table]:
    """Return the tables to compare, in the schema's order."""
    if not names:
        comparable = [table for table in TABLES.values() if table.role in COMPARED_ROLES]
        stored = [table for table in comparable if table.name in expected.present]
        chosen = [table for table in stored if table.legacy or table.name in actual.present]
        if not chosen:
            raise CannotCompareError(expected.reader.url)
        return chosen
    for name in names:
        table_named(name)
    absent = [name for name in dict.fromkeys(names) if name not in expected.present]
    if absent:
        raise CannotCompareError(expected.reader.url, absent)
    return [table for table in TABLES.values() if table.name in names]


def _left_out(expected: ComparedStore, actual: ComparedStore) -> tuple[str, ...]:
    """Return tables that only one store has; of those in the legacy schema, only the actual store's."""
    later = {name for name in expected.present if name in TABLES and not TABLES[name].legacy}
    alone = (actual.present - expected.present) | (later - actual.present)
    return tuple(t.name for t in TABLES.values() if t.name in alone and t.role in COMPARED_ROLES)


def _shared(table: Table, *stores: ComparedStore) -> Table:
    """Return a table without the later columns that one of the stores lacks."""
    columns = (c for c in table.columns if not any(store.lacks(table, c) for store in stores))
    return replace(table, columns=tuple(columns))


def _columns_left_out(
    chosen: Sequence[Table], expected: ComparedStore, actual: ComparedStore
) -> Iterator[str]:
    """Yield the columns that only one of the stores has."""
    for table in (TABLES[shared.name] for shared in chosen):
        for column in table.columns:
            if expected.lacks(table, column) != actual.lacks(table, column):
                yield f"{table.name}.{column.name}"


def _not_compared(exemptions: Sequence[Exemption]) -> TableComparison:
    """Return rows for exemptions of tables that are not compared, so that they are listed as well."""
    rows = [(*describe(exemption), "table not compared", 0, 0, 0, 0, 0) for exemption in exemptions]
    return TableComparison(
        tables=pl.DataFrame(schema=layout.TABLES),
        columns=pl.DataFrame(schema=layout.COLUMNS),
        rows=pl.DataFrame(schema=layout.ROWS),
        examples=pl.DataFrame(schema=layout.EXAMPLES),
        exemptions=pl.DataFrame(rows, schema=layout.EXEMPTIONS, orient="row"),
    )


def _stacked(compared: Sequence[TableComparison]) -> dict[str, pl.DataFrame]:
    names = [field.name for field in fields(TableComparison)]
    return {name: pl.concat([getattr(one, name) for one in compared]) for name in names}
