"""Reader of a DuckDB file."""

from __future__ import annotations

import os
import re
from functools import cached_property

import duckdb
import polars as pl

from engine.core.errors import ReadError, StoreUnreachableError
from engine.core.schema import TABLES, Column
from engine.core.store_url import StoreURL
from loaders.adapted import with_adapted
from loaders.arrow_stream import ArrowStream
from loaders.duckdb.connect import connect, disconnect
from loaders.questions import QuestionError
from loaders.reader import Reader
from sql import Name, Query, statement

WORD = re.compile(r"\w+")


def canonical_id(name: str, stored: str) -> str:
    """Return SQL that reads an id in lower case with hyphens; empty for a UUID.

    Args:
        name: of the column.
        stored: its type.
    """
    statements = {"VARCHAR": "id_of_text", "BLOB": "id_of_bytes"}
    return statement(statements[stored], column=Name(name)) if stored in statements else ""


class DuckDBReader(Reader):
    """A DuckDB file, opened to read."""

    catalog = "catalog_of_duckdb"

    def __init__(self, url: StoreURL) -> None:
        super().__init__(url)
        self.connection = self._connect()
        self.connection.execute(statement("utc"))

    def _connect(self) -> duckdb.DuckDBPyConnection:
        if not os.path.isfile(self.url.real_path):
            raise StoreUnreachableError(self.url, f"there is no file {self.url.real_path}")
        return connect(self.url, read_only=True)

    @cached_property
    def empty_tables(self) -> frozenset[str]:
        return frozenset(self.query(statement("empty_tables"))["table_name"])

    def adapt(self, column: Column, stored: str) -> str:
        return canonical_id(column.name, stored) if column.type.kind == "uuid" else ""

    def close(self) -> None:
        disconnect(self.connection)

    def query(self, text: str) -> pl.DataFrame:
        return self.run(with_adapted(text, lambda: self.adapted))

    def answer(self, question: str) -> pl.DataFrame:
        try:
            statements = duckdb.extract_statements(question)
        except duckdb.Error as error:
            raise ReadError(self.url, str(error)) from error
        if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
            raise QuestionError(self.url, "more than one statement, or one that does not read")
        words = {word.lower() for word in WORD.findall(question)}
        for name in (name for name in TABLES if name in words and name in self.columns):
            if source := self.adapted.get(name):
                self.connection.execute(statement("read/view", table=Name(name), source=Query(source)))
        return self.run(question)

    def run(self, text: str) -> pl.DataFrame:
        """Return the rows of a statement that names tables and files as DuckDB knows them.

        Args:
            text: The statement.

        Raises:
            ReadError: It failed.
        """
        try:
            rows = pl.Series(ArrowStream(self.connection.sql(text)))
        except duckdb.Error as error:
            raise ReadError(self.url, str(error)) from error
        return rows.struct.unnest()
