"""Every figure of every table, explained: against the cells that the legacy batch stored."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from scipy import stats

import engine
from engine.analyst.explain.ask import Ask
from engine.analyst.explain.catalog import CATALOG
from engine.analyst.explain.explaining import load_case, of_case
from engine.analyst.explain.jobs import documented
from engine.batch.copy import copy
from engine.batch.table_changes import STATE
from engine.core.progress import Quiet
from engine.core.schema import TABLES
from tests.analyst.golden_cases import GOLDEN, TODAY, asks, case, exempt, store

H1, H2, H3 = "H1 Global Long Short", "H2 ETF Core", "H3 Growth Mix"
CASES = [
    ("mixed", H1, date(2025, 4, 15)),
    ("mixed", H2, date(2025, 3, 3)),
    ("mixed", H3, date(2025, 4, 11)),
    ("mixed", "H5 All Private", date(2025, 3, 21)),
    *(
        ("edge", name, date(2025, 4, 9))
        for name in (
            "E1 Net short",
            "E3 Zero equity",
            "E6 Zero close",
        )
    ),
]
ROWS_A_TABLE = 2
WORKING = 1e-9
"""Relative: what the shown steps may miss of the figure that they add up to."""

Explained = list[tuple[Ask, engine.Explanation, bool]]


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> engine.Store:
    """The golden set of the run date, with the earlier rows that its inputs hold."""
    url = f"duckdb:///{tmp_path_factory.mktemp('today')}/today.duckdb"
    for part in ("inputs", "outputs"):
        copy(f"parquet:///{GOLDEN / 'mixed_today' / part}", url, 5_000, Quiet())
    return engine.open(url)


@pytest.fixture(scope="module")
def explained(today: engine.Store) -> Explained:
    """The explanations of figures of all cases, each with whether its cell is exempt."""
    legacy, scenarios = engine.Rules.legacy(), engine.load_scenarios()
    cases = [case(*key) for key in CASES]
    for name in (H3, "H5 All Private"):
        cases.append(load_case(today, store("mixed_today", "inputs"), name, TODAY, legacy, scenarios))
    return [
        (ask, of_case(found, ask), exempt(found, ask)) for found in cases for ask in asks(found, ROWS_A_TABLE)
    ]


def figure_columns() -> Iterator[tuple[str, str]]:
    """The columns that a run fills and that are neither keys, ids nor moments.

    Later figures than the legacy schema's may name their page instead of being recomputed.
    """
    for table in TABLES.values():
        if (table.role == "output" and table.legacy) or table.name == "analytics_status":
            for column in table.columns:
                figure = column.name not in table.key and column.type.kind not in ("uuid", "timestamp")
                if figure and column.legacy:
                    yield table.name, column.name
    yield from ((table, column) for table, columns in STATE.items() for column in columns)
    yield "tags_v2", "usage_count"


@pytest.mark.parametrize(("table", "column"), list(figure_columns()))
def test_every_figure_of_every_table_has_an_explanation(table: str, column: str) -> None:
    assert CATALOG[table][column] is not documented


@pytest.mark.thorough
def test_no_explanation_contradicts_a_stored_cell(explained: Explained) -> None:
    wrong = [found.to_text() for _, found, chance in explained if not found.agrees and not chance]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.thorough
def test_each_column_that_the_golden_sets_fill_is_reproduced(explained: Explained) -> None:
    stored = {(f.table, f.figure) for _, f, _ in explained if f.stored is not None}
    equal = {(f.table, f.figure) for _, f, _ in explained if f.verdict == "equal"}
    unmeasured = {("batch_run_tracking", f"phase_{n}_duration_seconds") for n in (1, 2, 3)}
    assert stored - equal <= unmeasured | {("tags_v2", "usage_count")}  # a count of what is past
    assert len(equal) > 85


@pytest.mark.thorough
def test_an_absent_figure_says_why(explained: Explained) -> None:
    absent = [found for _, found, _ in explained if found.verdict == "absent"]
    assert absent
    assert all(found.working.reason for found in absent)


def evaluated(found: engine.Explanation) -> float:
    """The right side of the formula, computed from the shown steps by Python itself."""
    right = found.working.symbolic.partition(" = ")[2]
    names = {
        step.name: float(step.value)
        for step in found.working.steps
        if isinstance(step.value, int | float | Decimal)
    }  # type: ignore[arg-type]
    known = {"sqrt": math.sqrt, "abs": abs, "min": min, "max": max, "round": round}
    tail = lambda t, df: 2 * stats.t.sf(abs(t), df)  # noqa: E731
    return float(eval(right, {"__builtins__": {}}, {**known, "tail": tail, **names}))


@pytest.mark.thorough
def test_the_steps_add_up_to_the_figure(explained: Explained) -> None:
    seen = set()
    for _, found, _ in explained:
        value = found.working.value
        if not found.working.filled or not isinstance(value, int | float | Decimal) or math.isnan(value):
            continue
        expected = float(value)
        assert evaluated(found) == pytest.approx(expected, rel=WORKING, abs=WORKING), found.to_text()
        seen.add((found.table, found.figure))
    assert len(seen) > 60


SUM = re.compile(r"frame `(\w+)`: sum of (\w+)$")


@pytest.mark.thorough
def test_sums_are_those_of_the_frames(explained: Explained) -> None:
    checked = 0
    for _, found, _ in explained:
        for step in found.working.steps:
            told = SUM.match(step.source)
            if told and told[1] in found.working.frames:
                total = float(found.working.frames[told[1]][told[2]].cast(pl.Float64).sum())
                assert total == pytest.approx(float(step.value), rel=WORKING, abs=1e-6)  # type: ignore[arg-type]
                checked += 1
    assert checked > 50


@pytest.mark.thorough
def test_text_and_json_tell_the_same(explained: Explained) -> None:
    shown = {(found.table, found.figure): found for _, found, _ in explained}
    for found in shown.values():
        told, text = json.loads(found.to_json()), found.to_text()
        assert told["verdict"] == found.verdict
        assert told["formula"] in text
        assert f"{found.table}.{found.figure}" in text


def test_a_capped_beta_says_so() -> None:
    found = case("mixed", H1, date(2025, 4, 15))
    rows = found.rows("position_market_betas").filter(pl.col("beta").abs() >= 5)
    lot = next(lot for lot in found.lots if lot.id in rows["position_id"])
    capped = of_case(found, Ask("position_market_betas", "beta", lot=lot))
    assert capped.verdict == "equal"
    assert abs(float(capped.stored)) == 5  # type: ignore[arg-type]
    assert "capped: the slope is" in capped.working.notes[0]


def test_a_carried_mark_says_since_when() -> None:
    found = case("mixed", H3, date(2025, 5, 30))
    lot = next(lot for lot in found.lots if lot.symbol == "STOP")
    price = of_case(found, Ask("positions", "last_price", lot=lot))
    assert (price.verdict, price.stored) == ("equal", Decimal("143.1403"))
    assert price.working.notes == (
        "carried: last marked in the session of 2025-04-16",
        "marked with an older close: 2025-04-16 has none",
    )
    assert price.working.steps[0].source == "market_data_cache, STOP, 2025-04-11: close"


def test_gaps_of_a_look_back_are_told_with_what_is_missing() -> None:
    found = of_case(
        case("mixed", H1, date(2025, 4, 15)), Ask("portfolio_snapshots", "realized_volatility_21d")
    )
    sample = found.working.sample
    assert sample
    assert sample.gaps == [
        "2024-04-15 to 2024-08-30 (97 sessions): no close of KDX",
        "2024-11-11: no close of KAX",
        "2025-04-08: no close of KAX",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", [H1, H2, H3, "H4 Empty", "H5 All Private"])
def test_whole_days_of_the_golden_set_are_reproduced(name: str) -> None:
    for day in (date(2025, 3, 3), date(2025, 3, 26), date(2025, 4, 30), date(2025, 5, 19), date(2025, 5, 30)):
        found = load_case(
            store("mixed", "outputs"),
            store("mixed", "inputs"),
            name,
            day,
            engine.Rules.legacy(),
            engine.load_scenarios(),
        )
        wrong = [
            e.to_text()
            for ask in asks(found, 10**6)
            if not (e := of_case(found, ask)).agrees and not exempt(found, ask)
        ]
        assert not wrong, wrong[0]
