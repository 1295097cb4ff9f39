"""Output of `import`: rows read, columns mapped, guesses, refusals, and changes."""

from __future__ import annotations

from collections.abc import Iterator

from engine.batch.import_book import Import
from loaders.books.body import Body
from loaders.books.prices import LEVELS

MOST_LINES = 200
"""Lots and refusals that the text lists; the others are counted."""


def import_text(ready: Import, written: bool) -> str:
    """Return the preview of an import, or the report of one that is written.

    Args:
        ready: a book that was read, with the changes that it makes.
        written: whether the changes are in the store.
    """
    lines = [*_sources(ready), *_limited([f"  {note}" for note in ready.book.notes])]
    if ready.book.refusals:
        refused = [f"  {refusal}" for refusal in ready.book.refusals]
        return "\n".join(
            [*lines, f"refused, nothing is written ({len(refused):,} rows):", *_limited(refused)]
        )
    assert ready.changes is not None
    changes = [f"{one.line or '':>7}  {one.kind:<8}{one.symbol:<22}{one.words}" for one in ready.changes.lots]
    lines += [f"  {note}" for note in ready.fund_notes]
    lines += [f"lots, with their lines ({len(changes):,} changes):", *(_limited(changes) or ["  no change"])]
    lines.append("written:" if written else "not written yet; rows that would be:")
    lines += [f"  {name:<32}{count:>10,}" for name, count in ready.rows.items() if count]
    return "\n".join(lines)


def import_content(ready: Import, written: bool) -> dict[str, object]:
    """Return the same as `import_text` as plain data.

    Args:
        ready: a book that was read, with the changes that it makes.
        written: whether the changes are in the store.
    """
    changes = ready.changes.lots if ready.changes else ()
    return {
        "written": written,
        "sources": [_source(rows) for rows in ready.book.readings],
        "notes": [*ready.book.notes, *ready.fund_notes],
        "refused": [vars(refusal) for refusal in ready.book.refusals],
        "other_rows": ready.book.others.to_dicts(),
        "equity": str(ready.book.equity),
        "start": str(ready.book.start),
        "lots": [vars(change) for change in changes],
        "rows": ready.rows,
    }


def _sources(ready: Import) -> Iterator[str]:
    for number, rows in enumerate(ready.book.readings):
        source = _source(rows)
        yield f"{source['file']}: header in line {source['header_line']}, {rows.texts.height:,} rows"
        yield f"  columns: {_columns(rows)}"
        if rows.header.ignored:
            yield f"  not used: {', '.join(rows.header.ignored)}"
        if number == 0:
            yield from _other_rows(ready)


def _other_rows(ready: Import) -> Iterator[str]:
    """Return lines about the rows of the positions, which come first, that are no lot."""
    others = ready.book.others
    if others.height:
        kinds = others.group_by("what", maintain_order=True).agg("line")
        words = (f"{what} in line {', '.join(map(str, lines))}" for what, lines in kinds.iter_rows())
        yield f"  rows that are no lot: {'; '.join(words)}"
    if ready.book.cash is not None:
        yield f"  cash: {ready.book.cash:,.2f} USD"


def _columns(rows: Body) -> str:
    """Return which column is which; of a table of dates x symbols only how many symbols there are."""
    symbols = [column for column in rows.titles if LEVELS in column]
    pairs = [f"{ours} = {theirs}" for ours, theirs in rows.titles.items() if LEVELS not in ours]
    return ", ".join([*pairs, *([f"closes of {len(symbols):,} columns"] if symbols else [])])


def _source(rows: Body) -> dict[str, object]:
    return {
        "file": rows.sheet.source,
        "header_line": rows.sheet.lines[rows.header_index],
        "rows": rows.texts.height,
        "columns": rows.titles,
        "not_used": rows.header.ignored,
    }


def _limited(lines: list[str]) -> list[str]:
    rest = len(lines) - MOST_LINES
    return [*lines[:MOST_LINES], *([f"  and {rest:,} more"] if rest > 0 else [])]
