"""Count the stored cells that each corrected rule moves on a store's inputs, for docs/reference/rules.md.

Run as `python -m tools.rule_effects parquet:///tests/golden/mixed/inputs 2025-03-03 2025-05-30 2026-11-23`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import date

import polars as pl

import engine
from engine.core.schema import TABLES
from engine.core.stored_rows import STAMPS

MADE = {"id", "correlation_calculation_id", "cluster_id", *STAMPS}
"""Columns that are made of others, or of the time of the run."""


def moved_cells(before: engine.Results, after: engine.Results) -> dict[str, int]:
    """Return the number of cells that differ by table; a row of one side alone counts with all its values.

    Args:
        before: results of one set of rules.
        after: results of the other, of the same inputs.
    """
    names = (name for name in TABLES if name in {*before.tables, *after.tables})
    counts = {name: _moved(name, before[name], after[name]) for name in names}
    return {name: count for name, count in counts.items() if count}


def _moved(name: str, before: pl.DataFrame, after: pl.DataFrame) -> int:
    table = TABLES[name]
    values = [column.name for column in table.columns if column.name not in {*MADE, *table.key}]
    rows = before.join(after, on=table.key, how="full", suffix="_after", coalesce=True, nulls_equal=True)
    differs = (pl.col(value).ne_missing(pl.col(f"{value}_after")).sum() for value in values)
    return sum(rows.select(differs).row(0))


def effects(url: str, start: date, end: date, run_date: date) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield each rule that the corrected set changes, and the cells that it moves alone, by table.

    Args:
        url: a store with inputs.
        start: first session.
        end: last session.
        run_date: the day that counts as today.

    Yields:
        "rule=value", and the counts.
    """
    inputs = engine.load(url, start, end, run_date=run_date)
    legacy, corrected = engine.Rules.legacy(), engine.Rules.corrected()
    before = engine.compute(inputs, rules=legacy)
    for field in fields(engine.Rules):
        value = getattr(corrected, field.name)
        if value != getattr(legacy, field.name):
            alone = replace(legacy, **{field.name: value})
            yield f"{field.name}={value}", moved_cells(before, engine.compute(inputs, rules=alone))


if __name__ == "__main__":
    url, *days = sys.argv[1:]
    for rule, counts in effects(url, *map(date.fromisoformat, days)):
        print(f"{rule:35} {sum(counts.values()):>9,}  {', '.join(counts)}")  # noqa: T201
