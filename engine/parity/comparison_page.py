"""A comparison as an HTML page, and as a fragment for a notebook."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from engine.html.blocks import Card, Cards, PageTable, Section
from engine.html.cells import Cell, count, plain
from engine.html.page import fragment, page
from engine.parity.differences import Differences

COUNTS = {
    "cells": "Cells",
    "equal": "Equal",
    "off_by_one": "Off by one",
    "different": "Different",
    "exempt": "Exempt",
}
TABLES = {
    "table": "Table",
    "expected_rows": "Rows expected",
    "actual_rows": "Rows actual",
    "missing": "Missing",
    "extra": "Extra",
    "duplicated": "Duplicated",
    "exempt_rows": "Exempt rows",
    **COUNTS,
}
COLUMNS = {
    "table": "Table",
    "column": "Column",
    "type": "Type",
    **COUNTS,
    "largest_difference": "Largest difference",
}
ROWS = {"table": "Table", "kind": "Kind", "exempt": "Exempt", "key": "Key", "total": "Rows in total"}
EXAMPLES = {
    "table": "Table",
    "column": "Column",
    "status": "Status",
    "key": "Key",
    "expected": "Expected",
    "actual": "Actual",
    "difference": "Difference",
}
EXEMPTIONS = {
    "table": "Table",
    "columns": "Columns",
    "where": "Where",
    "reason": "Reason",
    "state": "State",
    "cells": "Cells",
    "equal": "Equal",
    "off_by_one": "Off by one",
    "different": "Different",
    "rows": "Rows",
}
FOOTER = (
    "This page needs no network. Rows are matched by natural key and cells are compared exactly; null, NaN "
    "and 0 are three different values. Exempt cells are compared and counted, but cannot change the verdict."
)


def comparison_page(comparison: Differences) -> str:
    """Return a whole document."""
    facts = {"Expected": comparison.expected, "Actual": comparison.actual, "Window": comparison.window}
    return page("comparison", f"Stores {comparison.verdict}", facts, _sections(comparison), footer=FOOTER)


def comparison_fragment(comparison: Differences) -> str:
    """Return the sections of the page, for a notebook cell."""
    return fragment(_sections(comparison))


def _sections(comparison: Differences) -> list[Section]:
    frames = {
        "Tables": (comparison.tables, TABLES),
        "Columns with differences": (comparison.unequal_columns, COLUMNS),
        "Sample of unmatched rows": (_named(comparison, comparison.rows), ROWS),
        "Examples of cells": (_named(comparison, comparison.examples), EXAMPLES),
        "Exemptions": (comparison.exemptions, EXEMPTIONS),
    }
    details = [
        Section(title.lower().replace(" ", "-"), title, "", [_table(title, frame, headings)])
        for title, (frame, headings) in frames.items()
        if frame.height
    ]
    return [_verdict(comparison), *details]


def _named(comparison: Differences, frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose keys have names before ids."""
    return frame.with_columns(pl.col("key").map_elements(comparison.named, pl.String))


def _verdict(comparison: Differences) -> Section:
    verdict = Cell(comparison.verdict, tone="up" if comparison.equal else "down")
    unmatched = sum(map(comparison.total, ("missing", "extra", "duplicated")))
    cards = (
        Card("Verdict", verdict),
        Card("Cells compared", count(comparison.total("cells")), f"{comparison.total('exempt'):,} exempt"),
        Card("Cells different", count(comparison.total("different"))),
        Card("Cells off by one", count(comparison.total("off_by_one")), "one unit in the last place"),
        Card("Rows compared", count(comparison.total("matched"))),
        Card("Rows unmatched", count(unmatched), "missing, extra or with a repeated key"),
    )
    lead = f"{comparison.actual} against {comparison.expected}, {comparison.window}: {comparison.summary}."
    if comparison.left_out:
        lead += f" Only one of the stores has {', '.join(comparison.left_out)}."
    return Section("verdict", "Verdict", lead, [Cards(cards)])


def _table(caption: str, frame: pl.DataFrame, headings: Mapping[str, str]) -> PageTable:
    rows = [list(map(_cell, row)) for row in frame.select(*headings).iter_rows()]
    return PageTable(caption, list(headings.values()), rows)


def _cell(value: object) -> Cell:
    if isinstance(value, bool):
        return plain("yes" if value else "no")
    if isinstance(value, int):
        return count(value)
    if isinstance(value, float):
        # As many digits as a column's scale can have; `ratio` would cut small differences to 0.
        return Cell(f"{value:.10g}", str(value), number=True)
    return plain("" if value is None else value)
