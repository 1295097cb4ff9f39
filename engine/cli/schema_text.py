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
    shared = any(column.job for column in table.columns)
    rows = "".join(_row(column, shared) for column in table.columns)
    jobs = f" Filled by {', '.join(f'`{job}`' for job in table.jobs)}." if table.jobs else ""
    return (
        f"\n## {table.name}\n\n{table.comment} *({ROLES[table.role]})* "
        f"Natural key: {', '.join(table.key)}.{jobs}\n\n"
        f"| column | type | unit | null means |{' filled by |' * shared}\n"
        f"|---|---|---|---|{'---|' * shared}\n{rows}"
    )


def _row(column: Column, shared: bool) -> str:
    """Return a row of the page; `shared`: of a table whose columns several jobs fill."""
    star = "" if column.compared else " *"
    nan = ", NaN" if column.nan else ""
    null = "never null" if column.null is None else column.null
    job = f" {column.job} |" if shared else ""
    return f"| {column.name}{star} | {column.type}{nan} | {column.unit} | {null} |{job}\n"
