"""Progress: lines of a log say how far each stage is."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

import pytest

from engine.core import progress
from engine.core.progress import JsonLines, Plain, progress_line


@pytest.mark.parametrize(
    ("total", "done", "line"),
    [
        (2_000, 500, "prices 500 of 2,000, 50.0 a second, 30 s left"),
        (2_000, 2_000, "prices 2,000 of 2,000, 200.0 a second, 0 s left"),
        (0, 500, "prices 500, 50.0 a second"),
        (2_000, 0, "prices 0 of 2,000, 0.0 a second"),
    ],
)
def test_a_line_says_how_far_a_stage_is(total: int, done: int, line: str) -> None:
    assert progress_line("prices", total, done, 10.0) == line


def test_a_long_stage_is_logged_every_few_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 2.0, 5.0, 6.0])
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    stage = Plain().stage("prices", 100)
    for _ in range(3):
        stage.rows("symbols", 10)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("INFO    ")[1] for line in lines] == [
        "prices 100",
        "prices 20 of 100, 4.0 a second, 20 s left",
    ]


def test_stages_that_overlap_count_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    plain = Plain()
    first, second = plain.stage("write", 30), plain.stage("write", 50)
    for stage, rows in ((first, 30), (second, 20)):
        stage.rows("positions", rows)
    amounts = [line.split("INFO    ")[1].split(",")[0] for line in capsys.readouterr().err.splitlines()]
    assert amounts == ["write 30", "write 50", "write 30 of 30", "write 20 of 50"]


def test_lines_have_the_time_and_the_level(capsys: pytest.CaptureFixture[str]) -> None:
    Plain().note("load")
    Plain().warn("schema", "a column is missing")
    one, two = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO    load", one)
    assert two.endswith("Z WARNING a column is missing")


@pytest.mark.parametrize(("quiet", "levels"), [(False, ["INFO", "WARNING"]), (True, ["WARNING"])])
def test_json_lines_are_objects(quiet: bool, levels: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    progress_log = JsonLines(quiet)
    progress_log.note("load")
    progress_log.warn("schema", 'a "column" is missing')
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["level"] for line in lines] == levels
    assert lines[-1]["message"] == 'a "column" is missing'
    assert datetime.fromisoformat(lines[-1]["time"]).utcoffset() == timedelta(0)
