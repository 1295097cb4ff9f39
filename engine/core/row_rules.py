"""Rules on rows: what breaks one is set aside with its reason, never dropped in silence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

import polars as pl

from engine.core.frames import conform, dtype
from engine.core.schema import Column, Table
from engine.core.store_url import StoreURL

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2100, 12, 31)
UUID_FORM = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"

QUARANTINE: dict[str, pl.DataType] = {
    "table": pl.String(),
    "key": pl.String(),
    "column": pl.String(),
    "value": pl.String(),
    "rule": pl.String(),
    "portfolio_id": pl.String(),
}
"""One row for each rule that a row broke; portfolio_id is null for rows of no portfolio."""

Rule = tuple[str, str, pl.Expr]
"""Column, the rule in words, and the rows that break it."""

NEGATIVE = {
    "market_data_cache": ("close", "is negative"),
    "equity_changes": ("amount", "is negative: the kind of change says the direction"),
}


def admit(
    frame: pl.DataFrame, table: Table, url: str | StoreURL, extra: Iterable[Rule] = ()
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sort a table's rows by key and part them into those that keep every rule and the rest.

    Args:
        frame: rows of `table` as a reader gives them, any order; its key columns included.
        extra: rules beyond those that follow from the schema.

    Returns:
        The good rows in the schema's types, and the quarantine (columns of `QUARANTINE`).
    """
    if frame.is_empty():
        return frame, pl.DataFrame(schema=QUARANTINE)
    frame = frame.sort(table.key, maintain_order=True)
    checks = [*_rules(frame, table), *extra]
    tests = [test.fill_null(False) for *_, test in checks]
    seen = frame.select(test.any().alias(str(i)) for i, test in enumerate(tests)).row(0)
    found = [i for i, broken in enumerate(seen) if broken]
    if not found:
        return frame, pl.DataFrame(schema=QUARANTINE)
    quarantine = pl.concat(_refused(frame.filter(tests[i]), table, *checks[i][:2]) for i in found)
    good = frame.filter(~pl.any_horizontal(tests[i] for i in found))
    return conform(good, table, url), quarantine


def _refused(rows: pl.DataFrame, table: Table, column: str, rule: str) -> pl.DataFrame:
    if table.name == "portfolios":
        owner: pl.Expr = pl.col("id")
    elif "portfolio_id" in rows.columns:
        owner = pl.col("portfolio_id")
    else:
        owner = pl.lit(None, pl.String)
    return rows.select(
        table=pl.lit(table.name),
        key=pl.concat_str(
            (pl.col(name).cast(pl.String) for name in table.key), separator=", ", ignore_nulls=True
        ),
        column=pl.lit(column),
        value=pl.col(column).cast(pl.String).fill_null("null") if column in rows.columns else pl.lit(""),
        rule=pl.lit(rule),
        portfolio_id=owner.cast(pl.String),
    )


def _rules(frame: pl.DataFrame, table: Table) -> Iterator[Rule]:
    for name in frame.columns:
        if name in table.by_name:
            yield from _column_rules(table[name], frame.schema[name])
    same = [pl.col(name).eq_missing(pl.col(name).shift(1)) for name in table.key]
    repeats = pl.all_horizontal(same) & (pl.int_range(pl.len()) > 0)
    yield table.key[0], "stands twice under one key", repeats | repeats.shift(-1)
    if table.name in NEGATIVE and NEGATIVE[table.name][0] in frame.columns:
        column, words = NEGATIVE[table.name]
        yield column, words, pl.col(column) < 0


def _column_rules(column: Column, found: pl.DataType) -> Iterator[Rule]:
    value, kind = pl.col(column.name), column.type
    if not column.nullable:
        yield column.name, "is null", value.is_null()
    if found.is_float() and found != dtype(column):
        yield column.name, "is not a finite number", ~value.is_finite()
    if kind.kind == "enum":
        words = ", ".join(kind.values)
        yield column.name, f"is none of {words}", ~value.is_in(kind.values)
    if kind.kind == "date":
        words = f"lies outside {FIRST_DAY} to {LAST_DAY}"
        yield column.name, words, ~value.is_between(FIRST_DAY, LAST_DAY)
    if kind.kind == "uuid" and column.compared:
        yield column.name, "is not a uuid", ~value.str.contains(UUID_FORM)
    if kind.kind in ("text", "json") and found == pl.String:
        yield (
            column.name,
            "holds a NUL character, which Postgres cannot store",
            value.str.contains("\0", literal=True),
        )
    if kind.kind == "text" and kind.length:
        words = f"is longer than {kind.length} characters"
        yield column.name, words, value.str.len_chars() > kind.length
