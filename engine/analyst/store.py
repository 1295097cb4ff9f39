"""A store as an analyst looks at it: its tables as frames, by portfolio and day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from html import escape
from uuid import UUID

import polars as pl
import polars.selectors as cs

from engine.analyst.inventory import Inventory, inventory
from engine.batch.plan import known, plan
from engine.batch.shards import live_portfolios
from engine.core.errors import UsageError
from engine.core.names import check_columns, portfolio_id, table_named
from engine.core.rules import Rules
from engine.core.schema import TABLES, Table
from engine.core.store_url import safe_url
from engine.pipeline.inputs import Inputs
from loaders import open_reader
from loaders.earlier_results import EarlierResults
from loaders.reader import Reader
from loaders.slices import has_days, read_slice
from loaders.store_rules import read_rules
from loaders.window import load_window

Portfolios = str | UUID | Sequence[str | UUID]
"""One portfolio or several: ids, or names that only one of the store's portfolios bears."""


def open(url: str) -> Store:
    """The store behind a URL.

    Nothing is held open between calls: each reads over a connection of its own.

    >>> import engine
    >>> store = engine.open("duckdb:///demo.duckdb")
    >>> "portfolio_snapshots" in store.tables
    True
    >>> store.portfolios["name"].to_list()[:2]
    ['Demo ETF Core 2', 'Demo Family Office 5']

    Raises:
        EngineError: no such kind of store, or it cannot be opened.
    """
    with open_reader(url):
        return Store(url)


@dataclass(frozen=True)
class Store:
    """A store that exists; see `open`."""

    url: str

    def __repr__(self) -> str:
        return f"Store({safe_url(self.url)!r})"

    @property
    def tables(self) -> list[str]:
        """The names of the known tables that it has, parents first."""
        with open_reader(self.url) as reader:
            present = reader.tables()
        return [name for name in TABLES if name in present]

    @property
    def rules(self) -> Rules:
        """The rules that its figures were computed by; `Rules.legacy()` for a store without figures."""
        with open_reader(self.url) as reader:
            return read_rules(reader).rules or Rules.legacy()

    @property
    def portfolios(self) -> pl.DataFrame:
        """The portfolios that are not deleted, by name: id, name, account_name, account_type, currency,
        equity_balance (USD)."""
        columns = ["id", "name", "account_name", "account_type", "currency", "equity_balance"]
        rows = self.read("portfolios", columns=[*columns, "deleted_at"])
        return rows.filter(pl.col("deleted_at").is_null()).select(columns).sort("name", "id")

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
        """Rows of a table, sorted by its natural key; an output table that is not there yet has none.

        Figures are Float64, days Date, moments Datetime in UTC, words, ids and documents String.
        Only the rows and columns asked for leave the store.

        Args:
            table: its name.
            portfolios: ids or names; default all, deleted ones too.
            start, end: first and last day, of the table's own date or of the matrix that a row
                belongs to; default all.
            columns: names; default all, in the table's order.
            exact: figures as the Decimals that are stored instead.

        >>> import engine
        >>> from datetime import date
        >>> store = engine.open("duckdb:///demo.duckdb")
        >>> days, columns = {"start": date(2025, 12, 18)}, ["snapshot_date", "daily_return"]
        >>> store.read("portfolio_snapshots", "Demo Growth 3", **days, columns=columns).shape
        (2, 2)

        Raises:
            UsageError: no such table, column or portfolio, a name that several portfolios bear, or a
                filter by portfolio or day of a table that belongs to none.
        """
        known = table_named(table)
        check_columns(known, columns or ())
        _check_filters(known, portfolios, start, end)
        with open_reader(self.url) as reader:
            ids = None if portfolios is None else _ids(reader, portfolios)
            rows = read_slice(reader, known, ids, start, end, columns)
        return rows if exact else rows.with_columns(cs.decimal().cast(pl.Float64))

    def inputs(
        self,
        start: date,
        end: date,
        portfolios: Portfolios | None = None,
        *,
        run_date: date | None = None,
        symbols: Sequence[str] = (),
    ) -> Inputs:
        """What the figures of a window are computed from, read once and validated.

        Sessions that are stored already start from what they started from when they were first
        run: computed again they give the stored figures.

        Args:
            start, end: first and last day.
            portfolios: ids or names; default all that are not deleted.
            run_date: what counts as today; default today's date in UTC. Factor correlations look
                back from it, and sessions before it have no sector figures.
            symbols: whose prices and profiles to load beside those of what is held.

        >>> import engine
        >>> from datetime import date
        >>> last = date(2025, 12, 19)
        >>> store = engine.open("duckdb:///demo.duckdb")
        >>> store.inputs(date(2025, 12, 15), last, "Demo Growth 3", run_date=last).portfolios["name"].item()
        'Demo Growth 3'

        Raises:
            EngineError: no session in those days, an unknown portfolio, or a store without a table
                or a column that is needed.
        """
        with open_reader(self.url) as reader:
            ids = None if portfolios is None else _ids(reader, portfolios)
            live, _ = live_portfolios(reader, ids)
            past = EarlierResults(reader)
            window = plan(past, start, end, run_date or datetime.now(UTC).date(), ids)
            if window is None:
                raise UsageError(f"there is no session from {start} to {end}")
            stored = known(past, window.sessions[0], live).values()
            days = tuple(sorted({day for some in stored for day in some if day <= window.end}))
            return load_window(past, replace(window, later=(), known=days), ids, symbols=symbols)

    def inventory(self) -> Inventory:
        """Rows and days of each table, and the sessions that each portfolio lacks."""
        return inventory(self.url)

    def _repr_html_(self) -> str:
        found = self.inventory()
        tables = "".join(
            f"<tr><th>{row['table']}</th><td>{row['rows']:,}</td>"
            f"<td>{row['first'] or ''}</td><td>{row['last'] or ''}</td></tr>"
            for row in found.tables.iter_rows(named=True)
            if row["rows"]
        )
        portfolios = "".join(
            f"<tr><th>{escape(row['name'])}</th><td>{row['stored']:,}</td><td>{row['missing']:,}</td></tr>"
            for row in found.portfolios.iter_rows(named=True)
        )
        return (
            f"<p>{escape(safe_url(self.url))}</p>"
            f"<table><tr><th>table</th><th>rows</th><th>first</th><th>last</th></tr>{tables}</table>"
            f"<table><tr><th>portfolio</th><th>sessions</th><th>missing</th></tr>{portfolios}</table>"
        )


def _ids(reader: Reader, wanted: Portfolios) -> list[str]:
    rows = reader.read("portfolios", ["id", "name"])
    several = [wanted] if isinstance(wanted, str | UUID) else wanted
    return sorted({portfolio_id(rows, one, f"store {reader.url}") for one in several})


def _check_filters(table: Table, portfolios: Portfolios | None, start: date | None, end: date | None) -> None:
    if portfolios is not None and table.owner is None:
        raise UsageError(f"rows of table {table.name} belong to no portfolio: read them without one")
    if (start or end) and not has_days(table):
        raise UsageError(f"rows of table {table.name} belong to no day: read them without one")
    if start and end and start > end:
        raise UsageError(f"the days end ({end}) before they start ({start})")
