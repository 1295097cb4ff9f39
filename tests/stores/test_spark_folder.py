"""Folders that a real Spark wrote: two parts each, one empty or nearly so, and checksums beside them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from loaders import open_reader
from tests.small_stores import content, folder, run, snapshots, unequal, world

SPARK = Path(__file__).parent / "spark"
"""The required tables of `world()` as PySpark 4.3.0 wrote them: `spark.read.parquet(file).repartition(2)
.write.parquet(folder)` with `spark.sql.parquet.outputTimestampType=INT96`, its default before version 4, and
`spark.sql.parquet.writeLegacyFormat=true`: times of 12 bytes, decimals of fixed length."""
TABLES = ("portfolios", "positions", "market_data_cache")


@pytest.fixture
def spark(tmp_path: Path) -> str:
    shutil.copytree(SPARK, tmp_path / "spark")
    return f"parquet:///{tmp_path}/spark"


@pytest.mark.parametrize("name", TABLES)
def test_the_rows_are_those_that_spark_was_given(name: str, spark: str, tmp_path: Path) -> None:
    entries = {path.name for path in (tmp_path / "spark" / f"{name}.parquet").iterdir()}
    assert entries > {"_SUCCESS", "._SUCCESS.crc"}
    with open_reader(spark) as reader:
        rows = reader.read(name)
    expected = world()[name]
    assert rows.sort("id").equals(expected.select(rows.columns).sort("id"))


def test_figures_are_those_of_plain_files(spark: str, tmp_path: Path) -> None:
    targets = [f"parquet:///{tmp_path}/{name}" for name in ("one", "two")]
    run(spark, targets[0])
    run(folder(tmp_path / "plain", {name: world()[name] for name in TABLES}), targets[1])
    assert snapshots(targets[0]).height == 8
    assert unequal(content(targets[0]), content(targets[1])) == []
