"""Rules on rows: a row that breaks one is quarantined with its reason, never dropped silently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from engine.core.frames import conform, dtype
from engine.core.schema import Column, Table
from engine.core.schema.kinds import FIRST_DAY, LAST_DAY
from engine.core.store_url import StoreURL

UUID_FORM = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"

QUARANTINE: dict[str, pl.DataType] = {
    "table": pl.String(),
    "key": pl.String(),
    "column": pl.String(),
    "value": pl.String(),
    "rule": pl.String(),
    "portfolio_id": pl.String(),
}
"""One row for each rule that a row broke; portfolio_id is null if the row belongs to none."""

Rule = tuple[str, str, pl.Expr]
"""Column, what is wrong in words, and a Boolean expression: the rows that break the rule."""

NEGATIVE = {
    "market_data_cache": ("close", "is negative"),
    "equity_changes": ("amount", "is negative: change_type says the direction"),
}


def admit(
    frame: pl.DataFrame, table: Table, url: str | StoreURL, extra: Iterable[Rule] = ()
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sort a table's rows by key and separate those that break a rule.

    Of rows that are equal in all columns one is kept; the quarantine tells of them and refuses no portfolio.

    Args:
        frame: rows as a reader returns them, in any order, with the key columns.
        table: whose rows they are.
        url: of the store, for errors.
        extra: rules beyond those that follow from the schema.

    Returns:
        The good rows in the schema's types, and the quarantine (columns of `QUARANTINE`).
    """
    if frame.is_empty():
        return frame, pl.DataFrame(schema=QUARANTINE)
    frame = _without_nan(frame, table, url).sort(table.key, maintain_order=True)
    checks = [*_rules(frame, table), *extra]
    tests = [test.fill_null(False) for *_, test in checks]
    # One pass over all tests finds that no rule is broken, which is the usual case.
    any_broken = frame.select(test.any().alias(str(i)) for i, test in enumerate(tests)).row(0)
    broken = [i for i, flag in enumerate(any_broken) if flag]
    if not broken:
        return frame, pl.DataFrame(schema=QUARANTINE)
    once = frame.unique(maintain_order=True)
    if once.height < frame.height:
        good, quarantine = admit(once, table, url, extra)
        copies = frame.filter(frame.is_duplicated()).unique(maintain_order=True)
        copied = _refused(copies, table, table.key[0], "is there more than once, all values equal: used once")
        return good, pl.concat([copied.with_columns(portfolio_id=pl.lit(None, pl.String)), quarantine])
    quarantine = pl.concat(_refused(frame.filter(tests[i]), table, *checks[i][:2]) for i in broken)
    good = frame.filter(~pl.any_horizontal(tests[i] for i in broken))
    return conform(good, table, url), quarantine


def _without_nan(frame: pl.DataFrame, table: Table, url: str | StoreURL) -> pl.DataFrame:
    """Return a frame with null for NaN where a column takes nulls: so NumPy marks an absent value."""
    floats = [
        table[name]
        for name, kind in frame.schema.items()
        if name in table.by_name and kind.is_float() and kind != dtype(table[name])
    ]
    absent = [pl.col(column.name).fill_nan(None) for column in floats if column.nullable]
    return conform(frame.with_columns(absent), table, url) if absent else frame


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
    yield table.key[0], "has the same key as another row", repeats | repeats.shift(-1)
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
