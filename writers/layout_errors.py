"""Errors of stores that are in another layout than was asked for, or cannot be in it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.compact import LAYOUTS, Layout
from engine.core.errors import UsageError
from engine.core.store_url import StoreURL


class OtherLayoutError(UsageError):
    """A store that has its tables in another layout than the one that was asked for."""

    def __init__(self, url: StoreURL, present: Layout) -> None:
        self.present = present
        wanted = next(layout for layout in LAYOUTS if layout != present)
        super().__init__(
            f"store {url} has tables in the {present} layout", f"`engine layout {url} {wanted}` converts them"
        )


class NoViewsError(UsageError):
    """A compact layout was asked of a folder of files."""

    def __init__(self, url: StoreURL) -> None:
        super().__init__(
            f"store {url} is a folder of files, which has no views: other programs would not find its tables",
            "A DuckDB file or a Postgres database can have the compact layout",
        )


class ForeignColumnsError(UsageError):
    """A table with columns that another program added: a view cannot give them back."""

    def __init__(self, url: StoreURL, table: str, columns: Sequence[str]) -> None:
        self.table, self.columns = table, tuple(columns)
        super().__init__(
            f"store {url}, table {table}: the schema lacks its columns {', '.join(columns)}; "
            "the compact layout would lose them",
            "Keep the legacy layout, or drop them",
        )


class AttachedObjectsError(UsageError):
    """A table with policies or triggers: they would be dropped with it, and a view cannot have them."""

    def __init__(self, url: StoreURL, table: str, objects: Sequence[str]) -> None:
        self.table, self.objects = table, tuple(objects)
        super().__init__(
            f"store {url}, table {table} has {', '.join(objects)}; a change of the layout would drop that",
            "Keep the layout, or remove it from the table first",
        )
