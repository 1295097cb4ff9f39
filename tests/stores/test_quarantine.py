"""A row that breaks a rule is set aside with its reason; what it does not touch goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.batch.backfill import backfill
from engine.batch.report import Report
from tests.marks import first
from tests.stores.support import GOLDEN, command, files, plain_columns, run_sql, texts

START, END, RUN_DATE = date(2025, 3, 3), date(2025, 3, 5), date(2026, 11, 23)
INPUTS = GOLDEN / "mixed" / "inputs"
NEW_ID = "00000000-0000-4000-8000-0000000000ff"
STRANGER = "00000000-0000-4000-8000-0000000000ee"

Change = Callable[[pl.DataFrame], pl.DataFrame]
Rows = list[tuple[str | None, ...]]
Stores = Callable[[str], str]


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    return Path(shutil.copytree(INPUTS, tmp_path / "inputs"))


def run(source: str, folder: Path) -> tuple[Report, Rows]:
    """Backfill a short window; its report, and the snapshots that it wrote."""
    target = f"duckdb:///{folder}/out.duckdb"
    only = ["portfolio_snapshots"]
    report = backfill(source, target, start=START, end=END, run_date=RUN_DATE, only=only)
    return report, texts(target, "portfolio_snapshots", plain_columns("portfolio_snapshots"))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    report, rows = run(f"parquet:///{INPUTS}", tmp_path_factory.mktemp("expected"))
    assert report.complete
    return rows


def set_first(column: str, value: Any, dtype: Any = None) -> Change:
    """The table's first row with another value in a column."""

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        values = frame[column].cast(dtype) if dtype else frame[column]
        fresh = pl.Series(column, [value], dtype=values.dtype)
        return frame.with_columns(pl.concat([fresh, values.slice(1)]))

    return change


def repeat_first(**changes: Any) -> Change:
    """The table with its first row again, but for some columns."""

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        changed = [pl.lit(value).cast(frame.schema[name]).alias(name) for name, value in changes.items()]
        return pl.concat([frame, frame.head(1).with_columns(changed)])

    return change


def spoil(folder: Path, table: str, change: Change) -> None:
    path = folder / f"{table}.parquet"
    change(pl.read_parquet(path)).write_parquet(path)


def owner_of_first(table: str) -> str:
    return str(files(INPUTS)[table]["id" if table == "portfolios" else "portfolio_id"][0])


@dataclass(frozen=True)
class Broken:
    """A table's change, and what the quarantine says of it; `rows` of them."""

    table: str
    change: Change
    column: str
    value: str
    rule: str
    rows: int = 1

    def __str__(self) -> str:
        return f"{self.table}.{self.column} {self.rule}"


LONG = "X" * 21
NOT_FINITE = [
    Broken(
        "positions",
        set_first("quantity", float("nan"), pl.Float64),
        "quantity",
        "NaN",
        "is not a finite number",
    ),
    Broken(
        "positions",
        set_first("entry_price", float("inf"), pl.Float64),
        "entry_price",
        "inf",
        "is not a finite number",
    ),
]
OWNED = [
    *NOT_FINITE,
    Broken("positions", repeat_first(quantity=2), "id", "", "has the same key as another row", 2),
    Broken("positions", set_first("position_type", "BOND"), "position_type", "BOND", "is none of LC, LP"),
    Broken("positions", set_first("symbol", None), "symbol", "null", "is null"),
    Broken(
        "positions", set_first("entry_date", date(1800, 1, 1)), "entry_date", "1800-01-01", "lies outside"
    ),
    Broken("positions", set_first("exit_date", date(2999, 1, 1)), "exit_date", "2999-01-01", "lies outside"),
    Broken("positions", set_first("symbol", LONG), "symbol", LONG, "is longer than 20 characters"),
    Broken("positions", set_first("id", "not-a-uuid"), "id", "not-a-uuid", "is not a uuid"),
    Broken("portfolios", set_first("name", None), "name", "null", "is null"),
    Broken("portfolios", repeat_first(name="X"), "id", "", "has the same key as another row", 2),
    Broken(
        "equity_changes",
        repeat_first(id=NEW_ID, change_date=START, amount=Decimal(-1)),
        "amount",
        "-1.00",
        "is negative",
    ),
    Broken(
        "equity_changes",
        repeat_first(id=NEW_ID, change_date=START, change_type="GIFT"),
        "change_type",
        "GIFT",
        "is none of CONTRIBUTION, WITHDRAWAL",
    ),
    Broken(
        "position_realized_events",
        repeat_first(id=NEW_ID, trade_date=START, realized_pnl=None),
        "realized_pnl",
        "null",
        "is null",
    ),
]


@pytest.mark.parametrize("broken", first(2, OWNED), ids=str)
def test_a_portfolio_with_a_broken_row_is_refused_and_others_go_on(
    broken: Broken, inputs: Path, tmp_path: Path, expected: Rows
) -> None:
    spoil(inputs, broken.table, broken.change)
    report, rows = run(f"parquet:///{inputs}", tmp_path)
    owner = owner_of_first(broken.table)
    assert report.quarantine.height == broken.rows
    found = report.quarantine.row(0, named=True)
    assert (found["table"], found["column"]) == (broken.table, broken.column)
    assert broken.value in found["value"]
    assert broken.rule in found["rule"]
    assert found["key"]
    assert report.failures["portfolio_id"].unique().to_list() == [owner]
    assert rows == [row for row in expected if row[0] != owner]


PRICED = date(2025, 3, 4)


def close_of(symbol: str, value: Any) -> Change:
    def change(frame: pl.DataFrame) -> pl.DataFrame:
        row = (pl.col("symbol") == symbol) & (pl.col("date") == PRICED)
        closes = pl.col("close").cast(pl.Float64) if isinstance(value, float) else pl.col("close")
        return frame.with_columns(
            pl.when(row).then(pl.lit(value)).otherwise(closes).cast(closes_type(frame, value)).alias("close")
        )

    return change


def closes_type(frame: pl.DataFrame, value: Any) -> pl.DataType:
    return pl.Float64() if isinstance(value, float) else frame.schema["close"]


def close_twice(symbol: str) -> Change:
    def change(frame: pl.DataFrame) -> pl.DataFrame:
        row = frame.filter((pl.col("symbol") == symbol) & (pl.col("date") == PRICED))
        return pl.concat([frame, row.with_columns(pl.col("close") * 2, id=pl.lit(NEW_ID)).cast(frame.schema)])

    return change


@pytest.fixture(scope="module")
def symbol() -> str:
    """A symbol that not every portfolio holds."""
    held = files(INPUTS)["positions"].group_by("symbol").agg(pl.col("portfolio_id").n_unique())
    priced = files(INPUTS)["market_data_cache"].filter(pl.col("date") == PRICED)
    few = held.filter(pl.col("portfolio_id") == 1).join(priced, on="symbol", how="semi")
    return str(few["symbol"].sort()[0])


CLOSES: list[tuple[str, Callable[[str], Change], str, int]] = [
    ("NaN", lambda symbol: close_of(symbol, float("nan")), "is not a finite number", 1),
    ("inf", lambda symbol: close_of(symbol, float("inf")), "is not a finite number", 1),
    ("-1", lambda symbol: close_of(symbol, Decimal("-1")), "is negative", 1),
    ("null", lambda symbol: close_of(symbol, None), "is null", 1),
    ("", close_twice, "has the same key as another row", 2),
]


@pytest.mark.thorough
@pytest.mark.parametrize(("value", "change", "rule", "rows"), CLOSES)
def test_a_broken_price_is_lost_and_no_portfolio_refused(
    value: str,
    change: Callable[[str], Change],
    rule: str,
    rows: int,
    symbol: str,
    inputs: Path,
    tmp_path: Path,
    expected: Rows,
) -> None:
    spoil(inputs, "market_data_cache", change(symbol))
    report, found = run(f"parquet:///{inputs}", tmp_path)
    assert report.failures.is_empty()
    assert not report.complete
    assert report.quarantine["key"].to_list() == [f"{symbol}, {PRICED}"] * rows
    assert report.quarantine["rule"].unique().to_list() == [rule]
    assert all(value in text for text in report.quarantine["value"])
    positions = files(INPUTS)["positions"]
    holders = positions.filter(pl.col("symbol") == symbol)["portfolio_id"].to_list()
    others = [row for row in expected if row[0] not in holders]
    assert others
    assert [row for row in found if row[0] not in holders] == others


@pytest.mark.parametrize("table", ["portfolios", "positions", "market_data_cache", "company_profiles"])
def test_of_rows_that_are_equal_one_is_kept_and_it_is_told(
    table: str, inputs: Path, tmp_path: Path, expected: Rows
) -> None:
    spoil(inputs, table, lambda frame: pl.concat([frame, frame, frame.head(5)]))
    report, found = run(f"parquet:///{inputs}", tmp_path)
    assert report.failures.is_empty()
    assert not report.complete
    assert set(report.quarantine["table"]) == {table}
    assert report.quarantine["rule"].unique().to_list() == [
        "is there more than once, all values equal: used once"
    ]
    assert report.quarantine["key"].is_unique().all()
    assert found == expected


ORPHANS = [
    ("position_realized_events", repeat_first(id=NEW_ID, trade_date=START, portfolio_id=STRANGER)),
    ("equity_changes", repeat_first(id=NEW_ID, change_date=START, portfolio_id=STRANGER)),
    ("positions", repeat_first(id=NEW_ID, portfolio_id=STRANGER)),
    ("position_tags", repeat_first(id=NEW_ID, position_id=STRANGER)),
]


@pytest.mark.thorough
@pytest.mark.parametrize(("table", "change"), ORPHANS)
def test_rows_of_a_portfolio_that_is_not_there_change_nothing(
    table: str, change: Change, inputs: Path, tmp_path: Path, expected: Rows
) -> None:
    spoil(inputs, table, change)
    _, rows = run(f"parquet:///{inputs}", tmp_path)
    assert rows == expected


def test_a_portfolio_never_funded_is_refused(inputs: Path, tmp_path: Path, expected: Rows) -> None:
    spoil(inputs, "portfolios", set_first("equity_balance", None))
    report, rows = run(f"parquet:///{inputs}", tmp_path)
    owner = owner_of_first("portfolios")
    assert report.failures["portfolio_id"].to_list() == [owner]
    assert rows == [row for row in expected if row[0] != owner]


def test_the_command_ends_with_code_1_and_names_the_row(inputs: Path, tmp_path: Path) -> None:
    spoil(inputs, "positions", set_first("position_type", "BOND"))
    window = ("--start", str(START), "--end", str(END), "--run-date", str(RUN_DATE))
    ended = command(
        tmp_path, "backfill", "--from", f"parquet:///{inputs}", "--to", f"duckdb:///{tmp_path}/x", *window
    )
    first = files(INPUTS)["positions"].row(0, named=True)
    assert ended.code == 1
    assert f"quarantined: positions {first['id']}: position_type = BOND is none of LC" in ended.out
    assert '"rule": "is none of LC' in ended.results


def upper(*columns: str) -> Change:
    return lambda frame: frame.with_columns(pl.col(columns).str.to_uppercase())


def cast(dtype: Any, *columns: str) -> Change:
    return lambda frame: frame.with_columns(pl.col(columns).cast(dtype))


def moments(frame: pl.DataFrame, change: Callable[[pl.Expr], pl.Expr]) -> pl.DataFrame:
    names = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    return frame.with_columns(change(pl.col(name)) for name in names)


FORMS: dict[str, dict[str, Change]] = {
    "upper-case ids": {
        "portfolios": upper("id", "user_id"),
        "position_realized_events": upper("portfolio_id", "position_id"),
    },
    "every id upper-case but the portfolios'": {
        "positions": upper("id", "portfolio_id"),
        "equity_changes": upper("id", "portfolio_id"),
    },
    "wide integers": {"factor_definitions": cast(pl.Int64, "display_order")},
    "narrow integers": {"market_data_cache": lambda frame: frame.with_columns(volume=pl.lit(1, pl.Int16))},
    "nanoseconds": {"portfolios": lambda frame: moments(frame, lambda time: time.dt.cast_time_unit("ns"))},
    "milliseconds": {"positions": lambda frame: moments(frame, lambda time: time.dt.cast_time_unit("ms"))},
    "no zone": {"portfolios": lambda frame: moments(frame, lambda time: time.dt.replace_time_zone(None))},
    "another zone": {
        "positions": lambda frame: moments(frame, lambda time: time.dt.convert_time_zone("Asia/Tokyo"))
    },
    "closes as floats": {"market_data_cache": cast(pl.Float64, "close", "open")},
    "quantities as floats": {"positions": cast(pl.Float64, "quantity", "entry_price", "exit_price")},
    "dictionaries": {
        "positions": cast(pl.Categorical, "symbol", "position_type", "investment_class"),
        "market_data_cache": cast(pl.Categorical, "symbol"),
    },
    "wide decimals": {
        "market_data_cache": cast(pl.Decimal(38, 10), "close"),
        "positions": cast(pl.Decimal(30, 8), "quantity", "entry_price"),
        "equity_changes": cast(pl.Decimal(20, 6), "amount"),
    },
    "columns of nulls without a type": {"portfolios": cast(pl.Null, "deleted_at", "description")},
    "columns of nulls of another type": {
        "portfolios": lambda frame: frame.with_columns(deleted_at=pl.lit(None, pl.Int32))
    },
    "columns in another order": {"positions": lambda frame: frame.select(reversed(frame.columns))},
    "columns of others": {"positions": lambda frame: frame.with_columns(mine=pl.lit([1, 2]))},
    "rows in another order": {
        "positions": lambda frame: frame.reverse(),
        "market_data_cache": lambda frame: frame.reverse(),
    },
}


@pytest.mark.thorough
@pytest.mark.parametrize("form", FORMS)
def test_other_forms_of_the_same_values_give_the_same_result(
    form: str, inputs: Path, tmp_path: Path, expected: Rows
) -> None:
    for table, change in FORMS[form].items():
        spoil(inputs, table, change)
    report, rows = run(f"parquet:///{inputs}", tmp_path)
    assert report.complete
    assert rows == expected


def test_a_portfolio_asked_for_is_found_however_its_id_is_spelt(inputs: Path, tmp_path: Path) -> None:
    from uuid import UUID

    for table, change in FORMS["upper-case ids"].items():
        spoil(inputs, table, change)
    wanted = UUID(owner_of_first("portfolios"))
    target = f"duckdb:///{tmp_path}/x.duckdb"
    report = backfill(
        f"parquet:///{inputs}", target, start=START, end=END, run_date=RUN_DATE, portfolios=[wanted]
    )
    assert report.complete
    assert {row[0] for row in texts(target, "portfolio_snapshots", ["portfolio_id"])} == {str(wanted)}


@pytest.mark.parametrize("value", first(1, ["NaN", "Infinity", "-Infinity"]))
def test_a_postgres_numeric_that_is_no_number_is_quarantined(
    value: str, symbol: str, fresh: Stores, tmp_path: Path, expected: Rows
) -> None:
    """Legal in Postgres' numeric."""
    url = fresh("postgres")
    run_sql(url, "alter table market_data_cache alter column close type numeric")
    where = f"where symbol = '{symbol}' and date = '{PRICED}'"
    run_sql(url, f"update market_data_cache set close = '{value}' {where}")
    report, rows = run(url, tmp_path)
    assert set(report.quarantine["key"]) == {f"{symbol}, {PRICED}"}
    assert "is not a finite number" in report.quarantine["rule"]
    assert len(rows) == len(expected)


def test_a_postgres_numeric_of_any_width_is_read(fresh: Stores, tmp_path: Path, expected: Rows) -> None:
    """More digits than a decimal can carry are rounded to the column's, half away from zero."""
    url = fresh("postgres")
    run_sql(url, "alter table market_data_cache alter column close type numeric")
    run_sql(url, "update market_data_cache set close = close + 0.00000000000000000001")
    report, rows = run(url, tmp_path)
    assert report.complete
    assert rows == expected


def test_a_date_without_end_in_postgres_is_quarantined(fresh: Stores, tmp_path: Path, expected: Rows) -> None:
    url = fresh("postgres")
    first = files(INPUTS)["positions"].row(0, named=True)
    run_sql(url, f"update positions set entry_date = 'infinity' where id = '{first['id']}'")
    report, rows = run(url, tmp_path)
    assert report.quarantine["column"].to_list() == ["entry_date"]
    assert rows == [row for row in expected if row[0] != first["portfolio_id"]]
