"""The demo data fits the schema, is repeatable and contains every case."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from engine.core.calendar import sessions
from engine.core.errors import UsageError
from engine.core.frames import polars_schema
from engine.core.schema import TABLES, Table
from loaders.demo import demo_world

READ = {name: table for name, table in TABLES.items() if table.role in ("input", "state")}
SIZES = [(5, 20, 60), (1, 1, 24), (7, 3, 30), (12, 45, 200)]
END = date(2025, 12, 19)


@cache
def world(portfolios: int, positions: int, symbols: int) -> dict[str, pl.DataFrame]:
    return demo_world(portfolios, positions, symbols)


@pytest.fixture(params=SIZES, ids=str)
def any_world(request: pytest.FixtureRequest) -> dict[str, pl.DataFrame]:
    return world(*request.param)


@pytest.fixture
def demo() -> dict[str, pl.DataFrame]:
    return world(*SIZES[0])


# Schema


def test_every_table_that_a_run_reads_has_the_types_of_the_schema(
    any_world: dict[str, pl.DataFrame],
) -> None:
    assert list(any_world) == list(READ)
    for name, table in READ.items():
        assert dict(any_world[name].schema) == polars_schema(table), name


def test_only_nullable_columns_have_nulls(
    any_world: dict[str, pl.DataFrame],
) -> None:
    for name, table in READ.items():
        required = [column.name for column in table.columns if not column.nullable]
        assert any_world[name].select(pl.col(required).null_count().sum()).sum_horizontal().sum() == 0


def test_texts_fit_their_columns(any_world: dict[str, pl.DataFrame]) -> None:
    for name, table in READ.items():
        for column in table.columns:
            values = any_world[name][column.name].drop_nulls()
            if column.type.length is not None:
                assert (values.str.len_chars() <= column.type.length).all(), column
            if column.type.values:
                assert values.is_in(column.type.values).all(), column


def test_keys_are_unique(any_world: dict[str, pl.DataFrame]) -> None:
    for name, table in READ.items():
        for key in _keys(table):
            assert not any_world[name].select(key).is_duplicated().any(), (name, key)


def _keys(table: Table) -> list[tuple[str, ...]]:
    return [(table.primary_key,), table.key, *table.unique.values()]


def test_foreign_keys_refer_to_rows(any_world: dict[str, pl.DataFrame]) -> None:
    for name, table in READ.items():
        for key in table.foreign_keys:
            children = any_world[name][key.column].drop_nulls()
            assert children.is_in(any_world[key.parent][key.parent_column].implode()).all(), key


# Repeatability


def test_the_same_arguments_give_the_same_frames(demo: dict[str, pl.DataFrame]) -> None:
    for name, frame in demo_world().items():
        assert frame.serialize() == demo[name].serialize(), name


def test_another_seed_gives_another_market(demo: dict[str, pl.DataFrame]) -> None:
    other = demo_world(seed=8)["market_data_cache"]
    assert not other["close"].equals(demo["market_data_cache"]["close"])


def test_a_portfolio_does_not_depend_on_how_many_follow() -> None:
    few, many = demo_world(3, 20, 60), demo_world(40, 20, 60)
    for name, frame in few.items():
        assert_frame_equal(frame, many[name].head(len(frame)), check_exact=True)
    assert_frame_equal(few["market_data_cache"], many["market_data_cache"])


# Contents


def test_every_case_occurs(demo: dict[str, pl.DataFrame]) -> None:
    positions, priced = demo["positions"], demo["market_data_cache"]
    assert set(positions["position_type"]) == {"LONG", "SHORT", "LC", "LP", "SC", "SP"}
    assert set(positions["investment_class"]) == {"PUBLIC", "OPTIONS", "PRIVATE", None}
    options = positions.filter(investment_class="OPTIONS")["symbol"]
    assert 0 < options.is_in(priced["symbol"].unique().implode()).sum() < len(options) / 2
    assert positions.filter(pl.col("symbol").str.starts_with("EQ"), investment_class="PUBLIC").height
    closed = positions.filter(pl.col("exit_date").is_not_null())
    assert (closed["quantity"] == 0).any()
    assert (closed["quantity"] != 0).any()
    private = positions.group_by("portfolio_id").agg((pl.col("investment_class") == "PRIVATE").all())
    assert private["investment_class"].sum() == 1


def test_one_portfolio_holds_two_lots_of_one_symbol(demo: dict[str, pl.DataFrame]) -> None:
    """No other does: of two lots, the legacy batch weights the last one."""
    counts = demo["positions"].group_by("portfolio_id", "symbol").len()
    assert counts["len"].sort(descending=True)[:2].to_list() == [2, 1]


def test_signs_follow_the_side(any_world: dict[str, pl.DataFrame]) -> None:
    positions = any_world["positions"].filter(pl.col("quantity") != 0)
    short = positions["position_type"].is_in(["SHORT", "SC", "SP"])
    assert ((positions["quantity"] < 0) == short).all()


def test_realized_gains_match_the_closed_lots(demo: dict[str, pl.DataFrame]) -> None:
    """(exit - entry) x quantity for long lots, (entry - exit) x quantity for short ones."""
    events = demo["position_realized_events"].join(
        demo["positions"].filter(pl.col("exit_price").is_not_null()), left_on="position_id",
        right_on="id", suffix="_of_lot",
    )  # fmt: skip
    assert len(events)
    for row in events.iter_rows(named=True):
        short = row["position_type"] in ("SHORT", "SC", "SP")
        gain = row["exit_price"] - row["entry_price"]
        exact = (-gain if short else gain) * row["quantity_closed"]
        assert abs(row["realized_pnl"] - exact) <= Decimal("0.005")
        assert row["realized_pnl"] == row["realized_pnl_of_lot"]


def test_lots_are_opened_before_they_are_closed(any_world: dict[str, pl.DataFrame]) -> None:
    positions = any_world["positions"]
    assert (positions["entry_date"] <= positions["exit_date"].fill_null(END)).all()
    options = positions.filter(pl.col("expiration_date").is_not_null())
    assert (options["entry_date"] <= options["expiration_date"]).all()
    assert options["symbol"].str.contains(r"^[A-Z]{1,5}\d{6}[CP]\d{8}$").all()


def test_flows_are_on_sessions_and_on_other_days(demo: dict[str, pl.DataFrame]) -> None:
    days = demo["equity_changes"]["change_date"].is_in(sessions(date(2024, 1, 1), END))
    assert days.any()
    assert not days.all()
    assert (demo["equity_changes"]["amount"] > 0).all()
    assert (demo["portfolios"]["equity_balance"] > 0).all()


@pytest.mark.parametrize("wrong", [(0, 20, 60), (5, 0, 60), (5, 20, 5)])
def test_impossible_sizes_are_refused(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError):
        demo_world(*wrong)


def test_a_history_that_is_too_short_is_refused() -> None:
    with pytest.raises(UsageError, match="too short"):
        demo_world(years=0.1)
