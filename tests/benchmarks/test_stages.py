"""Every stage that the profile of a computation lists is a function that runs."""

from __future__ import annotations

from datetime import date

import engine
from tests.benchmarks.stages import STAGES, profile
from tests.stores.support import golden


def test_every_stage_takes_time() -> None:
    store = engine.open(golden("mixed"))
    inputs = store.inputs(date(2025, 3, 3), date(2025, 3, 4), run_date=date(2025, 3, 3))
    _, rows, seconds = profile(inputs)
    assert rows > 0
    assert all(seconds[function] > 0 for _, function in STAGES)
