"""Durations and rates that a run reads: the store's rows, or the shipped durations where it has none."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from engine.core.window import Window
from engine.pipeline.inputs import Inputs
from loaders.schema_rows import schema_rows
from loaders.shipped import fund_durations
from loaders.window import load_window
from tests.builders import close, portfolio, position, uid
from tests.memory_store import MemoryReader
from tests.small_stores import world

DAY = date(2025, 4, 7)
NAME = "engine_fund_durations"


def loaded(**tables: pl.DataFrame) -> Inputs:
    frames = world(
        portfolios=[portfolio()], positions=[position("AAA")], market_data_cache=[close(DAY, "1", "AAA")]
    )
    with MemoryReader({**frames, **tables}) as reader:
        return load_window(reader, Window(DAY, DAY, DAY))


def read(**tables: pl.DataFrame) -> pl.DataFrame:
    return loaded(**tables).durations


def test_a_store_without_rows_reads_the_shipped_ones() -> None:
    shipped = fund_durations()
    for found in (read(), read(engine_fund_durations=shipped.clear())):
        assert found.equals(shipped.select(found.columns).sort("symbol", "asof_date"))


def test_rows_of_the_store_stand_for_all_the_shipped_ones() -> None:
    own = pl.DataFrame({"symbol": ["TLT", "IEF"], "asof_date": DAY, "duration": [15.5, 7.25]})
    ids = pl.Series("id", [uid("TLT"), uid("IEF")])
    found = read(engine_fund_durations=schema_rows(NAME, own.with_columns(ids), data_source="own"))
    assert found.select("symbol", pl.col("duration").cast(float)).rows() == [("IEF", 7.25), ("TLT", 15.5)]


def test_each_shipped_row_has_its_day_and_its_source() -> None:
    rows = fund_durations()
    assert rows["data_source"].str.starts_with("shipped: ").all()
    assert rows["asof_date"].max() < date(2025, 1, 1)  # type: ignore[operator]
    assert "TLT" in rows["symbol"]


def test_rates_are_the_store_s_alone() -> None:
    assert loaded().interest_rates.is_empty()
    rows = pl.DataFrame({"asof_date": [DAY, DAY - timedelta(7)], "rate": [0.043, 0.042]})
    ids = pl.Series("id", [uid("1"), uid("2")])
    table = schema_rows("engine_interest_rates", rows.with_columns(ids), data_source="own")
    found = loaded(engine_interest_rates=table).interest_rates
    assert found["rate"].cast(float).to_list() == [0.042, 0.043]
