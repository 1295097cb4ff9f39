"""A comparison as text for a terminal of 120 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

import polars as pl

from engine.parity.differences import Differences
from engine.parity.layout import SAMPLE

WIDTH = 120
TABLE_HEADINGS = {
    "table": "table",
    "expected_rows": "expected",
    "actual_rows": "actual",
    "missing": "missing",
    "extra": "extra",
    "duplicated": "double",
    "cells": "cells",
    "equal": "equal",
    "off_by_one": "off by 1",
    "different": "different",
    "exempt": "exempt",
}
COLUMN_HEADINGS = {
    "column": "column",
    "type": "type",
    "cells": "cells",
    "off_by_one": "off by 1",
    "different": "different",
    "exempt": "exempt",
    "largest_difference": "largest difference",
}
EXEMPTION_HEADINGS = {
    "table": "exemptions of",
    "state": "state",
    "cells": "cells",
    "equal": "equal",
    "off_by_one": "off by 1",
    "different": "different",
    "rows": "rows",
}


def text(comparison: Differences) -> str:
    """Return the verdict, a line per table, then what is not equal with examples, then exemptions."""
    sections = (_heading, _tables, _rows, _columns, _exemptions)
    return "\n\n".join("\n".join(lines) for s in sections if (lines := list(s(comparison)))) + "\n"


def _heading(comparison: Differences) -> Iterator[str]:
    facts = {
        "expected": comparison.expected,
        "actual": comparison.actual,
        "window": comparison.window,
        "verdict": comparison.summary,
    }
    if comparison.left_out:
        facts["left out"] = "only one of the stores has " + ", ".join(comparison.left_out)
    for name, value in facts.items():
        yield from wrap(
            f"{name:<9} {value}",
            WIDTH,
            subsequent_indent=" " * 10,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _tables(comparison: Differences) -> Iterator[str]:
    frame = comparison.tables.select(*TABLE_HEADINGS)
    total = frame.select(pl.lit("all").alias("table"), pl.col(frame.columns[1:]).sum())
    yield from aligned(TABLE_HEADINGS.values(), [*frame.rows(), *total.rows()])


def _rows(comparison: Differences) -> Iterator[str]:
    for (table, kind, exempt), group in comparison.rows.group_by(
        ["table", "kind", "exempt"], maintain_order=True
    ):
        note = ", exempt" if exempt else ""
        yield f"{table}: {_shown(group['total'][0])} {kind}{note}"
        yield from (f"    {comparison.named(key)}" for key in group["key"])
        if group.height == SAMPLE:
            yield "    ..."


def _columns(comparison: Differences) -> Iterator[str]:
    for (table,), group in comparison.unequal_columns.group_by(["table"], maintain_order=True):
        yield f"{table}"
        lines = aligned(COLUMN_HEADINGS.values(), group.select(*COLUMN_HEADINGS).rows(), texts=2)
        yield from (f"  {line}" for line in lines)
        for column in group["column"]:
            examples = comparison.examples.filter(pl.col("status") != "exempt", table=table, column=column)
            yield from _examples(comparison, examples, column)


def _examples(comparison: Differences, examples: pl.DataFrame, column: str) -> Iterator[str]:
    for example in examples.iter_rows(named=True):
        size = _shown(example["difference"])
        note = f", {size} apart" if size else ""
        status = example["status"].replace("_", " ")
        yield f"    {column}, {status}{note}"
        yield _shortened(f"        {comparison.named(example['key'])}")
        yield _shortened(f"        expected {example['expected']}")
        yield _shortened(f"        actual   {example['actual']}")


def _exemptions(comparison: Differences) -> Iterator[str]:
    frame = comparison.exemptions
    if frame.is_empty():
        return
    lines = aligned(EXEMPTION_HEADINGS.values(), frame.select(*EXEMPTION_HEADINGS).rows(), texts=2)
    yield lines[0]
    for line, row in zip(lines[1:], frame.iter_rows(named=True), strict=True):
        yield line
        yield from _wrapped(f"{row['columns']} where {row['where']}")
        yield from _wrapped(f"because {row['reason']}")


def aligned(headings: Iterable[str], rows: Sequence[tuple[object, ...]], texts: int = 1) -> list[str]:
    """Return the lines of a table: the first `texts` columns left-aligned, the others right-aligned.

    Args:
        headings: as many as each row has cells.
        rows: cells of any type; None is shown as an empty text.
        texts: columns from the left that are aligned to the left.
    """
    lines = [tuple(headings), *(tuple(map(_shown, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    # Two spaces between columns, unless the lines would then be too wide.
    gap = "  " if sum(widths) + 2 * len(widths) <= WIDTH else " "
    return [gap.join(_padded(line, widths, texts)).rstrip() for line in lines]


def _padded(line: Sequence[str], widths: Sequence[int], texts: int) -> Iterator[str]:
    for index, (cell, width) in enumerate(zip(line, widths, strict=True)):
        yield cell.ljust(width) if index < texts else cell.rjust(width)


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _wrapped(line: str) -> list[str]:
    return wrap(line, WIDTH, initial_indent="    ", subsequent_indent="      ")


def _shortened(line: str) -> str:
    """Return a line of at most WIDTH characters, its middle left out where it is longer."""
    if len(line) <= WIDTH:
        return line
    half = WIDTH // 2 - 2
    return f"{line[:half]} ... {line[-half + 1 :]}"
