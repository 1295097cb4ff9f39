"""Columns and types of the frames of a comparison."""

from __future__ import annotations

import polars as pl

_TEXT, _COUNT, _FLAG, _FIGURE = pl.String(), pl.Int64(), pl.Boolean(), pl.Float64()

KINDS = ("missing", "extra", "duplicated")
"""Differences of a whole row: only expected, only actual, or a repeated key."""
SAMPLE = 20
"""Keys listed per table and kind of row; all rows are counted."""
CELL_COUNTS = ("cells", "equal", "off_by_one", "different", "exempt")

TABLES: dict[str, pl.DataType] = {
    "table": _TEXT,
    "in_actual": _FLAG,
    **dict.fromkeys(("expected_rows", "actual_rows", "matched", *KINDS, "exempt_rows"), _COUNT),
    **dict.fromkeys(CELL_COUNTS, _COUNT),
}
COLUMNS: dict[str, pl.DataType] = {
    **dict.fromkeys(("table", "column", "type"), _TEXT),
    **dict.fromkeys(CELL_COUNTS, _COUNT),
    "largest_difference": _FIGURE,
}
ROWS: dict[str, pl.DataType] = {
    "table": _TEXT,
    "kind": _TEXT,
    "exempt": _FLAG,
    "key": _TEXT,
    "total": _COUNT,
}
EXAMPLES: dict[str, pl.DataType] = {
    **dict.fromkeys(("table", "column", "status", "key", "expected", "actual"), _TEXT),
    "difference": _FIGURE,
}
EXEMPTIONS: dict[str, pl.DataType] = {
    **dict.fromkeys(("table", "columns", "where", "reason", "state"), _TEXT),
    **dict.fromkeys(("cells", "equal", "off_by_one", "different", "rows"), _COUNT),
}
