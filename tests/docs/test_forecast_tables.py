"""Tables of forecasts in the documents are what `engine score` and a run give on the golden set `mixed`."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

import engine
from engine.core.rules import Rules
from tests.test_golden import RUN_DATE, WINDOWS, folder

PAGES = Path(__file__).parents[2] / "docs/calculations"
CANDIDATE = re.compile(r"^\| `(\w+)`(?:: [^|]*)? \|(.+)\|$", re.MULTILINE)
EXCEPTIONS = re.compile(r"^\| (H\d [^|]+?) \(`mixed`\) \|(.+)\|$", re.MULTILINE)
COUNT = re.compile(r"(\d+) of (\d+), p ([\d.]+)")
COLUMNS = [(method, level) for level in (95, 99) for method in ("historical", "model")]


@pytest.mark.thorough
def test_scores_of_forecasts() -> None:
    parts = (PAGES / "volatility.md").read_text(encoding="utf-8").split("\n## ")
    (page,) = (part for part in parts if part.startswith("Which forecast"))
    told = {name: [cell.strip() for cell in cells.split("|")][4:7] for name, cells in CANDIDATE.findall(page)}
    found = {
        row["candidate"]: [
            f"{row['qlike']:.4f}",
            f"{row['sum_ratio']:.3f}",
            "" if row["p_value"] is None else f"{row['p_value']:.3f}",
        ]
        for row in engine.score(folder("mixed", "inputs")).scores.to_dicts()
    }
    assert told == found


@pytest.mark.thorough
def test_exceptions_of_values_at_risk() -> None:
    page = (PAGES / "forecasts.md").read_text(encoding="utf-8")
    told = {name: COUNT.findall(cells) for name, cells in EXCEPTIONS.findall(page)}
    inputs = engine.open(folder("mixed", "inputs")).inputs(*WINDOWS["mixed"], run_date=RUN_DATE)
    tests = engine.compute(inputs, rules=Rules.corrected())["engine_var_tests"]
    owners = dict(inputs.portfolios.select("id", "name").iter_rows())
    rows = tests.filter(calculation_date=WINDOWS["mixed"][1]).with_columns(
        pl.col("portfolio_id").replace_strict(owners)
    )
    by_key = {(row["portfolio_id"], row["method"], row["level"]): row for row in rows.to_dicts()}
    found = {
        name: [
            (str(row["exceptions"]), str(row["sessions"]), f"{row['kupiec_p']:.3f}")
            for method, level in COLUMNS
            for row in [by_key[name, method, level]]
        ]
        for name in {key[0] for key in by_key}
    }
    assert told == found
