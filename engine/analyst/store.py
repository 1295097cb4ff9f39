"""Read access to a store: its tables as frames, by portfolio and day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import polars as pl

from engine.analyst.inventory import Inventory, inventory
from engine.analyst.open_store import Portfolios, opened
from engine.analytics.stress.scenarios import Scenarios
from engine.batch.plan import plan, stored_by_portfolio
from engine.batch.shards import live_portfolios
from engine.core.errors import UsageError
from engine.core.names import table_named
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.core.store_url import safe_url
from engine.pipeline.inputs import Inputs
from loaders import open_reader
from loaders.earlier_results import EarlierResults
from loaders.questions import ask
from loaders.window import load_window

if TYPE_CHECKING:  # what draws tables is loaded only where somebody looks
    from engine.html.inline import InlinePage
    from engine.html.readable import ReadableTable


def open(url: str) -> Store:
    """Open a store for reading.

    No connection stays open: each later call opens and closes its own. A store that cannot be opened
    raises an `EngineError` with the reason.

    Args:
        url: URL of the store, of any kind.

    Returns:
        The store.

    >>> import engine
    >>> store = engine.open("duckdb:///demo.duckdb")
    >>> "portfolio_snapshots" in store.tables
    True
    >>> store.portfolios["name"].to_list()[:2]
    ['Demo ETF Core 2', 'Demo Family Office 5']
    """
    with open_reader(url):
        return Store(url)


@dataclass(frozen=True)
class Store:
    """A store that exists; see `open`.

    Attributes:
        url: Its URL, with password if it has one; text representations hide it.
    """

    url: str

    def __repr__(self) -> str:
        return f"Store({safe_url(self.url)!r})"

    @property
    def tables(self) -> list[str]:
        """Names of the schema's tables that the store has, parents before children."""
        with open_reader(self.url) as reader:
            present = reader.tables()
        return [name for name in TABLES if name in present]

    @property
    def rules(self) -> Rules:
        """Rules that the stored figures were computed by; `Rules.legacy()` for a store without figures."""
        with opened(self.url) as store:
            return store.rules

    @property
    def portfolios(self) -> pl.DataFrame:
        """Portfolios that are not deleted, sorted by name.

        Columns: id, name, account_name, account_type, currency, equity_balance (USD).
        """
        with opened(self.url) as store:
            return store.portfolios

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
        """Return the rows of a table, sorted by its natural key.

        Only the requested rows and columns are read from the store. An unknown table, column or
        portfolio, a name that is not unique, and a filter by portfolio or day of a table that has none
        raise a `UsageError`.

        Args:
            table: Table name.
            portfolios: Ids or names; default all, deleted portfolios included.
            start: First day; default no limit. Rows of a correlation matrix have the matrix's day.
            end: Last day, inclusive; default no limit.
            columns: Column names; default all, in the table's order.
            exact: Return numeric columns as the stored Decimals instead of Float64.

        Returns:
            One row for each stored row: numbers Float64, days Date, times Datetime in UTC; text, ids
            and JSON String. An output table that does not exist yet has no rows.

        >>> import engine
        >>> from datetime import date
        >>> store = engine.open("duckdb:///demo.duckdb")
        >>> days, columns = {"start": date(2025, 12, 18)}, ["snapshot_date", "daily_return"]
        >>> store.read("portfolio_snapshots", "Demo Growth 3", **days, columns=columns).shape
        (2, 2)
        """
        with opened(self.url) as store:
            return store.read(table, portfolios, start, end, columns, exact=exact)

    def inputs(
        self,
        start: date,
        end: date,
        portfolios: Portfolios | None = None,
        *,
        run_date: date | None = None,
        symbols: Sequence[str] = (),
        scenarios: Scenarios | None = None,
    ) -> Inputs:
        """Load and validate the inputs of a window, each table once.

        Sessions that are already stored get the opening balances of their first run, so that
        computing them again gives the stored figures.

        Args:
            start: First day.
            end: Last day, inclusive.
            portfolios: Ids or names; default all that are not deleted.
            run_date: The date taken as today; default today in UTC. The look-back window of factor
                correlations ends on it, and sessions before it have no sector figures.
            symbols: Symbols whose prices and profiles to load in addition to those of the positions.
            scenarios: Scenarios that `compute` will be called with, where one replays a window of history.

        Returns:
            Inputs for `compute`.

        Raises:
            UsageError: The window has no session, or a portfolio is unknown. A store without a
                required table or column raises another `EngineError`.

        >>> import engine
        >>> from datetime import date
        >>> last = date(2025, 12, 19)
        >>> store = engine.open("duckdb:///demo.duckdb")
        >>> store.inputs(date(2025, 12, 15), last, "Demo Growth 3", run_date=last).portfolios["name"].item()
        'Demo Growth 3'
        """
        with opened(self.url) as store:
            reader = store.reader
            ids = None if portfolios is None else store.ids(portfolios)
            live, _ = live_portfolios(reader, ids)
            past = EarlierResults(reader)
            window = plan(past, start, end, run_date or datetime.now(UTC).date(), ids)
            if window is None:
                raise UsageError(f"there is no session from {start} to {end}")
            # Only days up to the end: later stored sessions must not change what this window starts from.
            stored = stored_by_portfolio(past, window.sessions[0], live).values()
            days = tuple(sorted({day for some in stored for day in some if day <= window.end}))
            replays = scenarios.windows if scenarios else ()
            window = replace(window, later=(), known=days)
            return load_window(past, window, ids, symbols=symbols, replays=replays)

    def inventory(self) -> Inventory:
        """Return row counts and days of each table, and the missing sessions of each portfolio."""
        return inventory(self.url)

    def show(
        self,
        table: str,
        portfolios: Portfolios | None = None,
        start: date | None = None,
        end: date | None = None,
        columns: Sequence[str] | None = None,
    ) -> ReadableTable:
        """Return rows to look at: names before ids, money formatted, units in the headings.

        Args:
            table: Table name.
            portfolios: Ids or names; default all, deleted portfolios included.
            start: First day; default no limit.
            end: Last day, inclusive; default no limit.
            columns: Column names; default all that hold a figure.

        Returns:
            The rows; a notebook draws them, and `.frame` has them as a Polars frame.

        >>> import engine
        >>> from datetime import date
        >>> store = engine.open("duckdb:///demo.duckdb")
        >>> columns = ["portfolio_id", "daily_pnl"]
        >>> last = store.show("portfolio_snapshots", start=date(2025, 12, 19), columns=columns)
        >>> last.frame.columns
        ['portfolio', 'daily_pnl', 'portfolio_id']
        """
        from engine.html.readable import NAMED, names_of, readable

        with opened(self.url) as store:
            rows = store.read(table, portfolios, start, end)
            named = {name: store.reader.read(name, ["id", column]) for name, column in NAMED.values()}
        return readable(table_named(table), rows, names_of(named), columns)

    def query(self, sql: str) -> pl.DataFrame:
        """Return the answer to one SELECT, on a connection that cannot write.

        Args:
            sql: The statement, in the SQL of DuckDB, or of Postgres for a store there; tables have the
                schema's names.

        Returns:
            Numbers as Float64, ids as text. Another statement raises a `QuestionError`, one that fails a
            `ReadError`.

        >>> import engine
        >>> store = engine.open("duckdb:///demo.duckdb")
        >>> store.query("select name from portfolios order by name limit 2")["name"].to_list()
        ['Demo ETF Core 2', 'Demo Family Office 5']
        """
        with opened(self.url) as store:
            return ask(store.reader, sql)

    def report(
        self, portfolio: str | None = None, start: date | None = None, end: date | None = None
    ) -> InlinePage:
        """Return the page of a portfolio, or of all, which a notebook shows; `.save(path)` writes it.

        Args:
            portfolio: Id or name; default all.
            start: First day; default the first stored session.
            end: Last day; default the last stored session.
        """
        page: InlinePage = _pages().inline_page(self.url, portfolio, start, end)
        return page

    def chart(
        self,
        figure: str = "equity_balance",
        portfolios: Portfolios | None = None,
        start: date | None = None,
        end: date | None = None,
    ) -> Any:
        """Return a chart of a figure of portfolio_snapshots over time, a line for each portfolio.

        Args:
            figure: Column of portfolio_snapshots.
            portfolios: Ids or names; default all that are not deleted.
            start: First day; default no limit.
            end: Last day, inclusive; default no limit.

        Returns:
            A chart that a notebook shows; `.chart` is the Altair chart.
        """
        return _pages().inline_chart(self.url, figure, portfolios, start, end)

    def _repr_html_(self) -> str:
        from engine.analyst.store_overview import overview

        return overview(self.url)


def _pages() -> ModuleType:
    """Return the module of pages and charts. It stands above this package, whose stores it reads."""
    return import_module("engine.reports.notebook")
