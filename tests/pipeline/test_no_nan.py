"""No figure is NaN by corrected rules: the application that reads the tables fails on one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

import engine
from engine.core.calendar import sessions
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.core.window import Window
from engine.pipeline.compute import compute
from engine.pipeline.results import Results
from loaders.window import load_window
from tests.builders import close, portfolio, position
from tests.marks import first
from tests.memory_store import MemoryReader, frame_of
from tests.pipeline.test_books import GOLDEN, computed, trading
from tests.reference.worlds import draw_world

LAST = date(2025, 3, 7)


def undefined(results: Results) -> list[tuple[str, str]]:
    """The columns with a NaN."""
    return [
        (name, column)
        for name, rows in results.tables.items()
        for column, kind in rows.schema.items()
        if (kind.is_float() and rows[column].is_nan().any())
        or (TABLES[name][column].type.kind == "json" and rows[column].str.contains("NaN").any())
    ]


def still() -> Results:
    """A stock that never moves, and one that does, beside funds of which the market never moves."""
    days = sessions(LAST - timedelta(400), LAST)
    moving = ("AAA", "VTV", "VUG", "TLT")
    rows = {
        "portfolios": [portfolio("P", "100000")],
        "positions": [position("FLAT", "1000"), position("AAA", "100", name="moves")],
        "market_data_cache": [
            *(close(day, "100", symbol) for symbol in ("FLAT", "SPY") for day in days),
            *(close(day, f"{100 + number * 7 % 11}", s) for s in moving for number, day in enumerate(days)),
        ],
    }
    frames = {name: frame_of(name, some) for name, some in rows.items()}
    window = Window(days[-2], LAST, LAST)
    with MemoryReader(frames) as reader:
        inputs = load_window(reader, window)
    legacy, corrected = (compute(inputs, window, rules) for rules in (Rules.legacy(), Rules.corrected()))
    assert ("position_market_betas", "r_squared") in undefined(legacy)
    assert ("pairwise_correlations", "correlation_value") in undefined(legacy)
    return corrected


def test_a_price_that_never_moves_leaves_nulls() -> None:
    results = still()
    assert undefined(results) == []
    betas = results["position_market_betas"].filter(position_id=position("FLAT")["id"])
    assert betas["r_squared"].to_list() == [None, None]
    rows = results["analytics_status"].filter(pl.col("job") == "correlations")
    assert rows["reason"].unique().to_list() == ["no_pair"]


@pytest.mark.parametrize("seed", first(2, range(12)))
def test_random_worlds_have_none(seed: int) -> None:
    world = draw_world(seed)
    rules = replace(Rules.corrected(), inconsistent_rows="computed")
    assert undefined(computed(trading(world, seed), world.window, rules).results) == []


def test_the_edge_set_has_none() -> None:
    inputs = engine.open(f"parquet://{GOLDEN}/edge/inputs").inputs(
        date(2025, 4, 7), date(2025, 4, 11), run_date=date(2026, 11, 23)
    )
    rules = replace(Rules.corrected(), inconsistent_rows="computed")
    assert undefined(compute(inputs, rules=rules)) == []
