"""Text from a store stays text on a page and never becomes markup."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from engine.reports import comparison_page, fleet_page, portfolio_page
from engine.reports.charts.bars import signed_bars
from engine.reports.charts.drawing import chart
from engine.reports.charts.sparks import spark
from tests.pages.conftest import golden_store
from tests.pages.document import parsed

pytestmark = pytest.mark.thorough

BAD = '</title><script>alert("1")</script><img src=x onerror=alert(2)>&amp;'
SYMBOL = "<b>A&B</b>"


@pytest.fixture
def hostile(tmp_path: Path) -> str:
    """The golden set edge with hostile names of a portfolio and a symbol."""
    url = golden_store("edge", tmp_path)
    for table, column, old, new in (
        ("portfolios", "name", "E7 Unpriced public", BAD),
        ("positions", "symbol", "NOPRICE", SYMBOL),
    ):
        file = tmp_path / f"{table}.parquet"
        frame = pl.read_parquet(file)
        frame.with_columns(pl.col(column).cast(pl.String).replace(old, new)).write_parquet(file)
    return url


def test_names_stay_text(hostile: str) -> None:
    texts = portfolio_page(hostile, BAD), fleet_page(hostile), comparison_page(hostile, BAD, "E8 Control")
    page, fleet, pair = map(parsed, texts)
    for document in (page, fleet, pair):
        assert len([script for script in document.all("script") if not script.attributes]) == 1
        assert not document.all("img")
        assert not document.all("b")
        assert BAD in document.one("body").text
    assert SYMBOL in page.one("main").text


def test_drawings_escape_their_words_too() -> None:
    frame = pl.DataFrame({"name": [BAD, SYMBOL], "value": [1.0, -1.0]})
    drawn = chart(BAD, BAD, signed_bars(frame, "~s"), 200)
    for drawing in (drawn.wide, drawn.narrow, spark([1.0, 2.0], BAD)):
        root = parsed(drawing)
        assert root.one("svg").attributes["aria-label"] == BAD
        assert {node.tag for node in root.walk()} <= {"document", "svg", "g", "path", "line", "text"}
