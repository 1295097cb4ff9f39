"""A store that stays open for many reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import polars as pl
import polars.selectors as cs

from engine.core.errors import UsageError
from engine.core.names import check_columns, portfolio_id, table_named
from engine.core.rules import Rules
from engine.core.schema import Table
from loaders import open_reader
from loaders.reader import Reader
from loaders.slices import has_days, read_slice
from loaders.store_rules import read_rules

Portfolios = str | UUID | Sequence[str | UUID]
"""One portfolio or several, by id or by a name that is unique in the store."""


@dataclass(frozen=True)
class OpenStore:
    """A store with an open reader: opening takes longer than most reads.

    Attributes:
        reader: of the store.
    """

    reader: Reader

    @property
    def rules(self) -> Rules:
        """Rules that the stored figures were computed by; `Rules.legacy()` for a store without figures."""
        return read_rules(self.reader).rules or Rules.legacy()

    @property
    def portfolios(self) -> pl.DataFrame:
        """Portfolios that are not deleted: see `engine.analyst.store.Store.portfolios`."""
        columns = ["id", "name", "account_name", "account_type", "currency", "equity_balance"]
        rows = self.read("portfolios", columns=[*columns, "deleted_at"])
        return rows.filter(pl.col("deleted_at").is_null()).select(columns).sort("name", "id")

    def ids(self, wanted: Portfolios) -> list[str]:
        """Return the ids of portfolios, sorted.

        Args:
            wanted: ids or names.
        """
        rows = self.reader.portfolios
        several = [wanted] if isinstance(wanted, str | UUID) else wanted
        return sorted({portfolio_id(rows, one, f"store {self.reader.url}") for one in several})

    def read(
        self,
        table: str,
        portfolios: Portfolios | None = None,
        start: date | None = None,
        end: date | None = None,
        columns: Sequence[str] | None = None,
        *,
        exact: bool = False,
    ) -> pl.DataFrame:
        """Return the rows of a table: see `engine.analyst.store.Store.read`.

        Args:
            table: Table name.
            portfolios: Ids or names; default all.
            start: First day; default no limit.
            end: Last day, inclusive; default no limit.
            columns: Column names; default all.
            exact: Return numeric columns as the stored Decimals instead of Float64.
        """
        schema = table_named(table)
        check_columns(schema, columns or ())
        _check_filters(schema, portfolios, start, end)
        ids = None if portfolios is None else self.ids(portfolios)
        rows = read_slice(self.reader, schema, ids, start, end, columns)
        return rows if exact else rows.with_columns(cs.decimal().cast(pl.Float64))


@contextmanager
def opened(url: str) -> Iterator[OpenStore]:
    """Open a store for several reads; it is closed at the end of the block.

    Args:
        url: of the store.

    Yields:
        The store.
    """
    with open_reader(url) as reader:
        yield OpenStore(reader)


def _check_filters(table: Table, portfolios: Portfolios | None, start: date | None, end: date | None) -> None:
    if portfolios is not None and table.owner is None:
        raise UsageError(f"table {table.name} has no portfolio column: read it without portfolios")
    if (start or end) and not has_days(table):
        raise UsageError(f"table {table.name} has no date: read it without start and end")
    if start and end and start > end:
        raise UsageError(f"the end ({end}) is before the start ({start})")
