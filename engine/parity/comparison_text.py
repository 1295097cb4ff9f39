"""A comparison as text for a terminal of 120 columns, and as JSON."""

from __future__ import annotations

import json
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
    """The report: verdict, a line a table, then what is not equal with examples."""
    sections = (_heading, _tables, _rows, _columns, _exemptions)
    return "\n\n".join("\n".join(lines) for s in sections if (lines := list(s(comparison)))) + "\n"


def as_json(comparison: Differences) -> str:
    """Everything the comparison holds, as JSON."""
    content = {
        "verdict": comparison.verdict,
        "reasons": comparison.reasons,
        "expected": comparison.expected,
        "actual": comparison.actual,
        "start": comparison.start and comparison.start.isoformat(),
        "end": comparison.end and comparison.end.isoformat(),
        "left_out": comparison.left_out,
        "tables": comparison.tables.to_dicts(),
        "columns": comparison.columns.to_dicts(),
        "rows": comparison.rows.to_dicts(),
        "examples": comparison.examples.to_dicts(),
        "exemptions": comparison.exemptions.to_dicts(),
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)


def unequal_columns(comparison: Differences) -> pl.DataFrame:
    """The columns with a cell that is off by one or different, exempt cells apart."""
    return comparison.columns.filter(pl.col("off_by_one") + pl.col("different") > 0)


def examples_of(comparison: Differences, table: str, column: str) -> pl.DataFrame:
    """The examples of a column's cells that count."""
    chosen = comparison.examples.filter(table=table, column=column)
    return chosen.filter(pl.col("status") != "exempt")


def summary(comparison: Differences) -> dict[str, str]:
    """Who was compared with whom, when, and the verdict in words."""
    first, last = comparison.start or "the first day", comparison.end or "the last day"
    limited = comparison.start or comparison.end
    cells = f"{comparison.total('cells'):,} cells in {comparison.tables.height} tables"
    why = "; ".join(comparison.reasons)
    found = {
        "expected": comparison.expected,
        "actual": comparison.actual,
        "window": f"{first} to {last}" if limited else "all days",
        "verdict": f"{comparison.verdict}: {why or cells}",
    }
    if comparison.left_out:
        found["left out"] = "only the actual store has " + ", ".join(comparison.left_out)
    return found


def shown(value: object) -> str:
    """A count or a difference for people."""
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _heading(comparison: Differences) -> Iterator[str]:
    for name, value in summary(comparison).items():
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
        yield f"{table}: {shown(group['total'][0])} {kind}{note}"
        yield from (f"    {key}" for key in group["key"])
        if group.height == SAMPLE:
            yield "    ..."


def _columns(comparison: Differences) -> Iterator[str]:
    for (table,), group in unequal_columns(comparison).group_by(["table"], maintain_order=True):
        yield f"{table}"
        lines = aligned(COLUMN_HEADINGS.values(), group.select(*COLUMN_HEADINGS).rows(), texts=2)
        yield from (f"  {line}" for line in lines)
        for column in group["column"]:
            yield from _examples(examples_of(comparison, str(table), column), column)


def _examples(found: pl.DataFrame, column: str) -> Iterator[str]:
    for example in found.iter_rows(named=True):
        size = shown(example["difference"])
        note = f", {size} apart" if size else ""
        status = example["status"].replace("_", " ")
        yield f"    {column}, {status}{note}"
        yield _cut(f"        {example['key']}")
        yield _cut(f"        expected {example['expected']}")
        yield _cut(f"        actual   {example['actual']}")


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
    """Lines of columns: the first `texts` to the left, the others, figures, to the right."""
    lines = [tuple(headings), *(tuple(map(shown, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    gap = "  " if sum(widths) + 2 * len(widths) <= WIDTH else " "
    return [gap.join(_padded(line, widths, texts)).rstrip() for line in lines]


def _padded(line: Sequence[str], widths: Sequence[int], texts: int) -> Iterator[str]:
    for index, (cell, width) in enumerate(zip(line, widths, strict=True)):
        yield cell.ljust(width) if index < texts else cell.rjust(width)


def _wrapped(line: str) -> list[str]:
    """A sentence on as many lines as it takes."""
    return wrap(line, WIDTH, initial_indent="    ", subsequent_indent="      ")


def _cut(line: str) -> str:
    """A line that fits, its middle left out if it must."""
    if len(line) <= WIDTH:
        return line
    half = WIDTH // 2 - 2
    return f"{line[:half]} ... {line[-half + 1 :]}"
