"""A comparison as a page that needs nothing else: no network, no script; light, dark, printable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape

import polars as pl

from engine.parity.comparison_text import (
    COLUMN_HEADINGS,
    EXEMPTION_HEADINGS,
    TABLE_HEADINGS,
    shown,
    summary,
    unequal_columns,
)
from engine.parity.differences import Differences

_STYLE = """
:root{color-scheme:light dark}
.parity{font:14px/1.45 system-ui,sans-serif;max-width:90rem;margin:0 auto;padding:1rem;
overflow-x:auto}
.parity table{border-collapse:collapse;margin:.4rem 0 1.4rem}
.parity caption{text-align:left;font-weight:600;padding:.3rem 0}
.parity th,.parity td{padding:.15rem .6rem;border-bottom:1px solid #8886;text-align:left;
vertical-align:top;overflow-wrap:anywhere}
.parity thead th{border-bottom:2px solid #888;white-space:nowrap}
.parity .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.parity .verdict{font-weight:700;padding:.1rem .5rem;border:2px solid;border-radius:.3rem}
.parity .equal{color:#176b2c}
.parity .different{color:#b3261e}
@media(prefers-color-scheme:dark){.parity .equal{color:#7ddc93}.parity .different{color:#ff9d94}}
@media print{.parity{max-width:none;padding:0;font-size:9pt}.parity tr{break-inside:avoid}}
"""
_EXAMPLES = {
    "table": "table",
    "column": "column",
    "status": "status",
    "key": "key",
    "expected": "expected",
    "actual": "actual",
    "difference": "difference",
}
_ROWS = {"table": "table", "kind": "kind", "exempt": "exempt", "key": "key", "total": "in all"}
_EXEMPTIONS = {"columns": "columns", "where": "where", "reason": "reason"} | EXEMPTION_HEADINGS


def page(comparison: Differences) -> str:
    """A whole document."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Parity: {comparison.verdict}</title></head>\n<body>\n"
        f"{fragment(comparison)}</body></html>\n"
    )


def fragment(comparison: Differences) -> str:
    """The report alone, for a page or a notebook cell."""
    body = "\n".join(_parts(comparison))
    return f'<style>{_STYLE}</style>\n<main class="parity">\n{body}\n</main>\n'


def _parts(comparison: Differences) -> Iterator[str]:
    yield f"<h1>Parity {_verdict(comparison.verdict)}</h1>"
    lines = (f"<tr>{_head(k, 'row')}{_cell(v)}</tr>" for k, v in summary(comparison).items())
    yield f"<table><caption>Compared</caption><tbody>{''.join(lines)}</tbody></table>"
    yield _table("Tables", comparison.tables, TABLE_HEADINGS | {"exempt_rows": "exempt rows"})
    columns = {"table": "table"} | COLUMN_HEADINGS
    yield _table("Columns that are not all equal", unequal_columns(comparison), columns)
    yield _table("Rows without a partner (a sample)", comparison.rows, _ROWS)
    yield _table("Examples", comparison.examples, _EXAMPLES)
    yield _table("Exemptions", comparison.exemptions, _EXEMPTIONS)


def _verdict(verdict: str) -> str:
    return f'<span class="verdict {verdict}">{verdict}</span>'


def _table(caption: str, frame: pl.DataFrame, headings: Mapping[str, str]) -> str:
    """A frame as a table with a caption; nothing for a frame without rows."""
    if frame.is_empty():
        return ""
    numbers = {name for name in headings if frame.schema[name].is_numeric()}
    head = "".join(_head(label, "col", n in numbers) for n, label in headings.items())
    body = "\n".join(_line(row, headings, numbers) for row in frame.iter_rows(named=True))
    return (
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"
    )


def _line(row: Mapping[str, object], names: Iterable[str], numbers: set[str]) -> str:
    cells = (_cell(row[name], name in numbers) for name in names)
    return f"<tr>{''.join(cells)}</tr>"


def _head(label: str, scope: str, number: bool = False) -> str:
    return f'<th scope="{scope}"{_class(number)}>{escape(label)}</th>'


def _cell(value: object, number: bool = False) -> str:
    text = ("yes" if value else "no") if isinstance(value, bool) else shown(value)
    return f"<td{_class(number)}>{escape(text)}</td>"


def _class(number: bool) -> str:
    return ' class="n"' if number else ""
