"""Parquet files that need no adapting: read by Polars, with the rows that a statement of DuckDB gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from engine.batch.copy import write_frames
from engine.core.errors import ReadError
from engine.core.frames import polars_schema
from engine.core.progress import Quiet
from engine.core.schema import TABLES
from loaders import open_reader
from loaders.parquet import reader as parquet_reader
from loaders.parquet.as_written import rows_as_written
from tests.builders import position
from tests.small_stores import SESSIONS, a_user, rising, run, world

TAGS = TABLES["tags_v2"]
COLUMNS = [TAGS[name] for name in ("id", "user_id", "name", "created_at")]
ID, OTHER = "0a000000-0000-4000-8000-00000000000a", "0b000000-0000-4000-8000-00000000000b"


def tags(**changed: pl.Series) -> pl.DataFrame:
    rows = pl.DataFrame({"id": [ID], "user_id": [OTHER], "name": ["growth"], "created_at": [None]})
    return rows.cast(polars_schema(TAGS, rows.columns)).with_columns(**changed)  # type: ignore[arg-type]


def test_a_store_is_read_as_by_statements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"parquet:///{tmp_path / 'store'}"
    held = [position(entry_date=SESSIONS[0])]
    frames = world(users=[a_user()], market_data_cache=rising(), positions=held)
    write_frames(url, frames, 5_000, Quiet())
    run(url)
    found = []

    def noted(*asked: object) -> pl.DataFrame | None:
        found.append(rows_as_written(*asked))  # type: ignore[arg-type]
        return found[-1]

    monkeypatch.setattr(parquet_reader, "rows_as_written", noted)
    with open_reader(url) as opened:
        names = sorted(opened.tables() - opened.empty_tables)
        direct = {name: opened.read(name) for name in names}
        monkeypatch.setattr(parquet_reader, "rows_as_written", lambda *_: None)
        by_statement = {name: opened.read(name) for name in names}
    assert len(found) == len(names)
    assert {"positions", "portfolio_snapshots", "analytics_status", "engine_runs"} < {*names}
    assert all(rows is not None for rows in found)
    for name in names:
        assert direct[name].schema == by_statement[name].schema
        assert direct[name].equals(by_statement[name]), name


def test_rows_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.parquet" for name in ("b", "a")]
    for path in paths:
        tags(name=pl.Series([path.stem])).write_parquet(path)
    rows = rows_as_written(paths, COLUMNS)
    assert rows is not None
    assert rows["name"].to_list() == ["b", "a"]
    assert rows.columns == ["id", "user_id", "name", "created_at"]


def test_nulls_and_columns_of_other_programs_are_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "tags_v2.parquet"
    tags(user_id=pl.Series([None], dtype=pl.String), colour=pl.lit("red")).write_parquet(path)
    rows = rows_as_written([path], COLUMNS)
    assert rows is not None
    assert rows.row(0) == (ID, None, "growth", None)


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.with_columns(pl.col("user_id").str.to_uppercase()),
        lambda rows: rows.with_columns(user_id="{" + pl.col("user_id") + "}"),
        lambda rows: rows.with_columns(pl.col("user_id").str.replace_all("-", "")),
        lambda rows: rows.with_columns(pl.col("id").cast(pl.Binary)),
        lambda rows: rows.with_columns(pl.col("created_at").dt.cast_time_unit("ns")),
        lambda rows: rows.with_columns(name=pl.lit(7)),
        lambda rows: rows.drop("name"),
        lambda rows: rows.rename({"name": "Name"}),
    ],
)
def test_other_forms_are_left_to_statements(
    change: Callable[[pl.DataFrame], pl.DataFrame], tmp_path: Path
) -> None:
    path = tmp_path / "tags_v2.parquet"
    change(tags()).write_parquet(path)
    assert rows_as_written([path], COLUMNS) is None


def test_a_damaged_file_is_an_error_of_its_store(tmp_path: Path) -> None:
    path = tmp_path / "tags_v2.parquet"
    tags().write_parquet(path, compression="uncompressed")
    raw = bytearray(path.read_bytes())
    raw[4:60] = bytes(56)
    path.write_bytes(raw)
    assert rows_as_written([path], COLUMNS) is None
    with open_reader(f"parquet:///{tmp_path}") as opened, pytest.raises(ReadError):
        opened.read("tags_v2", ["id", "name"])
