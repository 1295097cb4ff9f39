"""Schema evolution: what the schema has and an older store lacks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from engine.core.progress import Quiet
from engine.core.schema import SCHEMA_VERSION, TABLES, Column, Table
from engine.core.schema.bookkeeping import BOOKKEEPING
from engine.core.store_url import StoreURL, safe_url

Catalog = Mapping[str, Mapping[str, str]]
"""The columns of a store's tables, with the type of each as the store spells it."""
OWN_ROLES = ("output", "engine")
"""Roles of the tables that the engine may create; all others belong to an application."""
EQUITY = ("portfolios", "equity_balance")
"""A nullable column that a run cannot do without."""
BOUNDED_TEXT = re.compile(r"character.*\((\d+)\)")
"""A text type with a length, as sql/catalog.sql spells it. In DuckDB and Parquet no text has one."""


class SchemaGap(NamedTuple):
    """A table or column that a store lacks, or a text column that is too narrow in it.

    Attributes:
        table: Name of the table.
        column: Name of the column; empty for a whole table.
        stored: Characters that the store's column holds; None if the column or table is missing.
    """

    table: str
    column: str = ""
    stored: int | None = None

    @property
    def wanted(self) -> str:
        """Characters of the text as the schema has it."""
        return str(TABLES[self.table][self.column].type.length or "any number of")

    def __str__(self) -> str:
        if not self.column:
            return f"table {self.table}"
        if self.stored is None:
            return f"column {self.table}.{self.column}"
        return f"room in {self.table}.{self.column} ({self.stored} characters instead of {self.wanted})"

    @property
    def change(self) -> str:
        """The line that an upgrade prints for it."""
        if not self.column:
            return f"table {self.table}: created"
        if self.stored is None:
            return f"column {self.table}.{self.column}: added, null in the stored rows"
        return f"column {self.table}.{self.column}: widened from {self.stored} to {self.wanted} characters"


def catalog_of(rows: Iterable[tuple[str, str, str]]) -> dict[str, dict[str, str]]:
    """Return a catalog.

    Args:
        rows: Table, column and type of each column, as sql/catalog.sql selects them.

    Returns:
        Types by table and column.
    """
    catalog: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        catalog.setdefault(table, {})[column] = kind
    return catalog


def schema_gaps(catalog: Catalog) -> list[SchemaGap]:
    """Return what `engine schema --upgrade` adds to a store.

    Args:
        catalog: The store's tables and columns.

    Returns:
        Missing tables, then missing columns and narrow texts of the others, in the schema's order.
    """
    own = [table for table in TABLES.values() if table.role in OWN_ROLES]
    tables = [SchemaGap(table.name) for table in own if table.name not in catalog]
    stored = [table for table in TABLES.values() if table.name in catalog and table.role != "input"]
    return tables + [gap for table in stored for gap in _column_gaps(table, catalog[table.name])]


def gaps_of_a_run(catalog: Catalog) -> list[SchemaGap]:
    """Return what a run into a store leaves out, or creates first.

    Args:
        catalog: The store's tables and columns.

    Returns:
        As `schema_gaps`, but without the tables of a store that no run has written: it is new, not old.
    """
    ran_before = any(table.name in catalog for table in BOOKKEEPING)
    return [gap for gap in schema_gaps(catalog) if gap.column or ran_before]


def _column_gaps(table: Table, stored: Mapping[str, str]) -> Iterator[SchemaGap]:
    for column in table.columns:
        if column.name not in stored:
            if can_be_added(table, column):
                yield SchemaGap(table.name, column.name)
        elif length := narrower(table, column, stored[column.name]):
            yield SchemaGap(table.name, column.name, length)


def can_be_added(table: Table, column: Column) -> bool:
    """Return whether an upgrade can add the column to a table with rows, so that a run may leave it out.

    Args:
        table: Of the schema.
        column: Of that table; an older store lacks it.
    """
    own = table.role in OWN_ROLES or (table.role == "state" and column.later)
    return own and column.nullable and column.name not in table.key


def optional_column(table: Table, column: Column) -> bool:
    """Return whether a store may lack a column, which is then null.

    That is so of columns added to the schema after the store was made, and of nullable columns of inputs.
    Results of earlier runs must be complete: later sessions are computed from them. So must be the equity of
    portfolios, without which every portfolio is refused.

    Args:
        table: of the schema.
        column: of the table.
    """
    if column.later:
        return True
    needed = table.role in OWN_ROLES or column.name in table.key or (table.name, column.name) == EQUITY
    return column.nullable and not needed


def narrower(table: Table, column: Column, stored: str) -> int | None:
    """Return the length of a store's text column if it is shorter than the schema's.

    Only columns that the legacy schema lacks are checked: an application decides on the length of its own.

    Args:
        table: The table.
        column: The column, as the schema has it.
        stored: Its type in the store.

    Returns:
        Characters; None if they are enough.
    """
    bounded = BOUNDED_TEXT.match(stored)
    if bounded is None or column.type.kind != "text" or (table.legacy and column.legacy):
        return None
    length = int(bounded[1])
    return length if column.type.length is None or length < column.type.length else None


def upgrade_command(url: str | StoreURL) -> str:
    """Return the command that adds to a store what it lacks."""
    return f"engine schema --upgrade {safe_url(url)}"


def gaps_note(gaps: Iterable[SchemaGap], url: str | StoreURL) -> str:
    """Return the line that says what a store lacks and what to run; empty if it lacks nothing.

    Args:
        gaps: Tables, columns and text lengths that the store lacks.
        url: Of the store; its secrets are masked.
    """
    parts = ", ".join(map(str, gaps))
    return parts and (
        f"store {safe_url(url)} is not at schema version {SCHEMA_VERSION}: it lacks {parts}. "
        "A run leaves out missing columns, shortens texts that do not fit and creates missing tables if it "
        f"may. To add everything: {upgrade_command(url)}"
    )


def warn_of_gaps(gaps: Iterable[SchemaGap], url: str | StoreURL, progress: Quiet) -> str:
    """Warn in one line, once in a command, of what a store lacks.

    Args:
        gaps: Tables, columns and text lengths that the store lacks.
        url: Of the store; its secrets are masked.
        progress: Shows the warning; a second one on the schema is not shown.

    Returns:
        The line; empty if the store lacks nothing.
    """
    note = gaps_note(gaps, url)
    if note:
        progress.warn("schema", note)
    return note
