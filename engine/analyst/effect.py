"""The effect of rules: which figures of a store a rule, or a whole set, changes, and by how much."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import polars as pl

from engine.analyst.store import Store
from engine.analyst.store import open as open_store
from engine.analytics.equity.snapshots import JSON_NULL
from engine.analytics.stress.scenarios import Scenarios
from engine.core.errors import UsageError, nearest
from engine.core.rules import Rules
from engine.core.schema import TABLES, Column, Table
from engine.core.store_url import safe_url
from engine.html.blocks import PageTable, Section
from engine.html.cells import Cell, count, money, plain
from engine.html.page import page
from engine.pipeline.compute import compute
from engine.pipeline.results import Results

CELLS: dict[str, pl.DataType] = {
    "table": pl.String(),
    "column": pl.String(),
    "unit": pl.String(),
    "cells": pl.Int64(),
    "moved": pl.Int64(),
    "new": pl.Int64(),
    "gone": pl.Int64(),
    "median_change": pl.Float64(),
    "worst_change": pl.Float64(),
    "worst_at": pl.String(),
}
DOLLARS: dict[str, pl.DataType] = {
    "portfolio": pl.String(),
    "equity_before": pl.Float64(),
    "equity_after": pl.Float64(),
    "equity_change": pl.Float64(),
    "worst_daily_pnl": pl.Float64(),
    "worst_day": pl.Date(),
    "worst_exposure": pl.Float64(),
}
BEFORE, AFTER = "_before", "_after"


@dataclass(frozen=True)
class Effect:
    """Effect of rules on a store's figures.

    Attributes:
        url: the store, without password.
        window: first and last session that were computed.
        before: rules of the figures that are compared.
        after: the rules with the change.
        cells: one row for each column with a difference: table, column, unit, cells (in either result),
            moved (both have a value, and they differ), new and gone (only one has a value), median_change
            and worst_change of moved numbers in the column's unit, worst_at (the key of that row).
        dollars: one row for each portfolio: equity after the last session before and after the change, USD,
            and the largest change of a daily P&L, its day, and of a gross exposure.
    """

    url: str
    window: tuple[date, date]
    before: Rules
    after: Rules
    cells: pl.DataFrame
    dollars: pl.DataFrame

    @property
    def nothing(self) -> bool:
        """Return whether the change moves no figure."""
        return self.cells.is_empty()

    def to_text(self) -> str:
        """Return the effect as text for a terminal."""
        lines = [f"{name}: {text}" for name, text in self._facts().items()]
        if self.nothing:
            return "\n".join([*lines, "no figure changes"])
        lines += ["", *(_column_line(row) for row in self.cells.iter_rows(named=True))]
        lines += ["", *(_dollar_line(row) for row in self.dollars.iter_rows(named=True))]
        return "\n".join(lines)

    def to_json(self) -> str:
        """Return the effect as JSON."""
        content = {**self._facts(), "cells": self.cells.to_dicts(), "portfolios": self.dollars.to_dicts()}
        return json.dumps(content, ensure_ascii=False, indent=2, default=str)

    def to_html(self) -> str:
        """Return the effect as a page."""
        columns = PageTable("Columns that change", list(CELLS), [_cells(row) for row in self.cells.rows()])
        dollars = [_dollars(row) for row in self.dollars.iter_rows(named=True)]
        sections = [
            Section("columns", "Figures", "Cells by table and column.", [columns]),
            Section(
                "portfolios", "Portfolios", "In dollars.", [PageTable("Portfolios", list(DOLLARS), dollars)]
            ),
        ]
        return page("comparison", "Effect of rules", self._facts(), sections, footer="Nothing was written.")

    def _facts(self) -> dict[str, str]:
        changed = self.before.differences(self.after)
        values = (f"{name}: {self.before.record[name]} -> {self.after.record[name]}" for name in changed)
        return {
            "store": self.url,
            "window": f"{self.window[0]} to {self.window[1]}",
            "rules": str(self.before),
            "against": str(self.after),
            "changed": ", ".join(values) or "nothing",
        }

    def __repr__(self) -> str:
        return self.to_text()


def effect(
    store: Store | str,
    *,
    rules: Rules | None = None,
    against: Rules | None = None,
    rule: str | None = None,
    start: date | None = None,
    end: date | None = None,
    run_date: date | None = None,
    portfolios: str | UUID | Sequence[str | UUID] | None = None,
    scenarios: Scenarios | None = None,
) -> Effect:
    """Compute a window of a store by two sets of rules, and return what the second one changes.

    Nothing is written.

    Args:
        store: the store, or its URL.
        rules: rules to start from; default those of the store.
        against: rules to compare with; default `Rules.corrected()`.
        rule: name of a single rule that takes its value of `against`; default all of them.
        start: first day; default the first stored session.
        end: last day, inclusive; default the last stored session.
        run_date: the date taken as today; default `end`.
        portfolios: ids or names; default all that are not deleted.
        scenarios: stress scenarios; default the shipped ones.

    Returns:
        Cells moved, new and gone by table and column, and the change of each portfolio in dollars.

    Raises:
        UsageError: the store has no session and no window is given, or there is no such rule.

    >>> import engine
    >>> from datetime import date
    >>> days = {"start": date(2025, 12, 1), "end": date(2025, 12, 19)}
    >>> found = engine.effect("duckdb:///demo.duckdb", rule="rate_weights", **days)
    >>> found.cells.columns[:6]
    ['table', 'column', 'unit', 'cells', 'moved', 'new']
    """
    source = store if isinstance(store, Store) else open_store(store)
    before = rules or source.rules
    after = _after(before, against or Rules.corrected(), rule)
    first, last = _window(source, start, end)
    inputs = source.inputs(first, last, portfolios, run_date=run_date or last)
    results = [compute(inputs, rules=chosen, scenarios=scenarios) for chosen in (before, after)]
    tables = (TABLES[name] for name in results[0].tables if TABLES[name].role == "output")
    rows = [row for table in tables for row in _table_rows(table, *results)]
    return Effect(
        safe_url(source.url),
        (first, last),
        before,
        after,
        pl.DataFrame(rows, schema=CELLS, orient="row"),
        _portfolio_rows(inputs.portfolios, *results),
    )


def _after(before: Rules, against: Rules, rule: str | None) -> Rules:
    if rule is None:
        return against
    if rule not in before.record:
        raise UsageError(f"there is no rule '{rule}'{nearest(rule, before.record)}")
    return Rules.from_record({**before.record, rule: against.record[rule]})


def _window(store: Store, start: date | None, end: date | None) -> tuple[date, date]:
    if start is not None and end is not None:
        return start, end
    stored = store.read("portfolio_snapshots", columns=["snapshot_date", "equity_balance"])
    days = stored.drop_nulls()["snapshot_date"]
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        raise UsageError(f"store {safe_url(store.url)} has no session: say --start and --end")
    return start or first, end or last


def _table_rows(table: Table, before: Results, after: Results) -> Iterator[tuple[Any, ...]]:
    """Yield a row of `CELLS` for each column of a table that differs."""
    keys = list(table.key)
    columns = [column for column in table.columns if column.compared and column.name not in keys]
    names = [column.name for column in columns]
    sides = [
        results[table.name].select(*keys, *(pl.col(name).alias(name + side) for name in names))
        for results, side in ((before, BEFORE), (after, AFTER))
    ]
    rows = sides[0].join(sides[1], on=keys, how="full", coalesce=True, maintain_order="left_right")
    for column in columns:
        if row := _column_row(table, column, rows):
            yield row


def _column_row(table: Table, column: Column, rows: pl.DataFrame) -> tuple[Any, ...] | None:
    old, new = pl.col(column.name + BEFORE), pl.col(column.name + AFTER)
    if rows.schema[column.name + BEFORE].is_float():
        old, new = old.fill_nan(None), new.fill_nan(None)
    if column.type.kind == "json":
        old, new = (pl.when(text != JSON_NULL).then(text) for text in (old, new))
    cells = rows.select(*table.key, old=old, new=new)
    both = cells.drop_nulls(["old", "new"])
    moved = both.filter(pl.col("old") != pl.col("new"))
    added = cells.filter(pl.col("old").is_null() & pl.col("new").is_not_null()).height
    gone = cells.filter(pl.col("old").is_not_null() & pl.col("new").is_null()).height
    if not moved.height + added + gone:
        return None
    number = cells.schema["old"].is_numeric() and moved.height > 0
    middle, worst, at = _changes(table, moved) if number else (None, None, None)
    every = both.height + added + gone
    return (table.name, column.name, column.unit, every, moved.height, added, gone, middle, worst, at)


def _changes(table: Table, moved: pl.DataFrame) -> tuple[float, float, str]:
    """Return the median size and the largest change of a column, and the key of the latter."""
    change = pl.col("new").cast(pl.Float64) - pl.col("old").cast(pl.Float64)
    changes = moved.with_columns(change=change).sort(pl.col("change").abs(), descending=True)
    middle = changes["change"].abs().median()
    worst = changes.row(0, named=True)
    assert isinstance(middle, float)
    return middle, worst["change"], ", ".join(str(worst[name]) for name in table.key)


def _portfolio_rows(portfolios: pl.DataFrame, before: Results, after: Results) -> pl.DataFrame:
    """Return rows of `DOLLARS`."""
    key = ["portfolio_id", "snapshot_date"]
    figures = ["equity_balance", "daily_pnl", "gross_exposure"]
    old, new = (
        results["portfolio_snapshots"].select(*key, pl.col(figures).cast(pl.Float64))
        for results in (before, after)
    )
    rows = old.join(new, on=key, suffix="_after").sort(key)
    change = pl.col("daily_pnl_after") - pl.col("daily_pnl")
    exposure = pl.col("gross_exposure_after") - pl.col("gross_exposure")
    summed = rows.group_by("portfolio_id", maintain_order=True).agg(
        equity_before=pl.col("equity_balance").last(),
        equity_after=pl.col("equity_balance_after").last(),
        worst_daily_pnl=change.sort_by(change.abs()).last(),
        worst_day=pl.col("snapshot_date").sort_by(change.abs()).last(),
        worst_exposure=exposure.sort_by(exposure.abs()).last(),
    )
    named = summed.join(portfolios.select(portfolio_id="id", portfolio="name"), on="portfolio_id")
    total = pl.col("equity_after") - pl.col("equity_before")
    return named.with_columns(equity_change=total).sort("portfolio").select(list(DOLLARS))


def _column_line(row: dict[str, Any]) -> str:
    counts = f"moved {row['moved']:,}, new {row['new']:,}, gone {row['gone']:,} of {row['cells']:,}"
    line = f"{row['table']}.{row['column']}: {counts}"
    if row["median_change"] is None:
        return line
    return (
        f"{line}; median {row['median_change']:,.6g}, worst {row['worst_change']:,.6g} at {row['worst_at']}"
    )


def _dollar_line(row: dict[str, Any]) -> str:
    change = (
        f"equity {row['equity_before']:,.2f} -> {row['equity_after']:,.2f} ({row['equity_change']:+,.2f})"
    )
    worst = f"worst daily P&L {row['worst_daily_pnl']:+,.2f} on {row['worst_day']}"
    return f"{row['portfolio']}: {change}; {worst}; worst gross exposure {row['worst_exposure']:+,.2f}"


def _cells(row: tuple[Any, ...]) -> list[Cell]:
    return [plain(value) if isinstance(value, str) or value is None else _number(value) for value in row]


def _number(value: float) -> Cell:
    return count(value) if isinstance(value, int) else Cell(f"{value:,.6g}", f"{value}", number=True)


def _dollars(row: dict[str, Any]) -> list[Cell]:
    text = ("portfolio", "worst_day")
    return [plain(row[name]) if name in text else money(row[name], "USD", cents=True) for name in DOLLARS]
