"""Differences between two results of the same window, compared in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import polars as pl
import polars.selectors as cs

from engine.core.schema import TABLES, Table

BEFORE, AFTER, CHANGE = "_before", "_after", "_change"
NAMES = {
    "portfolio_id": ("portfolios", "name"),
    "position_id": ("positions", "symbol"),
    "factor_id": ("factor_definitions", "name"),
    "correlation_calculation_id": ("correlation_calculations", "calculation_date"),
}
"""Readable columns of id keys: {key column: (table, column)}."""
TITLES = {"portfolio_id": "portfolio"}
"""Titles of readable columns that are not called as in their table: a factor has a name, too."""
FIRST = {
    "portfolio_snapshots": (
        "equity_balance",
        "daily_pnl",
        "cumulative_pnl",
        "daily_return",
        "gross_exposure",
        "net_exposure",
        "realized_volatility_21d",
        "expected_volatility_21d",
        "beta_calculated_90d",
    ),
    "engine_risk": (),
    "engine_factor_risk": (),
    "engine_value_at_risk": (),
    "stress_test_results": (),
    "factor_exposures": (),
}
"""Tables that come first where somebody looks, each with the figures that come first in it."""
SUMMARY = {
    "table": pl.String,
    "figure": pl.String,
    "unit": pl.String,
    "cells": pl.Int64,
    "largest_change": pl.Float64,
}
HEADLINE = {
    "portfolio": pl.String,
    "snapshot_date": pl.Date,
    "figure": pl.String,
    "unit": pl.String,
    "before": pl.Float64,
    "after": pl.Float64,
    "change": pl.Float64,
}
ROWS = "(rows)"
"""Figure name in the summary of rows that only one of the results has."""


@dataclass(frozen=True)
class Changed:
    """Differences of two results by table; see `what_changed`.

    Attributes:
        tables: {table: frame}, only tables with a difference. A frame has a row for each row that
            differs. Its columns are the natural key, with `portfolio`, `symbol`, `name` or
            `calculation_date` before an id; and `<figure>_before`, `<figure>_after` and, for numbers,
            `<figure>_change` of each figure that differs in any row. The columns of a missing row
            are null.
    """

    tables: Mapping[str, pl.DataFrame]

    def __getitem__(self, table: str) -> pl.DataFrame:
        return self.tables[table]

    @property
    def nothing(self) -> bool:
        """Return whether both results are equal."""
        return not self.tables

    @cached_property
    def summary(self) -> pl.DataFrame:
        """Differences by figure.

        One row for each figure that differs: table, figure, unit, cells (number of cells that differ),
        largest_change (largest absolute change in the figure's unit; null for text).
        """
        rows = [row for name, frame in self.tables.items() for row in _summary_rows(TABLES[name], frame)]
        return pl.DataFrame(sorted(rows, key=_place), schema=SUMMARY, orient="row")

    @cached_property
    def headline(self) -> pl.DataFrame:
        """Equity, P&L, exposures and risk of each portfolio's last session that differs.

        Columns of `HEADLINE`: a row for each portfolio and figure that differs in that session.
        """
        rows = self.tables.get("portfolio_snapshots", pl.DataFrame())
        parts = [pl.DataFrame(schema=HEADLINE)]
        if rows.height:
            newest = rows.sort("snapshot_date").group_by("portfolio_id", maintain_order=True).last()
            figures = [name for name in FIRST["portfolio_snapshots"] if name + CHANGE in newest.columns]
            parts += [_headline_rows(newest, name) for name in figures]
        order = pl.col("figure").replace_strict(
            {name: place for place, name in enumerate(FIRST["portfolio_snapshots"])}, return_dtype=pl.Int64
        )
        return pl.concat(parts).sort("portfolio", "snapshot_date", order)

    def __repr__(self) -> str:
        return "nothing changed" if self.nothing else str(self.summary)

    def _repr_html_(self) -> str:
        if self.nothing:
            return "<p>nothing changed</p>"
        from engine.html.changes import changes_fragment

        return changes_fragment(self.headline, self.summary)


def _headline_rows(newest: pl.DataFrame, figure: str) -> pl.DataFrame:
    """Return the rows of `Changed.headline` for one figure."""
    before, after = pl.col(figure + BEFORE), pl.col(figure + AFTER)
    named = "portfolio" if "portfolio" in newest.columns else "portfolio_id"
    return newest.filter(before.ne_missing(after)).select(
        portfolio=pl.col(named),
        snapshot_date="snapshot_date",
        figure=pl.lit(figure),
        unit=pl.lit(TABLES["portfolio_snapshots"][figure].unit),
        before=before.cast(pl.Float64),
        after=after.cast(pl.Float64),
        change=(after - before).cast(pl.Float64),
    )


class Compared(Protocol):
    """Results of which two can be compared."""

    @property
    def tables(self) -> Mapping[str, pl.DataFrame]:
        """Rows by table."""


def what_changed(before: Compared, after: Compared) -> Changed:
    """Return the cells in which two results of the same window differ.

    Null, NaN and 0 are different values. Row ids and write times are not compared.

    Args:
        before: Results of the unchanged inputs.
        after: Results of the changed inputs, of the same window.

    Returns:
        Differences by table.

    >>> import engine
    >>> from datetime import date
    >>> days = date(2025, 12, 1), date(2025, 12, 19)
    >>> inputs = engine.open("duckdb:///demo.duckdb").inputs(*days, "Demo Growth 3", run_date=days[1])
    >>> before = engine.compute(inputs)
    >>> engine.what_changed(before, engine.compute(inputs))
    nothing changed
    >>> lower = engine.whatif.shock_prices(inputs, -0.05, since=date(2025, 12, 10))
    >>> changed = engine.what_changed(before, engine.compute(lower))
    >>> days = changed["portfolio_snapshots"].select("snapshot_date", "daily_pnl_change")
    >>> days["snapshot_date"].min()
    datetime.date(2025, 12, 10)
    """
    differences = {
        name: _differences(TABLES[name], before.tables[name], after.tables[name])
        for name in TABLES
        if name in before.tables and name in after.tables
    }
    named = {name: _with_names(frame, before, after) for name, frame in differences.items() if frame.height}
    return Changed(named)


def _differences(table: Table, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    keys = list(table.key)
    figures = [
        column.name
        for column in table.columns
        if column.compared and column.name not in keys and column.name in before.columns
    ]
    sides = [
        _side(frame.select(*keys, *figures), figures, side)
        for frame, side in ((before, BEFORE), (after, AFTER))
    ]
    joined = sides[0].join(sides[1], on=keys, how="full", coalesce=True, maintain_order="left_right")
    one_sided = pl.col(f"_in{BEFORE}").is_null() | pl.col(f"_in{AFTER}").is_null()
    # A missing row is marked by its side's flag: figures of a row that exists may all be null.
    differ = {name: pl.col(name + BEFORE).ne_missing(pl.col(name + AFTER)) for name in figures}
    rows = joined.filter(one_sided | pl.any_horizontal(differ.values()) if differ else one_sided)
    kept = [name for name in figures if rows.select(differ[name].any()).item()]
    shown = [column for name in kept for column in _change_columns(name, rows)]
    return rows.select(*keys, *shown).sort(keys)


def _side(rows: pl.DataFrame, figures: list[str], side: str) -> pl.DataFrame:
    named = rows.rename({name: name + side for name in figures})
    return named.with_columns(cs.decimal().cast(pl.Float64), pl.lit(True).alias(f"_in{side}"))


def _change_columns(name: str, rows: pl.DataFrame) -> list[pl.Expr]:
    before, after = pl.col(name + BEFORE), pl.col(name + AFTER)
    if not rows.schema[name + BEFORE].is_numeric():
        return [before, after]
    return [before, after, (after - before).alias(name + CHANGE)]


def _with_names(frame: pl.DataFrame, before: Compared, after: Compared) -> pl.DataFrame:
    """Insert the readable column of each id key before it."""
    for column, (table, name) in NAMES.items():
        if column not in frame.columns or table not in before.tables:
            continue
        both = pl.concat(
            [side.tables[table].select(pl.col("id").alias(column), name) for side in (before, after)]
        )
        readable = frame.select(column).join(
            both.unique(column, keep="last"), on=column, how="left", maintain_order="left"
        )
        named = readable[name].alias(TITLES.get(column, name))
        frame = frame.insert_column(frame.columns.index(column), named)
    return frame


def _place(row: tuple[object, ...]) -> tuple[int, int]:
    """Return where a row of the summary comes: equity, P&L and risk first, all else in its order."""
    table, figure = str(row[0]), str(row[1])
    figures = FIRST.get(table, ())
    tables = list(FIRST)
    return (
        tables.index(table) if table in tables else len(tables),
        figures.index(figure) if figure in figures else len(figures),
    )


def _summary_rows(table: Table, frame: pl.DataFrame) -> list[tuple[object, ...]]:
    figures = [name.removesuffix(BEFORE) for name in frame.columns if name.endswith(BEFORE)]
    rows: list[tuple[object, ...]] = []
    for name in figures:
        differs = pl.col(name + BEFORE).ne_missing(pl.col(name + AFTER))
        largest = None
        if name + CHANGE in frame.columns:
            largest = frame[name + CHANGE].cast(pl.Float64).abs().drop_nans().max()
        rows.append((table.name, name, table[name].unit, frame.select(differs.sum()).item(), largest))
    return rows or [(table.name, ROWS, "", frame.height, None)]
