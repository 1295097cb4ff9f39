"""Whole tables from store to store: nothing is lost, changed or added on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from engine.batch.copy import write_frames
from engine.core.errors import WriteError
from engine.core.frames import polars_schema
from engine.core.progress import Quiet
from engine.core.row_ids import ID_WORDS
from engine.core.schema import TABLES
from loaders import open_reader
from tests.builders import status
from tests.marks import first
from tests.memory_store import frame_of
from tests.stores.conftest import KINDS
from tests.stores.support import GOLDEN, copied, files, golden, run_sql, texts, whole
from writers import open_writer

STAMP = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ODD_TEXTS = [
    "",
    " ",
    "a,b",
    'say "x"',
    "it's",
    "two\nlines",
    "bare\rreturn",
    "\\.",
    "\\N",
    "NULL",
    "é☃𝄞",
    "\t|",
    None,
]


def by_value(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    """Rows in the order of their ids, documents by what they say, times in one unit and zone."""
    shaped = {
        column.name: pl.col(column.name).map_elements(_canonical, return_dtype=pl.String)
        for column in TABLES[table].columns
        if column.type.kind == "json"
    }
    moments = {
        name: pl.col(name).dt.replace_time_zone("UTC") if kind.time_zone is None else pl.col(name)
        for name, kind in frame.schema.items()
        if isinstance(kind, pl.Datetime)
    }
    key = TABLES[table].primary_key
    return frame.with_columns(**shaped, **moments).sort(key)


def _canonical(document: str) -> str:
    return json.dumps(json.loads(document), sort_keys=True)


@pytest.mark.parametrize("name", first(1, ["edge", "mixed_today", "mixed"]))
def test_parquet_to_postgres_to_duckdb_to_parquet(name: str, postgres_url: str, tmp_path: Path) -> None:
    """A legacy run's outputs are laid over its inputs, as they were in the legacy database."""
    duck, back = f"duckdb:///{tmp_path}/middle.duckdb", tmp_path / "back"
    copied(golden(name), postgres_url)
    copied(golden(name, "outputs"), postgres_url)
    copied(postgres_url, duck)
    copied(duck, f"parquet:///{back}")
    after = files(back)
    for table, before in (files(GOLDEN / name / "inputs") | files(GOLDEN / name / "outputs")).items():
        arrived = after[table].join(before, on=TABLES[table].primary_key, how="semi")
        assert all(column.legacy == (column.name in before.columns) for column in TABLES[table].columns)
        arrived = arrived.select(column.name for column in TABLES[table].columns if column.legacy)
        old, new = by_value(before, table), by_value(arrived, table)
        assert new.columns == old.columns
        assert_frame_equal(new, old, check_dtypes=False, check_exact=True)


@pytest.mark.thorough
def test_nan_is_stored_where_a_figure_may_be_undefined(postgres_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "heads"
    folder.mkdir()
    original = files(GOLDEN / "edge" / "outputs")["correlation_calculations"]
    undefined = pl.int_range(pl.len()) % 3 == 0
    changed = original.with_columns(
        overall_correlation=pl.when(undefined).then(float("nan")).otherwise("overall_correlation")
    )
    changed.write_parquet(folder / "correlation_calculations.parquet")
    copied(golden("edge"), postgres_url)
    copied(f"parquet:///{folder}", postgres_url)
    count = "select count(*) from correlation_calculations where overall_correlation = 'NaN'"
    assert run_sql(postgres_url, count) == [(changed["overall_correlation"].is_nan().sum(),)]


def users(texts: list[str | None]) -> pl.DataFrame:
    rows = [
        {
            "id": f"00000000-0000-4000-8000-{number:012x}",
            "email": f"{number}@x",
            "hashed_password": "",
            "full_name": text or "",
            "is_active": number % 2 == 0,
            "created_at": STAMP,
            "updated_at": STAMP,
        }
        for number, text in enumerate(texts)
    ]
    return pl.DataFrame(rows, schema=polars_schema(TABLES["users"]))


def portfolios(texts: list[str | None]) -> pl.DataFrame:
    """One portfolio for each text: in a nullable column, with extremes of numeric(16,2)."""
    largest = Decimal("99999999999999.99")
    money = [largest, -largest, Decimal("0.01"), Decimal("-0.01"), Decimal(0), None]
    rows = [
        {
            "id": f"10000000-0000-4000-8000-{number:012x}",
            "user_id": "00000000-0000-4000-8000-000000000000",
            "name": text or "",
            "account_name": f"{number}",
            "account_type": "x",
            "is_active": True,
            "description": text,
            "currency": "USD",
            "equity_balance": money[number % len(money)],
            "created_at": STAMP,
            "updated_at": datetime(1970, 1, 1, tzinfo=UTC),
            "deleted_at": None if number % 2 else STAMP,
        }
        for number, text in enumerate(texts)
    ]
    return pl.DataFrame(rows, schema=polars_schema(TABLES["portfolios"]))


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    folder = tmp_path / "odd"
    folder.mkdir()
    users(ODD_TEXTS).write_parquet(folder / "users.parquet")
    portfolios(ODD_TEXTS).write_parquet(folder / "portfolios.parquet")
    return folder


@pytest.mark.parametrize("batch_rows", [1, 5_000])
def test_odd_texts_and_extremes_arrive_in_postgres(odd: Path, postgres_url: str, batch_rows: int) -> None:
    copied(f"parquet:///{odd}", postgres_url, batch_rows)
    columns = "id::text, description, equity_balance, deleted_at"
    stored = run_sql(postgres_url, f"select {columns} from portfolios order by id")
    expected = files(odd)["portfolios"].select("id", "description", "equity_balance", "deleted_at").rows()
    assert stored == expected


def test_fourteen_decimals_come_back_from_postgres(postgres_url: str) -> None:
    fine = {
        "id": f"{1:08x}-0000-4000-8000-000000000000",
        "portfolio_id": portfolios([""])["id"][0],
        "calculation_date": STAMP.date(),
        "volatility": Decimal("0.08815322165027"),
        "factor_volatility": Decimal("-0.00000000000001"),
        "specific_volatility": Decimal("123456.00000000000001"),
        "factor_share": Decimal(0),
    }
    row = frame_of("engine_risk", [fine])
    owner = {"users": users([""]), "portfolios": portfolios([""])}
    write_frames(postgres_url, {**owner, "engine_risk": row}, 5_000, Quiet())
    with open_reader(postgres_url) as reader:
        assert reader.read("engine_risk").row(0, named=True) == fine


def test_odd_texts_and_extremes_come_back(odd: Path, postgres_url: str, tmp_path: Path) -> None:
    duck, back = f"duckdb:///{tmp_path}/odd.duckdb", f"parquet:///{tmp_path}/back"
    copied(f"parquet:///{odd}", duck)
    copied(duck, postgres_url)
    copied(postgres_url, back)
    for table, frame in files(odd).items():
        assert_frame_equal(files(tmp_path / "back")[table], frame, check_exact=True)


def market(symbols: list[str], closes: list[Any]) -> pl.DataFrame:
    rows = [
        {
            "id": f"20000000-0000-4000-8000-{number:012x}",
            "symbol": symbol,
            "date": date(2025, 1, 2),
            "close": close,
            "data_source": "x",
            "created_at": STAMP,
            "updated_at": STAMP,
        }
        for number, (symbol, close) in enumerate(zip(symbols, closes, strict=True))
    ]
    return pl.DataFrame(rows, schema=polars_schema(TABLES["market_data_cache"]))


@pytest.mark.thorough
def test_copying_again_changes_nothing(odd: Path, postgres_url: str, tmp_path: Path) -> None:
    source = f"parquet:///{odd}"
    for target in (postgres_url, f"duckdb:///{tmp_path}/x.duckdb", f"parquet:///{tmp_path}/x"):
        copied(source, target)
        once = whole(target)
        copied(source, target)
        assert whole(target) == once


@pytest.mark.thorough
def test_rows_of_the_same_key_are_updated_and_others_stay(postgres_url: str, tmp_path: Path) -> None:
    """The natural key (symbol, date) decides, not the row id."""
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, frame in (
        (old, market(["AAA", "BBB"], [Decimal(1), Decimal(2)])),
        (new, market(["CCC", "BBB"], [Decimal(3), Decimal(4)])),
    ):
        folder.mkdir()
        ids = pl.col("id").str.replace("^2", "2" if folder == old else "3")
        frame.with_columns(ids).write_parquet(folder / "market_data_cache.parquet")
    for target in (postgres_url, f"duckdb:///{tmp_path}/x.duckdb", f"parquet:///{tmp_path}/x"):
        copied(f"parquet:///{old}", target)
        copied(f"parquet:///{new}", target)
        copied(target, f"parquet:///{tmp_path}/seen")
        seen = pl.read_parquet(tmp_path / "seen" / "market_data_cache.parquet")
        closes = dict(seen.select("symbol", pl.col("close").cast(pl.Int64)).rows())
        assert closes == {"AAA": 1, "BBB": 4, "CCC": 3}


def factors(number: int) -> dict[str, pl.DataFrame]:
    """One factor under an id of its own, and one exposure of a portfolio to it."""
    owner, factor = portfolios([""]), f"{number:08x}-0000-4000-8000-000000000000"
    definition = {
        "id": factor,
        "name": "Value",
        "factor_type": "style",
        "display_order": number,
        "is_active": True,
    }
    exposure = {
        "id": f"{number:08x}-0000-4000-8000-000000000001",
        "portfolio_id": owner["id"][0],
        "factor_id": factor,
        "calculation_date": date(2025, 1, number),
        "exposure_value": Decimal(number),
    }
    stamps = {"created_at": STAMP, "updated_at": STAMP}
    return {
        "users": users([""]),
        "portfolios": owner,
        "factor_definitions": frame_of("factor_definitions", [definition | stamps]),
        "factor_exposures": frame_of("factor_exposures", [exposure | stamps]),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_rows_follow_a_parent_that_the_target_has_under_another_id(
    kind: str, empty_store: Callable[[str], str], tmp_path: Path
) -> None:
    target = empty_store(kind)
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, frame in factors(number).items():
            frame.write_parquet(folder / f"{name}.parquet")
        copied(f"parquet:///{folder}", target)
    definitions = texts(target, "factor_definitions", ["id", "display_order"])
    assert len(definitions) == 1
    assert definitions[0][1] == "2"
    exposures = texts(target, "factor_exposures", ["factor_id", "calculation_date"])
    assert exposures == [(definitions[0][0], "2025-01-01"), (definitions[0][0], "2025-01-02")]


@pytest.mark.parametrize("kind", ["duckdb", "parquet"])
def test_what_an_exact_column_cannot_hold_is_not_copied(
    kind: str, odd: Path, tmp_path: Path, empty_store: Callable[[str], str]
) -> None:
    path = odd / "portfolios.parquet"
    frame = pl.read_parquet(path)
    frame.with_columns(equity_balance=pl.lit(float("nan"))).write_parquet(path)
    target = empty_store(kind)
    with pytest.raises(WriteError, match="portfolios"):
        copied(f"parquet:///{odd}", target)
    with open_reader(target) as reader:
        assert reader.tables() == set()


def test_a_store_is_not_copied_onto_itself(odd: Path, postgres_url: str) -> None:
    for one, other in (
        (f"parquet:///{odd}", f"parquet:///{odd}/../odd"),
        (postgres_url, postgres_url.replace("postgresql", "postgres", 1) + "?application_name=x"),
    ):
        with pytest.raises(ValueError, match="one and the same"):
            copied(one, other)


def test_ids_as_words_are_stored_to_the_bit(tmp_path: Path) -> None:
    url, top = f"duckdb:///{tmp_path}/store.duckdb", 2**64 - 1
    words = [(0, 0), (top, top), (2**63, 0), (2**63 - 1, 1), (0, 2**63), (1, top)]
    rows = [status(f"{high} {low}", STAMP.date()) for high, low in words]
    frame = frame_of("analytics_status", rows)
    ids = pl.Series("id", [{"high": high, "low": low} for high, low in words], ID_WORDS)
    with open_writer(url) as writer, writer.transaction():
        writer.create_missing()
        writer.insert(TABLES["analytics_status"], frame.with_columns(ids))
    stored = run_sql(url, "select id::text, job from analytics_status")
    assert sorted(stored) == sorted((str(UUID(int=h << 64 | low)), f"{h} {low}") for h, low in words)
