"""The counts of docs/reference/rules.md are those of the golden inputs."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from tools.rule_effects import effects

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `(\w+=\w+)` \| (.+) \| ([\d,]+) \| [\d,]+ \|$", re.MULTILINE)


@pytest.mark.thorough
def test_each_rule_moves_as_many_cells_as_the_page_says_and_no_other_table() -> None:
    rows = ROW.findall((ROOT / "docs/reference/rules.md").read_text(encoding="utf-8"))
    inputs = f"parquet://{ROOT}/tests/golden/mixed/inputs"
    found = dict(effects(inputs, date(2025, 3, 3), date(2025, 5, 30), date(2026, 11, 23)))
    assert {rule: f"{sum(counts.values()):,}" for rule, counts in found.items()} == {
        rule: count for rule, _, count in rows
    }
    told = {rule: set(re.findall(r"`(\w+)`", tables)) for rule, tables, _ in rows}
    assert not {(rule, table) for rule, counts in found.items() for table in counts.keys() - told[rule]}
