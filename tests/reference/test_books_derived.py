"""Books that trade on random small worlds: stored figures are those that `engine.explain` derives.

By corrected rules, and by mixes in which each rule of books is drawn alone.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import get_args, get_type_hints

import pytest

from engine.analytics import forecasts
from engine.analytics.factors import attribution
from engine.analytics.stress.scenarios import load_scenarios
from engine.core.rules import Rules
from engine.core.window import Window
from tests.marks import first
from tests.memory_store import frame_of
from tests.pipeline.test_books import CORRECTED, Rows, computed, trading, with_dividends
from tests.reference.derivation import differences
from tests.reference.worlds import BOOKS, NEED_BOOKS, draw_world

TABLES = (*forecasts.TABLES, *attribution.TABLES)
DRAWN = (*BOOKS, *NEED_BOOKS, "off_session_cash")


def assert_derived(rows: Rows, window: Window, rules: Rules) -> None:
    found = computed(rows, window, rules)
    frames = {name: frame_of(name, some) for name, some in rows.items()}
    wrong = differences(found.inputs, found.results, frames, rules, load_scenarios())
    assert not wrong, "\n".join([f"{rules}", *wrong[:20]])


@pytest.mark.parametrize("seed", first(1, range(1, 41)))
def test_every_figure_of_a_book_that_trades_is_the_derived_one(seed: int) -> None:
    world = draw_world(seed)
    assert_derived(trading(world, seed), world.window, CORRECTED)


@pytest.mark.parametrize("seed", first(1, range(1, 61)))
def test_every_figure_by_a_mix_of_rules_is_the_derived_one(seed: int) -> None:
    rng, kinds, world = random.Random(seed), get_type_hints(Rules), draw_world(seed)
    mix = {name: rng.choice(get_args(kinds[name])) for name in DRAWN}
    rows = with_dividends(trading(world, seed), seed)
    assert_derived(rows, world.window, replace(CORRECTED, **mix))


# In world 32 a lot is sold in the only session of its symbol; in 25 lots are bought.
@pytest.mark.parametrize("seed", first(1, [32, 25, 5, 14, *range(33, 40)]))
def test_forecasts_and_attributed_pnl_are_the_derived_ones(seed: int) -> None:
    world = draw_world(seed)
    found = computed(world.tables, world.window)
    wrong = differences(found.inputs, found.results, world.frames, CORRECTED, load_scenarios(), TABLES)
    assert not wrong, "\n".join(wrong[:20])
