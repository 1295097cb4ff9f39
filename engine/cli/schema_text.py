"""The schema as text for a terminal and as a page of documentation."""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.schema import SCHEMA_VERSION, TABLES, Column, Table
from engine.core.schema.kinds import FIRST_VERSION

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
    lines = [f"{table.name} ({ROLES[table.role]}): {table.comment}{_origin(table)}"]
    for column in table.columns:
        null = "not null" if column.null is None else f"null: {column.null}"
        line = f"  {column.name:<40}{column.type!s:<20}{column.unit:<34}{null}"
        lines.append(f"{line}{_origin(column)}".rstrip())
    return "\n".join(lines)


def _origin(part: Table | Column) -> str:
    """Return since when a table or column exists; nothing for what the legacy schema has, too."""
    if part.legacy and part.since == FIRST_VERSION:
        return ""
    return f" Since version {part.since}{'' if part.legacy else ', not in the legacy schema'}."


def markdown(names: Iterable[str]) -> str:
    """A page of documentation, generated: `python -m engine schema --markdown`."""
    head = (
        "# The tables\n\nMade by `python -m engine schema --markdown`; do not edit.\n\n"
        f"This is version {SCHEMA_VERSION} of the schema. A store of an earlier version is brought to it by "
        "`python -m engine schema --upgrade URL`: see "
        "[A newer engine on an older store](operations.md#a-newer-engine-on-an-older-store).\n\n"
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
        f"Natural key: {', '.join(table.key)}.{jobs}{_origin(table)}\n\n"
        f"| column | type | unit | null means |{' filled by |' * shared}\n"
        f"|---|---|---|---|{'---|' * shared}\n{rows}"
    )


def _row(column: Column, shared: bool) -> str:
    """Return a row of the page; `shared`: of a table whose columns several jobs fill."""
    star = "" if column.compared else " *"
    nan = ", NaN" if column.nan else ""
    null = "never null" if column.null is None else column.null
    job = f" {column.job} |" if shared else ""
    return f"| {column.name}{star} | {column.type}{nan} | {column.unit} | {null}{_origin(column)} |{job}\n"
