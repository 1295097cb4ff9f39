"""Tables of a Parquet folder are opened when they are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import StoreUnreachableError
from engine.core.store_url import StoreURL
from loaders import open_reader
from loaders.lazy_tables import LazyTables
from loaders.parquet.reader import ParquetReader
from tests.small_stores import folder, world


def test_a_value_is_made_once_and_only_if_it_is_asked_for() -> None:
    made: list[str] = []
    tables = LazyTables(["a", "b"], lambda name: (made.append(name), name.upper())[1])
    assert "b" in tables
    assert "c" not in tables
    assert [*tables] == ["a", "b"]
    assert made == []
    assert tables["b"] + tables["b"] == "BB"
    assert tables.get("c") is None
    assert made == ["b"]


def test_a_file_that_is_not_parquet_matters_where_its_table_is_read(tmp_path: Path) -> None:
    url = folder(tmp_path / "a", world())
    (tmp_path / "a" / "users.parquet").write_text("none")
    with pytest.raises(StoreUnreachableError, match="users: "):
        open_reader(url)
    with ParquetReader(StoreURL.parse(url), checked=False) as reader:
        assert reader.read("positions").height == 1
