"""The abstract reader: typed frames from a store's tables, by statements that all kinds of stores share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Self

import polars as pl

from engine.core.errors import (
    ColumnTypeError,
    MissingColumnError,
    MissingTableError,
    NoIdError,
    ReadError,
    refuse_gaps,
    same_but_for_form,
)
from engine.core.frames import conform, empty, with_nulls
from engine.core.row_rules import UUID_FORM
from engine.core.schema import TABLES, Column, Table
from engine.core.schema.evolution import (
    OWN_ROLES,
    can_be_added,
    catalog_of,
    optional_column,
    upgrade_command,
)
from engine.core.store_url import StoreURL
from loaders.adapted import adapted_tables
from sql import Name, Selected, Value, statement

TEXTS = ("varchar", "character", "text", "name", "enum", "user-defined", "uuid", "json")
PORTFOLIOS = "portfolios"
INTEGERS = ("integer", "bigint", "smallint", "tinyint", "hugeint", "uint", "ubig", "usmall", "utiny", "uhuge")
COMPATIBLE_TYPES = {
    **dict.fromkeys(("uuid", "text", "enum", "json"), TEXTS),
    **dict.fromkeys(("integer", "bigint"), INTEGERS),
    "numeric": (*INTEGERS, "decimal", "numeric", "double", "real", "float"),
    "date": ("date", "timestamp"),
    "timestamp": ("timestamp",),
    "boolean": ("boolean",),
}
"""Store types that a column of the schema can be read from: {kind of column: prefixes of type names}."""


OPTIONAL_TABLES = frozenset(
    {
        *("position_realized_events", "equity_changes", "company_profiles", "benchmarks_sector_weights"),
        *("stress_test_scenarios", "factor_definitions", "tags_v2", "position_tags"),
        "portfolio_target_prices",
    }
)
"""Tables of inputs that are taken to have no rows where a store lacks them."""


class Reader(ABC):
    """A store that can be read. Use it as a context manager.

    Attributes:
        catalog: Name of the statement that lists the store's columns.
        url: The store.
    """

    catalog = "catalog"

    def __init__(self, url: StoreURL) -> None:
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027  not every kind has something to release
        """Release the store."""

    @abstractmethod
    def query(self, text: str) -> pl.DataFrame:
        """Return the rows of one SQL statement in the store's own types.

        Args:
            text: Of the statement, filled in.
        """

    @abstractmethod
    def answer(self, question: str) -> pl.DataFrame:
        """Return the rows of one SELECT of a user; nothing that it may say writes.

        Args:
            question: The statement, checked by `loaders.questions.ask`.
        """

    @cached_property
    def columns(self) -> Mapping[str, Mapping[str, str]]:
        """The store's columns and their types: {table: {column: type}}."""
        return catalog_of(self.query(statement(self.catalog)).iter_rows())

    @cached_property
    def may_create(self) -> bool:
        """Return whether a run may create tables in the store."""
        return True

    @cached_property
    def empty_tables(self) -> frozenset[str]:
        """Tables that are certain to hold no row, so that they need not be queried."""
        return frozenset()

    def adapt(self, column: Column, stored: str) -> str:
        """Return SQL that reads a column in the schema's form, empty where that is the column itself.

        Args:
            column: of the schema.
            stored: its type in the store.
        """
        del column, stored
        return ""

    @cached_property
    def adapted(self) -> Mapping[str, str]:
        """Subqueries that statements read for tables of other programs: see `loaders.adapted`."""
        return adapted_tables(self.columns, self.adapt)

    @cached_property
    def portfolios(self) -> pl.DataFrame:
        """id, name, deleted_at of all portfolios, read once: a run asks several times who is there."""
        return self.read(PORTFOLIOS, ["id", "name", "deleted_at"])

    def tables(self) -> set[str]:
        """Return the names of the store's tables that the schema knows."""
        return set(self.columns) & set(TABLES)

    @cached_property
    def other_forms(self) -> dict[str, list[str]]:
        """Names that look like a table that the store lacks, by table."""
        rows = self.query(statement("other_forms", tables=[*TABLES])).iter_rows()
        forms: dict[str, list[str]] = {}
        for table, form in rows:
            forms.setdefault(table, []).append(form)
        return forms

    def twin(self, table: str) -> str | None:
        """Return what else may be a table that the store has, None if nothing.

        Args:
            table: Name of the table.
        """
        del table
        return None

    def gaps(self, table: Table, columns: Sequence[str]) -> Iterator[MissingTableError | MissingColumnError]:
        """Yield an error for the table if the store lacks it, else one for each column that it lacks.

        Args:
            table: Of the schema.
            columns: Names of the columns that must be there.

        Yields:
            The errors.
        """
        present = self.columns.get(table.name)
        if present is None:
            may_make = table.role in OWN_ROLES
            yield MissingTableError(self.url, table.name, self.other_forms.get(table.name, ()), may_make)
            return
        for column in columns:
            if column not in present:
                hint = f"`{upgrade_command(self.url)}` adds it" if can_be_added(table, table[column]) else ""
                yield MissingColumnError(self.url, table.name, column, present, hint)

    def require(self, table: Table, columns: Sequence[str]) -> None:
        """Raise an error unless the store has a table and some of its columns.

        Args:
            table: Of the schema.
            columns: Names of the columns.

        Raises:
            MissingTableError: The store lacks the table.
            MissingColumnError: The table lacks a column.
            StructureError: It lacks several columns.
        """
        refuse_gaps(self.url, [*self.gaps(table, columns)])

    def may_lack(self, table: Table) -> bool:
        """Return whether a table that the store lacks is taken to have no rows.

        That is so of tables that runs make and of optional inputs, unless something looks like the table.

        Args:
            table: Of the schema.
        """
        optional = table.name in OPTIONAL_TABLES and not self.other_forms.get(table.name)
        return table.role in OWN_ROLES or optional

    def check_types(self, table: Table, columns: Sequence[str]) -> None:
        """Check that columns have types in the store that can be read as the schema's.

        Args:
            table: Of the schema.
            columns: Names that the store has.

        Raises:
            ColumnTypeError: The types do not fit.
        """
        for name in columns:
            expected, stored = table[name].type, self.columns[table.name][name]
            if not stored.lower().startswith(COMPATIBLE_TYPES[expected.kind]):
                raise ColumnTypeError(self.url, table.name, name, stored, str(expected))

    def read(self, table: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return a whole table in the schema's types; see `select`.

        Args:
            table: Name.
            columns: To read, in order; default all.
        """
        return self.select("read/table", table, columns)

    def select(
        self, name: str, table: str, columns: Sequence[str] | None = None, **values: Value
    ) -> pl.DataFrame:
        """Return the rows of a statement over one table, in the schema's types.

        Args:
            name: The statement, `sql/<name>.sql`.
            table: Name of the table.
            columns: Names of the columns; default all that the schema has.
            values: Further placeholders of the statement.

        Returns:
            The rows. There are none if the table is an output table that does not exist yet, or an input
            that is optional. An optional column that the store lacks is null: see `optional_column`.

        Raises:
            ReadError: The statement failed.
        """
        definition = TABLES[table]
        wanted = definition.names if columns is None else list(columns)
        if table not in self.columns and self.may_lack(definition):
            return empty(definition, wanted)
        stored = self.columns_to_read(definition, wanted)
        self.require(definition, stored)
        if table in self.empty_tables:
            return empty(definition, wanted)
        chosen = tuple(definition[column] for column in stored)
        try:
            rows = self.selected(name, chosen, table=Name(table), **values)
        except ReadError:
            # A cast or comparison may have failed on a column of a wrong type: name that column instead.
            filtered = [definition.date] if definition.date and definition.date in self.columns[table] else []
            self.check_types(definition, [*stored, *filtered])
            raise
        conformed = conform(rows, definition, self.url)
        if table == PORTFOLIOS and "id" in conformed.columns:
            self._require_uuids(conformed["id"], definition)
        return with_nulls(conformed, definition, wanted)

    def _require_uuids(self, ids: pl.Series, table: Table) -> None:
        """Raise an error if an id is none: whatever is named by ids could be named anything.

        Raises:
            NoIdError: A value is no UUID. A null is left to the row rules.
        """
        others = ids.filter(~ids.str.contains(UUID_FORM))
        if not others.is_empty():
            raise NoIdError(self.url, table.name, ids.name, others[0])

    def columns_to_read(self, table: Table, columns: Sequence[str]) -> list[str]:
        """Return the columns without the optional ones that the store lacks: they are null.

        A column that the store has in another form, such as `EQUITY_BALANCE`, is not left out: to take it
        for null would hide its values.

        Args:
            table: of the schema.
            columns: names that are asked for.
        """
        present = self.columns.get(table.name, {})
        stored = [
            name
            for name in columns
            if name in present or not optional_column(table, table[name]) or same_but_for_form(name, present)
        ]
        # A statement needs at least one column.
        return stored or [table.key[0]]

    def selected(self, name: str, columns: tuple[Column, ...], **values: Value) -> pl.DataFrame:
        """Return the rows of a statement in the store's own types.

        Args:
            name: Of the statement in `sql`.
            columns: To read, in order.
            values: What fills the statement.
        """
        return self.query(statement(name, columns=Selected(columns), **values))
