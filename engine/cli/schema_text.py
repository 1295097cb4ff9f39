"""The schema as text for a terminal and as a page of documentation."""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.schema import TABLES, Column, Table

ROLES = {
    "input": "read by a run",
    "state": "read, and updated",
    "output": "written by a run",
    "engine": "the engine's own",
}


def text(names: Iterable[str]) -> str:
    """Tables and columns, a line each."""
    return "\n\n".join(_plain(TABLES[name]) for name in names)


def _plain(table: Table) -> str:
    lines = [f"{table.name} ({ROLES[table.role]}): {table.comment}"]
    for column in table.columns:
        null = "not null" if column.null is None else f"null: {column.null}"
        lines.append(f"  {column.name:<40}{column.type!s:<20}{column.unit:<34}{null}".rstrip())
    return "\n".join(lines)


def markdown(names: Iterable[str]) -> str:
    """A page of documentation, generated: `python -m engine schema --markdown`."""
    head = (
        "# The tables\n\nMade by `python -m engine schema --markdown`; do not edit.\n\n"
        "A column marked NaN may hold a figure that was computed and is undefined; a null was "
        "not computed. Columns marked * are left out of comparisons: no two runs agree on them.\n"
    )
    return head + "".join(_section(TABLES[name]) for name in names)


def _section(table: Table) -> str:
    rows = "".join(_row(column, table) for column in table.columns)
    return (
        f"\n## {table.name}\n\n{table.comment} *({ROLES[table.role]})* "
        f"Natural key: {', '.join(table.key)}.\n\n"
        f"| column | type | unit | null means |\n|---|---|---|---|\n{rows}"
    )


def _row(column: Column, table: Table) -> str:
    star = "" if column.compared else " *"
    nan = ", NaN" if column.nan else ""
    null = "never null" if column.null is None else column.null
    return f"| {column.name}{star} | {column.type}{nan} | {column.unit} | {null} |\n"
