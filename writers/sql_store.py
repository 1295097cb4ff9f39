"""Primitives of a database, in which the statements of all kinds are carried out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import polars as pl

from engine.core.schema import Table
from engine.core.schema.evolution import Catalog
from loaders.reader import Reader
from sql import Name
from sql.ddl import Dialect
from writers.writer import Writer

Grants = Sequence[tuple[str | None, str]]
"""Role and privilege; no role stands for everybody."""


class SqlStore(Writer):
    """Statements to a database, in the dialect of its kind.

    Attributes:
        dialect: Dialect of its CREATE statements.
        catalog_statement: Name of the statement that lists the store's columns.
        begin_text: Statement that begins a transaction.
    """

    dialect: Dialect
    begin_text = "begin"
    catalog_statement = "catalog"
    _catalog: Catalog | None = None

    @abstractmethod
    def fetch(self, text: str) -> list[tuple[Any, ...]]:
        """Return the rows of one statement.

        Args:
            text: Of the statement, filled in.
        """

    @abstractmethod
    def execute(self, text: str, table: str) -> None:
        """Run one statement. A failure raises a WriteError that names the table.

        Args:
            text: Of the statement, filled in.
            table: Name, for the message.
        """

    @abstractmethod
    def stage(self, table: Table, frame: pl.DataFrame) -> Name:
        """Make a frame readable for statements. Return the name of the relation.

        Args:
            table: Of the schema.
            frame: Rows, in columns of the table.

        Returns:
            The name of the relation.
        """

    @abstractmethod
    def load(self, table: Table, frame: pl.DataFrame, rows: int) -> None:
        """Insert rows of a stored table, and report progress.

        Args:
            table: Of the schema, or a packed one.
            frame: Its rows.
            rows: Number of legacy rows in them.
        """

    @abstractmethod
    def reader(self) -> Reader:
        """Return a reader of the store's committed tables; of a kind with one connection, of all tables."""

    def lock_slots(self) -> None:
        """Keep other transactions from giving slots to factors until this one ends."""

    def keep_writers_out(self, table: str) -> None:
        """Keep other programs from writing a table until the transaction ends.

        Args:
            table: Name.
        """

    def attached(self, table: str) -> Sequence[str]:
        """Return what other programs attached to a table: policies, triggers, rules, privileges on columns.

        Args:
            table: Name.
        """
        del table
        return ()

    def grants(self, table: str) -> Grants:
        """Return the privileges on a table that other roles have; none where there are no roles.

        Args:
            table: Name.
        """
        del table
        return ()

    def grant(self, table: str, privileges: Grants) -> None:
        """Grant privileges on a table.

        Args:
            table: Name.
            privileges: Of `grants`.
        """
