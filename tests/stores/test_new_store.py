"""A new store comes with the rows that the engine ships."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.batch.copy import create, upgrade
from engine.core.schema import TABLES
from loaders.open import open_reader
from loaders.shipped import fund_durations
from tests.small_stores import a_user, folder, run, world
from tests.stores.conftest import KINDS
from tests.stores.support import copied
from writers import open_writer

Stores = Callable[[str], str]
SHIPPED = {
    "factor_definitions": 13,
    "stress_test_scenarios": 22,
    "benchmarks_sector_weights": 11,
    "engine_fund_durations": 6,
}
DURATIONS = "engine_fund_durations"
COLUMNS = ["id", "symbol", "asof_date", "duration"]
MARKS = {
    "factor_definitions": "description",
    "stress_test_scenarios": "description",
    "benchmarks_sector_weights": "data_source",
    "engine_fund_durations": "data_source",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_store_has_the_shipped_rows_and_says_so(kind: str, empty_store: Stores) -> None:
    url = empty_store(kind)
    assert create(url) == list(TABLES)
    with open_reader(url) as reader:
        for name, count in SHIPPED.items():
            marks = reader.read(name, [MARKS[name]])[MARKS[name]].str.to_lowercase()
            assert marks.len() == count
            assert marks.str.starts_with("shipped").all()
    assert create(url) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_that_exists_is_left_alone(kind: str, empty_store: Stores) -> None:
    url = empty_store(kind)
    with open_writer(url) as writer, writer.transaction():
        writer.create_missing(["factor_definitions"])
    assert "factor_definitions" not in create(url)
    with open_reader(url) as reader:
        assert reader.read("factor_definitions").is_empty()
        assert reader.read("stress_test_scenarios").height == 22


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("maker", ["run", "copy", "upgrade"])
def test_whatever_makes_a_table_of_the_engine_ships_its_rows(
    maker: str, kind: str, empty_store: Stores, tmp_path: Path
) -> None:
    """Only rows that a copy brings along are the source's: here one duration of its own."""
    inputs, url = folder(tmp_path / "inputs", world(users=[a_user()])), empty_store(kind)
    if maker == "run":
        run(inputs, url)
    elif maker == "copy":
        copied(inputs, url)
    else:
        with open_writer(url) as writer, writer.transaction():
            writer.create_missing(set(TABLES) - {DURATIONS})
        upgrade(url)
    assert durations(url) == fund_durations().select(COLUMNS).rows()

    own, other = f"duckdb:///{tmp_path}/own.duckdb", f"duckdb:///{tmp_path}/other.duckdb"
    copied(url, own)
    with open_writer(own) as writer, writer.transaction():
        writer.remove(TABLES[DURATIONS], fund_durations().select(TABLES[DURATIONS].key).slice(1))
    copied(own, other)
    assert durations(other) == durations(own) == fund_durations().select(COLUMNS).rows()[:1]


def durations(url: str) -> list[tuple[object, ...]]:
    """Return what a store says of bond funds, in the order of the shipped rows."""
    with open_reader(url) as reader:
        rows = reader.read(DURATIONS, COLUMNS)
    order = fund_durations().select("symbol").with_row_index()
    return rows.join(order, on="symbol").sort("index").drop("index").rows()


def test_copying_a_new_store_ships_rows_into_tables_that_exist(empty_store: Stores, tmp_path: Path) -> None:
    url, new = empty_store("duckdb"), f"duckdb:///{tmp_path}/new.duckdb"
    with open_writer(url) as writer, writer.transaction():
        writer.create_missing()
    create(new)
    copied(new, url)
    with open_reader(url) as reader:
        assert reader.read("factor_definitions").height == 13
