"""A figure that its column cannot hold fails its session; one run leaves what a run a session leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest

from engine.batch.failed_sessions import stages_around_failures
from engine.batch.report import Report, refusal_lines
from loaders import open_reader
from tests.builders import close, portfolio, position, uid
from tests.marks import first
from tests.small_stores import RUN_DATE, SESSIONS, Content, content, database, run, unequal, world

DAYS = SESSIONS[:4]
SMALL = "1.00"
"""An equity of which ten lots that rise by 1,000 earn more than 100 times, the most a daily return can be."""
CASES: list[Mapping[str, Sequence[int]]] = [
    {"AAA": [1]},
    {"AAA": [0]},
    {"AAA": [3]},
    {"AAA": [0, 2]},
    {"AAA": [1], "BBB": [2]},
]
"""By symbol, the sessions whose close is 1,000 higher. The fall in the session after does not fit either."""


def spiked(spikes: Mapping[str, Sequence[int]]) -> Content:
    """Three portfolios: two of little equity, with a symbol each, and one that can bear both."""
    closes = [
        close(day, f"{100 + step + 1000 * (step in spikes.get(symbol, ()))}", symbol)
        for symbol in ("AAA", "BBB")
        for step, day in enumerate(DAYS)
    ]
    before = [close(SESSIONS[0].replace(month=2, day=28), "100", symbol) for symbol in ("AAA", "BBB")]
    lots = [position("AAA"), position("BBB", owner="R"), *(position(s, owner="Q") for s in ("AAA", "BBB"))]
    owners = [portfolio("P", SMALL), portfolio("R", SMALL), portfolio("Q", "10000000.00")]
    return world(portfolios=owners, positions=lots, market_data_cache=[*before, *closes])


@pytest.mark.parametrize("spikes", first(1, CASES))
def test_one_run_fails_the_sessions_that_runs_of_one_session_fail(
    spikes: Mapping[str, Sequence[int]], tmp_path: Path
) -> None:
    frames = spiked(spikes)
    whole, apart = (database(tmp_path / f"{name}.duckdb", frames) for name in ("whole", "apart"))
    report = run(whole, end=DAYS[-1])
    each = [run(apart, start=day, end=day) for day in DAYS]
    assert unequal(content(whole), content(apart)) == []

    failed = report.failures.select("portfolio_id", "date").unique()
    assert {tuple(row) for row in failed.rows()} == {
        row for one in each for row in one.failures.select("portfolio_id", "date").rows()
    }
    assert failed.height
    assert set(failed["portfolio_id"]) == {uid({"AAA": "P", "BBB": "R"}[symbol]) for symbol in spikes}
    assert not report.complete
    days = failed.group_by("portfolio_id").agg(pl.col("date").min().cast(pl.String), count=pl.len())
    for owner, day, count in days.iter_rows():
        label = f"{'P' if owner == uid('P') else 'R'} ({owner})"
        span = f"{count} sessions from {day} to " if count > 1 else f"{day}: "
        assert [line for line in refusal_lines(report) if f"refused: portfolio {label}, {span}" in line]
    jobs = sum(one.outcomes["sessions"].sum() for one in each)
    assert report.outcomes["sessions"].sum() == jobs
    with open_reader(whole) as reader:
        stored = reader.read("portfolio_snapshots", ["portfolio_id", "snapshot_date"])
        days = reader.read("batch_run_tracking", ["run_date"])["run_date"]
    assert stored.height == 3 * len(DAYS) - failed.height
    assert set(days) == set(DAYS) - set(failed["date"])


def test_a_dry_run_says_that_the_portfolio_fails(tmp_path: Path) -> None:
    report = run(database(tmp_path / "dry.duckdb", spiked(CASES[0])), end=DAYS[-1], dry_run=True)
    assert set(report.failures["portfolio_id"]) == {uid("P")}


def test_a_report_without_failures_has_no_further_stages() -> None:
    assert stages_around_failures(Report(None), RUN_DATE) == []
