"""The random worlds are worlds: the tables' columns, keys, and rules.

What holds for every world that `worlds()` draws:
1. its rows have exactly the columns of the real tables;
2. ids are unique, and so are the natural keys of market data and snapshots;
3. the sessions are consecutive NYSE sessions with a day off between them;
4. the reference leaves its input alone and repeats itself, in any row order;
5. a split window gives what one window gives, carried through the tables.
"""

from copy import deepcopy
from functools import lru_cache
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .daily import run
from .golden import golden_dir, nyse_sessions
from .prices import Row
from .worlds import Case, worlds

pytestmark = pytest.mark.thorough

FEW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

NATURAL_KEYS = {
    "portfolios": ("user_id", "account_name"),
    "positions": ("id",),
    "market_data_cache": ("symbol", "date"),
    "position_realized_events": ("id",),
    "equity_changes": ("id",),
    "portfolio_snapshots": ("portfolio_id", "snapshot_date"),
}


@lru_cache
def golden_columns(table: str) -> set[str]:
    """Columns of the real table."""
    path = golden_dir("mixed_today") / "inputs" / f"{table}.parquet"
    return set(pl.read_parquet_schema(path))


def ordered(tables: dict[str, list[Row]]) -> dict[str, list[Any]]:
    """Tables whose row order doesn't matter any more."""
    return {table: sorted((sorted(row.items()) for row in rows), key=repr) for table, rows in tables.items()}


@FEW
@given(case=worlds())
def test_rows_look_like_rows_of_the_real_tables(case: Case) -> None:
    """1 and 2."""
    for table, key in NATURAL_KEYS.items():
        rows = case.tables[table]
        assert all(row.keys() == golden_columns(table) for row in rows)
        assert len({row["id"] for row in rows}) == len(rows)
        assert len({tuple(row[part] for part in key) for row in rows}) == len(rows)


@FEW
@given(case=worlds())
def test_sessions_are_consecutive_with_a_day_off(case: Case) -> None:
    """3."""
    assert case.sessions == nyse_sessions(case.sessions[0], case.sessions[-1])
    assert 5 <= len(case.sessions) < len(case.days())


@FEW
@given(case=worlds(), random=st.randoms(use_true_random=False))
def test_the_reference_is_pure_and_blind_to_row_order(case: Case, random: Any) -> None:
    """4."""
    before = deepcopy(case.tables)
    first = run(case.tables, case.sessions, case.run_date)
    assert case.tables == before
    shuffled = {table: random.sample(rows, len(rows)) for table, rows in before.items()}
    second = run(shuffled, case.sessions, case.run_date)
    assert ordered(first) == ordered(second)


@FEW
@given(case=worlds(), at=st.integers(1, 4))
def test_a_window_may_be_split(case: Case, at: int) -> None:
    """5."""
    whole = run(case.tables, case.sessions, case.run_date)
    head = run(case.tables, case.sessions[:at], case.run_date)
    earlier = case.tables["portfolio_snapshots"] + head["portfolio_snapshots"]
    carried = {**case.tables, **head, "portfolio_snapshots": earlier}
    tail = run(carried, case.sessions[at:], case.run_date)
    rows = head["portfolio_snapshots"] + tail["portfolio_snapshots"]
    assert ordered({**tail, "portfolio_snapshots": rows}) == ordered(whole)
