"""The parity harness: is every figure of one store in the other, cell by cell?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
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
from engine.parity.table_comparison import TableComparison, describe, tally

COMPARED_ROLES = ("output", "state")
"""What a run writes and legacy wrote too; the engine's own tables have no counterpart."""


def compare(
    expected: TableReader,
    actual: TableReader,
    tables: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    exemptions: Sequence[Exemption] = (),
) -> Comparison:
    """Compare two stores on natural keys, the expected one being the authority.

    tables: names; by default every output and state table that `expected` has. A table named
        here that `expected` lacks is an error, so that nothing asked for goes unproved.
    start, end: first and last day, both included; a table without a date is dated by the row
        it belongs to (pairs by their correlation calculation), or compared whole.
    exemptions: cells that need not be equal; see `engine.parity.exemptions`.
    """
    if start is not None and end is not None and start > end:
        raise UsageError(f"the window ends on {end}, before it starts on {start}")
    left, right = ComparedStore(expected, start, end), ComparedStore(actual, start, end)
    chosen = _chosen(tables, left)
    found = [tally(table, left, right, exemptions) for table in chosen]
    idle = _idle([e for e in exemptions if e.table not in {t.name for t in chosen}])
    return Comparison(
        expected=safe_url(expected.url),
        actual=safe_url(actual.url),
        start=start,
        end=end,
        left_out=() if tables else _left_out(left, right),
        **_stacked([*found, idle] if idle else found),
    )


def _chosen(names: Sequence[str] | None, expected: ComparedStore) -> list[Table]:
    """The tables to compare, in the schema's order."""
    if not names:
        known = [t for t in TABLES.values() if t.role in COMPARED_ROLES]
        chosen = [table for table in known if table.name in expected.present]
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
    """Tables that could be compared, but that only the actual store has."""
    extra = actual.present - expected.present
    return tuple(t.name for t in TABLES.values() if t.name in extra and t.role in COMPARED_ROLES)


def _idle(exemptions: Sequence[Exemption]) -> TableComparison | None:
    """Exemptions of tables that are not compared, so that they are listed as well."""
    if not exemptions:
        return None
    rows = [(*describe(exemption), "table not compared", 0, 0, 0, 0, 0) for exemption in exemptions]
    frame = pl.DataFrame(rows, schema=layout.EXEMPTIONS, orient="row")
    none = pl.DataFrame()
    return TableComparison(tables=none, columns=none, rows=none, examples=none, exemptions=frame)


def _stacked(found: Sequence[TableComparison]) -> dict[str, pl.DataFrame]:
    names = [field.name for field in fields(TableComparison)]
    frames = {name: [getattr(tally, name) for tally in found] for name in names}
    return {name: pl.concat([f for f in kept if f.width]) for name, kept in frames.items()}
