"""Ids never choose a path, and one portfolio's page never takes those of others along."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import engine
from engine.cli.main import main
from engine.core.errors import NoIdError
from tests.memory_store import MemoryReader
from tests.stores.support import copied, folder_of, golden, run_sql

START, END, RUN_DATE = date(2025, 3, 3), date(2025, 3, 4), date(2026, 11, 23)
IDS = ["../../planted", "/planted", "..", "", "a/b", "x" * 300, "{0}", "a\nb", "'; --"]


def world(kind: str, folder: Path) -> str:
    url = f"{kind}:///{folder}/store" + (".duckdb" if kind == "duckdb" else "")
    copied(golden("mixed"), url)
    engine.backfill(url, url, start=START, end=END, run_date=RUN_DATE)
    return url


@pytest.mark.parametrize("other", IDS)
def test_an_id_that_is_no_uuid_is_refused_on_reading(
    other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url, site = f"parquet:///{tmp_path}/store", tmp_path / "web" / "site"
    copied(golden("mixed"), url)
    path = folder_of(url) / "portfolios.parquet"
    rows = pl.read_parquet(path)
    rows.with_columns(pl.col("id").replace({rows["id"][0]: other})).write_parquet(path)
    site.mkdir(parents=True)
    monkeypatch.chdir(site)
    before = set(tmp_path.rglob("*"))
    days = ["--start", f"{START}", "--end", f"{END}", "--run-date", f"{RUN_DATE}"]
    for words in (
        ["report", url, "--pages", "--out", "fleet.html"],
        ["backfill", "--from", url, "--to", f"parquet:///{tmp_path}/out", *days, "--quiet"],
        ["copy", url, f"duckdb:///{tmp_path}/out.duckdb", "--quiet"],
        ["status", url],
    ):
        assert main(words) == 2
        assert "table portfolios, column id" in capsys.readouterr().err
    new = {path.name for path in set(tmp_path.rglob("*")) - before}
    assert not [name for name in new if "planted" in name or name.endswith(".html")]


def test_a_store_in_memory_refuses_it_too() -> None:
    with pytest.raises(NoIdError, match="'p1' is no UUID"):
        MemoryReader({"portfolios": pl.DataFrame({"id": ["p1"]})}).read("portfolios", ["id"])


def test_one_page_that_fails_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = world("duckdb", tmp_path)
    ((broken, name),) = run_sql(url, "select id::text, name from portfolios order by id limit 1")
    run_sql(url, f"update portfolio_snapshots set sector_exposure = '[7]' where portfolio_id = '{broken}'")
    monkeypatch.chdir(tmp_path)
    assert main(["report", url, "--pages", "--out", "fleet.html"]) == 1
    assert f"no page of portfolio {name} ({broken})" in capsys.readouterr().err
    pages = {path.stem for path in (tmp_path / "fleet").iterdir()}
    assert len(pages) == 4
    assert broken not in pages
    text = (tmp_path / "fleet.html").read_text()
    assert name in text
    assert f"fleet/{broken}.html" not in text


@pytest.mark.parametrize("lacking", [["company_profiles"], ["company_profiles", "benchmarks_sector_weights"]])
def test_pages_of_a_store_that_lacks_rows(
    lacking: list[str], tmp_path: Path, fresh: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty lists have no types: the store before `collect profiles`, and one without a benchmark."""
    url = fresh("duckdb")
    for table in lacking:
        run_sql(url, f"delete from {table}")
    engine.backfill(url, url, start=START, end=END, run_date=RUN_DATE)
    monkeypatch.chdir(tmp_path)
    assert main(["report", url, "--pages", "--out", "fleet.html"]) == 0
    assert len(list((tmp_path / "fleet").iterdir())) == 5
    portfolio = engine.open(url).portfolios["id"][0]
    for figure in ("sector_exposure", "hhi"):
        words = ["--portfolio", portfolio, "--date", f"{END}", "--figure", figure]
        assert main(["explain", url, *words]) == 0
