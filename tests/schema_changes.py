"""Changes of the schema for the length of a block, as a later version could make them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from engine.core.schema import TABLES, Column, Table


@contextmanager
def brought_later(table: str, names: Sequence[str]) -> Iterator[None]:
    """Let columns of a table be ones that schema version 2 brought and the legacy schema lacks."""
    columns = tuple(
        c._replace(since="2", legacy=False) if c.name in names else c for c in TABLES[table].columns
    )
    with with_columns(TABLES[table], *columns):
        yield


@contextmanager
def with_columns(table: Table, *columns: Column) -> Iterator[None]:
    """Give a table of the schema other columns."""
    with changed(table, columns=columns, by_name={column.name: column for column in columns}):
        yield


@contextmanager
def changed(table: Table, **values: object) -> Iterator[None]:
    """Change a table of the schema, wherever it is referred to."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setitem(vars(table), name, value)
        yield
