"""A backfill between stores of every kind leaves the same tables, in place too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from engine.batch.backfill import backfill
from engine.core.errors import EngineError
from tests.marks import first
from tests.small_stores import content, unequal
from tests.stores.conftest import COMPACT_KINDS, KINDS
from tests.stores.support import GOLDEN, plain_columns, run_sql, texts, whole

START, MIDDLE, END = date(2025, 3, 3), date(2025, 3, 7), date(2025, 3, 14)
AFTER_MIDDLE = date(2025, 3, 10)
RUN_DATE = date(2026, 11, 23)
TABLES_SEEN = ("portfolio_snapshots", "positions", "portfolios", "batch_run_tracking")
BOOK = (
    "portfolio_id",
    "snapshot_date",
    "equity_balance",
    "daily_pnl",
    "daily_return",
    "cumulative_pnl",
    "daily_realized_pnl",
    "daily_capital_flow",
    "gross_exposure",
    "net_exposure",
    "cash_value",
    "num_positions",
)
"""Columns of phases 3 and 4, which the legacy batch filled in golden/mixed."""

Stores = Callable[[str], str]
Seen = dict[str, list[tuple[str | None, ...]]]


def run(
    source: str,
    target: str | None = None,
    start: date = START,
    end: date = END,
    rows: int = 5_000,
    only: Sequence[str] | None = None,
) -> None:
    to = target or source  # a folder of inputs has to be named
    report = backfill(source, to, start=start, end=end, run_date=RUN_DATE, batch_rows=rows, only=only)
    assert report.complete


def seen(url: str) -> Seen:
    return {table: texts(url, table, plain_columns(table)) for table in TABLES_SEEN}


def legacy_book() -> list[tuple[str | None, ...]]:
    frame = pl.read_parquet(GOLDEN / "mixed" / "outputs" / "portfolio_snapshots.parquet")
    rows = frame.filter(pl.col("snapshot_date").is_between(START, END)).select(BOOK)
    return sorted((tuple(map(spelled, row)) for row in rows.rows()), key=repr)


def spelled(value: object) -> str | None:
    return None if value is None else format(value, "f") if isinstance(value, Decimal) else str(value)


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("source", first(1, KINDS))
def test_every_kind_of_store_to_every_kind(
    source: str, target: str, golden_stores: dict[str, str], empty_store: Stores
) -> None:
    url = empty_store(target)
    run(golden_stores[source], url)
    assert texts(url, "portfolio_snapshots", BOOK) == legacy_book()
    assert len(texts(url, "positions", ["id"])) == len(texts(golden_stores[source], "positions", ["id"]))
    assert len(texts(url, "batch_run_tracking", ["run_date"])) == len({row[1] for row in legacy_book()})


@pytest.fixture(scope="module")
def expected(golden_stores: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Seen:
    url = f"duckdb:///{tmp_path_factory.mktemp('expected')}/x.duckdb"
    run(golden_stores["parquet"], url)
    return seen(url)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", [*KINDS, *COMPACT_KINDS])
def test_in_place_and_again_in_place(kind: str, fresh: Stores, expected: Seen) -> None:
    url = fresh(kind)
    run(url)
    assert seen(url) == expected
    once = content(url)
    run(url)
    assert unequal(content(url), once) == []


@pytest.mark.parametrize("kind", first(1, [*KINDS, *COMPACT_KINDS]))
def test_a_window_that_continues_another_equals_one_run_over_both(
    kind: str, fresh: Stores, expected: Seen
) -> None:
    url = fresh(kind)
    run(url, end=MIDDLE)
    run(url, start=AFTER_MIDDLE)
    assert seen(url) == expected


@pytest.mark.thorough
@pytest.mark.parametrize("rows", [1, 7])
@pytest.mark.parametrize("kind", [*KINDS, *COMPACT_KINDS])
def test_the_size_of_a_batch_does_not_show(kind: str, rows: int, fresh: Stores, expected: Seen) -> None:
    url = fresh(kind)
    run(url, rows=rows, only=TABLES_SEEN)
    assert seen(url) == expected


BREAKS = [
    ("duckdb", "alter table analytics_status drop column positions_used"),
    (
        "duckdb",
        "alter table portfolio_snapshots alter column num_positions type date using date '2025-01-01'",
    ),
    ("postgres", "alter table analytics_status drop column positions_used"),
    ("postgres", "alter table portfolio_snapshots alter column num_positions type boolean using true"),
    ("postgres", "alter table analytics_status add check (calculation_date < '2025-03-14')"),
    ("postgres", "alter table portfolio_snapshots add check (snapshot_date < '2025-03-14')"),
]


@pytest.mark.thorough
@pytest.mark.parametrize(("kind", "breaking"), BREAKS)
def test_a_failure_amid_a_transaction_leaves_the_store_as_it_was(
    kind: str, breaking: str, fresh: Stores
) -> None:
    url = fresh(kind)
    run(url, end=MIDDLE)
    run_sql(url, breaking)
    before = whole(url)
    with pytest.raises(EngineError, match=r"nothing was written|has no column positions_used"):
        run(url, start=AFTER_MIDDLE)
    assert whole(url) == before


@pytest.mark.thorough
def test_a_failure_amid_a_transaction_leaves_a_folder_as_it_was(fresh: Stores) -> None:
    """The last table's file cannot be staged: a folder stands where it would be made."""
    url = fresh("parquet")
    run(url, end=MIDDLE)
    staged = Path(url.removeprefix("parquet:///")) / "_engine" / "staged"
    (staged / "portfolio_snapshots.parquet").mkdir(parents=True, exist_ok=True)
    before = whole(url)
    with pytest.raises(OSError, match="nothing was written"):
        run(url, start=AFTER_MIDDLE)
    assert whole(url) == before
    assert [path.name for path in staged.iterdir()] == ["portfolio_snapshots.parquet"]
