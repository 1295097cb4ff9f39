"""Every row that a command writes counts once in the progress of its stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import partial

import pytest

import engine
from engine.batch.copy import copy
from engine.core.progress import ProgressStage, Quiet
from tests.stores.conftest import KINDS
from tests.stores.support import golden

START, END, RUN_DATE = date(2025, 3, 3), date(2025, 3, 5), date(2026, 11, 23)


@dataclass
class CountingStage(ProgressStage):
    """Adds up the rows that it is told."""

    total: int
    done: int = 0

    def rows(self, table: str, count: int) -> None:
        self.done += count


@dataclass
class Counting(Quiet):
    """Keeps the stages that have a total."""

    stages: list[CountingStage] = field(default_factory=list)

    def stage(self, name: str, total: int | None = None) -> ProgressStage:
        stage = CountingStage(total or 0)
        if total is not None:
            self.stages.append(stage)
        return stage


def assert_counted_once(counting: Counting, stages: int) -> None:
    assert [stage.done for stage in counting.stages] == [stage.total for stage in counting.stages]
    assert len(counting.stages) == stages
    assert all(stage.total > 0 for stage in counting.stages)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_each_row_of_a_copy_counts_once_inserted_or_merged(
    kind: str, empty_store: Callable[[str], str]
) -> None:
    """The tables are made by the first copy; the second one merges every row."""
    url, counting = empty_store(kind), Counting()
    for _ in range(2):
        copy(golden("mixed"), url, 1_000, counting)
    assert_counted_once(counting, 2)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_each_row_of_a_run_counts_once(kind: str, fresh: Callable[[str], str]) -> None:
    """Shards of two portfolios, computed for the first time and again."""
    url, counting = fresh(kind), Counting()
    for restart in (False, True):
        run = partial(engine.backfill, url, url, start=START, end=END, run_date=RUN_DATE, restart=restart)
        run(shard_size=2, progress=counting)
    assert_counted_once(counting, 6)
