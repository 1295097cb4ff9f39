"""Each rule alone: the tables that it moves, against the reference page; and all pairs of rules."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from itertools import combinations
from pathlib import Path

import polars as pl
import pytest

import engine
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.pipeline.compute import compute
from engine.pipeline.inputs import Inputs
from engine.pipeline.results import Results
from tests.test_golden import RUN_DATE, folder

PAGE = Path(__file__).parents[2] / "docs/reference/rules.md"
ROW = re.compile(r"^\| `(\w+=\w+)` \| (.+?) \|", re.MULTILINE)
SCOPE = {text: set(re.findall(r"`(\w+)`", tables)) for text, tables in ROW.findall(PAGE.read_text())}
LEGACY, CORRECTED = Rules.legacy(), Rules.corrected()
CHANGES = [f"{name}={CORRECTED.record[name]}" for name in LEGACY.differences(CORRECTED)]
TEN_SESSIONS = date(2025, 5, 16), date(2025, 5, 30)
MADE = ("id", "created_at", "updated_at", "correlation_calculation_id")
"""Columns that tell nothing of a figure."""


@cache
def inputs(start: date, end: date) -> Inputs:
    return engine.open(folder("mixed", "inputs")).inputs(start, end, run_date=RUN_DATE)


@cache
def legacy() -> Results:
    return compute(inputs(*TEN_SESSIONS))


def figures(results: Results, name: str) -> pl.DataFrame:
    return results[name].select(c for c in TABLES[name].names if c in TABLES[name].key or c not in MADE)


def test_the_page_names_rules_and_tables() -> None:
    assert SCOPE.keys() <= {*CHANGES}
    assert set().union(*SCOPE.values()) <= TABLES.keys()


@pytest.mark.parametrize("change", SCOPE)
def test_a_rule_alone_moves_the_tables_of_its_documentation_and_no_other(change: str) -> None:
    alone = compute(inputs(*TEN_SESSIONS), rules=Rules.parse(f"legacy,{change}"))
    assert list(alone.tables) == list(legacy().tables)
    moved = {name for name in alone.tables if not figures(alone, name).equals(figures(legacy(), name))}
    assert moved <= SCOPE[change]


@pytest.mark.thorough
@pytest.mark.parametrize("pair", list(combinations(CHANGES, 2)), ids=",".join)
def test_two_rules_run_together(pair: tuple[str, str]) -> None:
    days = TEN_SESSIONS[1], TEN_SESSIONS[1]
    results = compute(inputs(*days), rules=Rules.parse(",".join(("legacy", *pair))))
    assert results.failures.is_empty()
    assert results["portfolio_snapshots"].height == inputs(*days).portfolios.height
