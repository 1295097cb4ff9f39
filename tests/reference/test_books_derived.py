"""Books by corrected rules on random small worlds: stored figures are those that `engine.explain` derives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.analytics import forecasts
from engine.analytics.factors import attribution
from engine.analytics.stress.scenarios import load_scenarios
from tests.marks import first
from tests.memory_store import frame_of
from tests.pipeline.test_books import CORRECTED, computed, trading
from tests.reference.derivation import differences
from tests.reference.worlds import draw_world

# Derivations do not know Greeks: tests/analytics/positions/test_option_greeks.py has their reference.
RULES = replace(CORRECTED, options="premium")
TABLES = (*forecasts.TABLES, *attribution.TABLES)


@pytest.mark.parametrize("seed", first(2, range(1, 31)))
def test_every_figure_of_a_book_that_trades_is_the_derived_one(seed: int) -> None:
    world = draw_world(seed)
    rows = trading(world, seed)
    found = computed(rows, world.window, RULES)
    frames = {name: frame_of(name, some) for name, some in rows.items()}
    wrong = differences(found.inputs, found.results, frames, RULES, load_scenarios())
    assert not wrong, "\n".join(wrong[:20])


# In world 32 a lot is sold in the only session of its symbol; in 25 lots are bought.
@pytest.mark.parametrize("seed", first(2, [32, 25, 5, 14, *range(33, 40)]))
def test_forecasts_and_attributed_pnl_are_the_derived_ones(seed: int) -> None:
    world = draw_world(seed)
    found = computed(world.tables, world.window)
    wrong = differences(found.inputs, found.results, world.frames, CORRECTED, load_scenarios(), TABLES)
    assert not wrong, "\n".join(wrong[:20])
