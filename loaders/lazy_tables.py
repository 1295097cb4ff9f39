"""A mapping by table whose values are made for the tables that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

Value = TypeVar("Value")


class LazyTables(Mapping[str, Value]):
    """A value for each table, made when it is first asked for."""

    def __init__(self, tables: Iterable[str], make: Callable[[str], Value]) -> None:
        """Keep how values are made.

        Args:
            tables: Names.
            make: Returns the value of a table.
        """
        self._tables = dict.fromkeys(tables)
        self._make = make
        self._made: dict[str, Value] = {}

    def __getitem__(self, table: str) -> Value:
        if table not in self._made:
            if table not in self._tables:
                raise KeyError(table)
            self._made[table] = self._make(table)
        return self._made[table]

    def __contains__(self, table: object) -> bool:
        return table in self._tables

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)
