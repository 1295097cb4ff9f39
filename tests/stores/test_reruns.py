"""Any windows, in any order, in one store or into another: what one clean run over all of them leaves.

What is expected is always one run over the union in a fresh store, or arithmetic on the closes.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.frames import empty
from engine.core.schema import TABLES
from tests.builders import close, flow, portfolio, position, uid
from tests.memory_store import NEEDED, frame_of
from tests.reference.worlds import World, draw_world
from tests.small_stores import (
    SESSIONS,
    Content,
    content,
    database,
    folder,
    link,
    run,
    snapshots,
    tag,
    unequal,
    world,
)
from tests.stores.support import run_sql

pytestmark = pytest.mark.slow

MIDDLE = SESSIONS[3]
Steps = list[tuple[date, date]]
IN_TWO: Steps = [(SESSIONS[0], MIDDLE), (SESSIONS[4], SESSIONS[-1])]
BACKWARDS: Steps = IN_TWO[::-1]
AGAIN: Steps = [*IN_TWO, (SESSIONS[4], SESSIONS[5]), (SESSIONS[4], SESSIONS[4]), (SESSIONS[0], SESSIONS[-1])]


def drained() -> Content:
    """A portfolio whose equity comes to exactly 0 on the fourth session, and moves on from there.

    10 shares gain 10.00 a session but for the first: 1000, 1010, 1020; a withdrawal of all 1030.
    """
    return world(equity_changes=[flow(MIDDLE, "1030.00", "WITHDRAWAL")])


def test_an_equity_of_zero_is_gone_on_from(tmp_path: Path) -> None:
    url = database(tmp_path / "x.duckdb", drained())
    run(url)
    once = content(url)
    rolled = [1000, 1010, 1020, 0, 10, 20, 30, 40]
    assert snapshots(url)["equity_balance"].to_list() == list(map(Decimal, rolled))
    for _ in range(2):  # the fault grew with each rerun
        run(url, start=SESSIONS[4], end=SESSIONS[5])
        assert unequal(content(url), once) == []


@pytest.mark.parametrize("steps", [IN_TWO, BACKWARDS, AGAIN], ids=["in two", "backwards", "again"])
@pytest.mark.parametrize("separate", [False, True], ids=["in place", "to another store"])
def test_windows_around_an_equity_of_zero_equal_one_run(steps: Steps, separate: bool, tmp_path: Path) -> None:
    held_to_one_run(drained(), steps, separate, tmp_path)


def held_to_one_run(frames: Content, steps: Steps, separate: bool, path: Path, **more: object) -> None:
    """Some windows in a row, and one over all of them in a fresh store: every table is equal."""

    def done(name: str, windows: Steps) -> Content:
        source = database(path / f"{name}.duckdb", frames)
        target = f"duckdb:///{path}/{name}-out.duckdb" if separate else None
        for start, end in windows:
            run(source, target, start, end, **more)
        return content(target or source)

    union = (min(start for start, _ in steps), max(end for _, end in steps))
    assert unequal(done("pieces", steps), done("whole", [union])) == []


def history(day: date, equity: str | None) -> dict[str, object]:
    """A snapshot that the legacy batch, or another service, has left."""
    zeros = {
        column.name: 0
        for column in TABLES["portfolio_snapshots"].columns
        if not column.nullable and column.type.kind in ("numeric", "integer")
    }
    named = {"id": uid(f"history/{day}"), "portfolio_id": uid("P"), "snapshot_date": day}
    money = {"equity_balance": None if equity is None else Decimal(equity), "is_complete": True}
    return {**zeros, **named, **money, "created_at": portfolio()["created_at"]}


BEFORE = SESSIONS[0] - timedelta(days=4)
HISTORIES = {
    "null": [history(BEFORE, None)],
    "zero": [history(BEFORE, "0.00")],
    "null over money": [history(BEFORE - timedelta(days=1), "700.00"), history(BEFORE, None)],
    "zero over money": [history(BEFORE - timedelta(days=1), "700.00"), history(BEFORE, "0.00")],
    "money": [history(BEFORE, "700.00")],
}


@pytest.mark.parametrize("name", HISTORIES)
@pytest.mark.parametrize("separate", [False, True], ids=["in place", "to another store"])
def test_windows_after_another_batch_s_snapshots_equal_one_run(
    name: str, separate: bool, tmp_path: Path
) -> None:
    """The portfolio's own 1000.00 counts where the previous equity is null or 0 [Q10]."""
    frames = world(portfolio_snapshots=HISTORIES[name])
    held_to_one_run(frames, AGAIN, separate, tmp_path)
    url = f"duckdb:///{tmp_path}/pieces{'-out' if separate else ''}.duckdb"
    first = snapshots(url).filter(pl.col("snapshot_date") == SESSIONS[0])["equity_balance"]
    gained = 0  # the first close of all has none before it
    assert first.to_list() == [Decimal(700 if name == "money" else 1000) + gained]


def test_a_balance_that_somebody_changed_counts_where_the_equity_is_zero(tmp_path: Path) -> None:
    url = database(tmp_path / "x.duckdb", drained())
    run(url, end=MIDDLE)
    run_sql(url, "update portfolios set equity_balance = 5000")
    run(url, start=SESSIONS[4])
    once = content(url)
    assert snapshots(url)["equity_balance"].to_list()[4:] == [5010, 5020, 5030, 5040]
    run(url, start=SESSIONS[4], end=SESSIONS[4])
    assert unequal(content(url), once) == []


def of_legacy(frames: Content, path: Path) -> Content:
    """Run a world, and return its tables without the ledger: as the legacy batch would have left them."""
    url = database(path, frames)
    run(url)
    left = content(url)
    return {name: frame for name, frame in left.items() if TABLES[name].role != "engine"}


@pytest.mark.parametrize("steps", [IN_TWO, BACKWARDS, AGAIN], ids=["in two", "backwards", "again"])
def test_a_store_that_the_legacy_batch_wrote_is_rerun_in_any_order(steps: Steps, tmp_path: Path) -> None:
    left = of_legacy(drained(), tmp_path / "legacy.duckdb")
    url = database(tmp_path / "x.duckdb", left)
    for start, end in steps:
        run(url, start=start, end=end)
    rolled = [1000, 1010, 1020, 0, 10, 20, 30, 40]
    assert snapshots(url)["equity_balance"].to_list() == list(map(Decimal, rolled))


def gone_quiet() -> Content:
    """BBB is priced on the first session only; a deleted portfolio and a new one hold it, too."""
    return world(
        portfolios=[portfolio(), portfolio("Gone", deleted_at=portfolio()["created_at"])],
        positions=[position(), position("BBB"), position("BBB", owner="Gone")],
        market_data_cache=[
            *(close(day, f"{100 + step}") for step, day in enumerate(SESSIONS)),
            close(SESSIONS[0], "50", "BBB"),
        ],
    )


@pytest.mark.parametrize("separate", [False, True], ids=["in place", "to another store"])
@pytest.mark.parametrize("steps", [IN_TWO, BACKWARDS, AGAIN], ids=["in two", "backwards", "again"])
def test_values_are_carried_from_window_to_window(steps: Steps, separate: bool, tmp_path: Path) -> None:
    held_to_one_run(gone_quiet(), steps, separate, tmp_path)


def test_a_correction_reaches_the_positions_of_deleted_portfolios(tmp_path: Path) -> None:
    url = database(tmp_path / "x.duckdb", gone_quiet())
    run(url)
    run_sql(url, "delete from market_data_cache where symbol = 'BBB'")
    run(url, start=SESSIONS[0], end=SESSIONS[0])
    held = content(url)["positions"].filter(pl.col("symbol") == "BBB")
    assert held["market_value"].to_list() == [None, None]


def test_no_figure_depends_on_who_shares_a_shard(tmp_path: Path) -> None:
    """Q is run for some sessions only, and then both again for others."""
    frames = world(
        portfolios=[portfolio("P"), portfolio("Q")],
        positions=[position(), position("BBB"), position(owner="Q"), position("BBB", owner="Q")],
        market_data_cache=gone_quiet()["market_data_cache"].to_dicts(),
    )

    def done(size: int) -> Content:
        url = database(tmp_path / f"{size}.duckdb", frames)
        run(url, end=SESSIONS[5], portfolios=[UUID(uid("P"))])
        run(url, start=SESSIONS[2], end=MIDDLE, portfolios=[UUID(uid("Q"))])
        run(url, start=SESSIONS[1], end=SESSIONS[2], shard_size=size)
        return content(url)

    assert unequal(done(1), done(2)) == []


def labelled() -> Content:
    """Tags, links, factors to be made and renamed; seen from the last sessions phase 5 runs."""
    old = {
        "id": uid("factor"),
        "name": "Market Beta",
        "factor_type": "style",
        "display_order": 0,
        "is_active": True,
        "created_at": portfolio()["created_at"],
        "updated_at": portfolio()["created_at"],
    }
    profile = {
        "symbol": "AAA",
        "beta": Decimal("1.2"),
        "sector": "Energy",
        "data_source": "test",
        **dict.fromkeys(("last_updated", "created_at", "updated_at"), portfolio()["created_at"]),
    }
    early = [SESSIONS[0] - timedelta(days=day) for day in range(1, 75)]
    prices = [
        close(day, f"{100 + (7 * n * n) % 11}", symbol)
        for symbol in ("AAA", "SPY", "TLT")
        for n, day in enumerate([*early, *SESSIONS])
    ]
    return world(
        tags_v2=[
            tag(),
            tag("Energy") | {"description": "Sector: Energy"},
            tag("Old") | {"description": "Sector: Old"},
        ],
        position_tags=[link(), link(name="Old")],
        factor_definitions=[old],
        company_profiles=[profile],
        market_data_cache=prices,
    )


@pytest.mark.parametrize("separate", [False, True], ids=["in place", "to another store"])
def test_labels_go_on_from_window_to_window(separate: bool, tmp_path: Path) -> None:
    held_to_one_run(labelled(), IN_TWO, separate, tmp_path, run_date=SESSIONS[2])


def test_the_target_keeps_the_ids_it_has(tmp_path: Path, postgres_url: str) -> None:
    """Tags and factors that the target knows by name stand there under ids of their own."""
    from tests.small_stores import a_user

    frames = labelled() | {"users": frame_of("users", [a_user()])}
    other = {
        name: frames[name].with_columns(id=pl.Series([uid(f"other/{n}") for n in range(frames[name].height)]))
        for name in ("tags_v2", "factor_definitions")
    }
    from engine.batch.copy import write_frames
    from engine.core.progress import Quiet

    write_frames(postgres_url, {"users": frames["users"], **other}, 5_000, Quiet())
    source = folder(tmp_path / "in", frames)
    for start, end in IN_TWO:
        run(source, postgres_url, start, end, run_date=SESSIONS[2])
    written = content(postgres_url)
    assert set(other["tags_v2"]["id"]) <= set(written["tags_v2"]["id"])
    assert uid("tag/mine") not in written["tags_v2"]["id"].to_list()
    assert written["factor_exposures"].height


def test_one_portfolio_at_a_time_leaves_the_others_where_they_are(tmp_path: Path) -> None:
    frames = world(portfolios=[portfolio("P"), portfolio("Q")], positions=[position(), position(owner="Q")])
    source, target = folder(tmp_path / "in", frames), f"duckdb:///{tmp_path}/out.duckdb"
    run(source, target)
    once = content(target)
    run(source, target, portfolios=[UUID(uid("P"))])
    assert unequal(content(target), once) == []


def test_a_source_that_has_results_itself_does_not_lengthen_the_window(tmp_path: Path) -> None:
    source = database(tmp_path / "x.duckdb", drained())
    run(source)
    results = content(source)
    target = f"duckdb:///{tmp_path}/out.duckdb"
    for start, end in ((SESSIONS[2], MIDDLE), (SESSIONS[4], SESSIONS[5])):
        run(source, target, start, end)
    expected = results["portfolio_snapshots"].filter(
        pl.col("snapshot_date").is_between(SESSIONS[2], SESSIONS[5])
    )
    assert content(target)["portfolio_snapshots"].equals(expected)


def test_without_dates_a_target_of_its_own_goes_on_where_it_is(tmp_path: Path) -> None:
    source, target = folder(tmp_path / "in", drained()), f"duckdb:///{tmp_path}/out.duckdb"
    run(source, target, end=MIDDLE)
    run(source, target, start=None)  # type: ignore[arg-type]
    assert snapshots(target)["snapshot_date"].to_list() == SESSIONS


FEW = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)


def can_be_run(world: World) -> bool:
    """Return whether a world has a portfolio: snapshots tell which sessions deleted positions went through.

    Without a close up to its last session a window is refused.
    """
    somebody = any(
        row["deleted_at"] is None and row["equity_balance"] is not None for row in world.tables["portfolios"]
    )
    first = world.window.start
    return somebody and any(row["date"] <= first for row in world.tables["market_data_cache"])


@st.composite
def pieces(draw: st.DrawFn) -> tuple[int, Steps]:
    """A random world's seed, and windows that together cover its sessions, in any order, some twice."""
    seed = draw(st.integers(0, 9_999).filter(lambda seed: can_be_run(draw_world(seed))))
    days = draw_world(seed).window.sessions
    cut = draw(st.integers(1, len(days) - 1))
    parts = [(days[0], days[cut - 1]), (days[cut], days[-1])]
    inside = st.tuples(*(st.integers(0, len(days) - 1),) * 2).map(sorted)
    again = [(days[a], days[b]) for a, b in draw(st.lists(inside, max_size=2))]
    return seed, [*draw(st.permutations(parts)), *again]


@FEW
@given(drawn=pieces(), separate=st.booleans())
def test_any_windows_of_a_random_world_equal_one_run(
    drawn: tuple[int, Steps], separate: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    seed, steps = drawn
    drawn_world = draw_world(seed)
    frames = {name: empty(TABLES[name]) for name in NEEDED} | drawn_world.frames
    path, rules, today = tmp_path_factory.mktemp("world"), drawn_world.rules, drawn_world.window.run_date
    held_to_one_run(frames, steps, separate, path, run_date=today, rules=rules)
