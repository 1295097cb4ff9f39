"""Copies of whole tables: what of the target outlives them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from engine.batch.copy import write_frames
from engine.core.progress import Quiet
from loaders import open_reader
from loaders.shipped import factor_rows
from tests.marks import first


@pytest.mark.parametrize("kind", first(1, ["duckdb", "parquet"]))
def test_a_copy_leaves_what_the_application_calls_a_spread(kind: str, tmp_path: Path) -> None:
    """An older migration of the application named the type so, and one of its endpoints asks for it."""
    url = f"{kind}:///{tmp_path}/store"
    shipped = factor_rows()
    spread = pl.col("name").str.ends_with("Spread")
    assert shipped.filter(spread)["factor_type"].to_list() == ["style"] * 4
    migrated = shipped.with_columns(
        factor_type=pl.when(spread).then(pl.lit("spread")).otherwise("factor_type")
    )
    for written, stored in ((shipped, "style"), (migrated, "spread"), (shipped, "spread")):
        rows = write_frames(url, {"factor_definitions": written}, 5_000, Quiet())
        assert rows == {"factor_definitions": shipped.height}
        with open_reader(url) as reader:
            definitions = reader.read("factor_definitions")
        assert definitions.filter(spread)["factor_type"].to_list() == [stored] * 4
        assert definitions.height == shipped.height
