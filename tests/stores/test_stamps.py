"""Time stamps of stored rows: the clock's, never going back, unmoved where a row does not change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from engine.batch.copy import write_frames
from engine.core.progress import Quiet
from engine.core.schema import TABLES
from loaders import open_reader
from tests.builders import close, portfolio, position
from tests.marks import first
from tests.small_stores import RUN_DATE, SESSIONS, a_user, run, world
from tests.stores.conftest import COMPACT_KINDS, KINDS
from writers import open_writer

Stamps = dict[str, pl.DataFrame]
Make = Callable[[str], str]
STATE = ("portfolios", "positions")
FIGURES = ("position_market_betas", "factor_exposures", "position_volatility")
HISTORY = [SESSIONS[0] - timedelta(days=n) for n in range(1, 120)]
FUTURE = datetime(2999, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.parametrize("kind", first(1, [*KINDS, *COMPACT_KINDS]))


def prices(symbol: str, step: int) -> list[dict[str, Any]]:
    """Closes long before the sessions, too, so that there is a beta and a volatility."""
    days = [*reversed(HISTORY), *SESSIONS]
    return [close(day, f"{100 + (number * step) % 17}", symbol) for number, day in enumerate(days)]


def store(url: str) -> str:
    frames = world(
        users=[a_user()],
        portfolios=[portfolio(), portfolio("Q")],
        positions=[position(), position("BBB", owner="Q")],
        market_data_cache=[row for n, s in enumerate(("AAA", "BBB", "SPY")) for row in prices(s, 3 + n)],
    )
    write_frames(url, frames, 5_000, Quiet())
    return url


def stamps(url: str, *names: str) -> Stamps:
    with open_reader(url) as reader:
        return {n: reader.read(n).sort(TABLES[n].key) for n in names or (*STATE, *FIGURES)}


def now() -> datetime:
    return datetime.now(UTC)


def correct_close(url: str, day: date) -> None:
    """A close of AAA of one session becomes another."""
    with open_reader(url) as reader:
        rows = reader.read("market_data_cache").filter(symbol="AAA", date=day)
    with open_writer(url) as writer, writer.transaction():
        writer.merge(
            TABLES["market_data_cache"], rows.with_columns(close=pl.lit("110.00").cast(rows.schema["close"]))
        )


def test_a_run_stamps_what_it_writes_with_its_own_time(kind: str, empty_store: Make) -> None:
    url = store(empty_store(kind))
    before = now()
    run(url)
    after = now()
    for name, rows in stamps(url).items():
        assert rows.height, name
        assert (rows["updated_at"] >= rows["created_at"]).all(), name
        assert rows["updated_at"].is_between(before, after).all(), name
    done = stamps(url, "batch_run_tracking")["batch_run_tracking"]
    assert done["completed_at"].is_between(before, after).all()
    assert done.height == len(SESSIONS)


def test_a_rerun_that_changes_nothing_moves_no_stamp(kind: str, empty_store: Make) -> None:
    url = store(empty_store(kind))
    run(url)
    before = stamps(url)
    run(url, start=SESSIONS[2], end=SESSIONS[5])
    # On another day, too: rows that do not change keep the day on which they were made.
    run(url, run_date=RUN_DATE + timedelta(days=1))
    for name, rows in stamps(url).items():
        assert rows["updated_at"].equals(before[name]["updated_at"]), name
        assert rows["created_at"].equals(before[name]["created_at"]), name


def test_a_rerun_raises_the_stamps_of_changed_rows_alone(kind: str, empty_store: Make) -> None:
    url = store(empty_store(kind))
    run(url)
    before = stamps(url)
    correct_close(url, SESSIONS[-1])
    again = now()
    run(url)
    after = stamps(url)
    for name in (*STATE, *FIGURES):
        keys = TABLES[name].key
        others = [c for c in before[name].columns if c not in ("updated_at", "created_at")]
        joined = after[name].join(before[name], on=keys, suffix="_before")
        same = joined.select(
            same=pl.all_horizontal(
                pl.col(c).eq_missing(pl.col(f"{c}_before")) for c in others if c not in keys
            )
        )["same"]
        moved = joined["updated_at"] != joined["updated_at_before"]
        assert moved.to_list() == (~same).to_list(), name
        assert (joined["updated_at"].filter(moved) >= again).all()
        assert moved.any(), name
        assert name == "portfolios" or not moved.all(), name


def test_a_stamp_never_goes_back(kind: str, empty_store: Make) -> None:
    url = store(empty_store(kind))
    ahead = {name: rows.with_columns(updated_at=pl.lit(FUTURE)) for name, rows in stamps(url, *STATE).items()}
    with open_writer(url) as writer, writer.transaction():
        for name, rows in ahead.items():
            writer.merge(TABLES[name], rows)
    run(url)
    run(url, run_date=RUN_DATE - timedelta(days=4))
    for name, rows in stamps(url, *STATE).items():
        assert set(rows["updated_at"]) == {FUTURE}, name
