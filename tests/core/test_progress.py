"""Progress as a log tells it: how far a stage is, at what rate, and how long it will go on."""

from __future__ import annotations

import pytest

from engine.core import progress
from engine.core.progress import Plain, far


@pytest.mark.parametrize(
    ("total", "done", "told"),
    [
        (2_000, 500, "prices 500 of 2,000, 50.0 a second, 30 s left"),
        (2_000, 2_000, "prices 2,000 of 2,000, 200.0 a second, 0 s left"),
        (0, 500, "prices 500, 50.0 a second"),
        (2_000, 0, "prices 0 of 2,000, 0.0 a second"),
    ],
)
def test_a_stage_tells_how_far_it_is(total: int, done: int, told: str) -> None:
    assert far("prices", total, done, 10.0) == told


def test_a_long_stage_is_told_of_every_few_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 0.0, 0.0, 0.0, 2.0, 5.0, 5.0, 6.0])
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    plain = Plain()
    plain.stage("prices", 100)
    for _ in range(3):
        plain.rows("symbols", 10)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("s  ")[1] for line in lines] == [
        "prices 100",
        "prices 20 of 100, 4.0 a second, 20 s left",
    ]
