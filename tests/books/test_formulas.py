"""Cells that begin with =, +, - or @: text on the way in, and the same text in all that the engine writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

import engine
from engine.reports import fleet_page, portfolio_page
from tests.docs.running import engine as command
from tests.marks import first
from tests.pages.document import parsed

TEXTS = ('=HYPERLINK("http://a.invalid","b")', "+1+1", "-2+3", "@SUM(A1)")
DAY = date(2025, 3, 4)


def imported(url: str, name: str, folder: Path) -> str:
    """Import a book with a name, and descriptions and notes that begin with each sign; return the preview."""
    quoted = [text.replace('"', '""') for text in TEXTS]
    rows = [f'S{number},"{text}",5,9' for number, text in enumerate(quoted)]
    notes = [f'2025-03-04,100,"{text}"' for text in quoted]
    closes = [f"2025-03-0{day},10,10,10,10" for day in (3, 4)]
    for kind, lines in (
        ("positions", ["Symbol,Name,Qty,Cost", *rows]),
        ("flows", ["Date,Amount,Note", *notes]),
        ("prices", ["Date,S0,S1,S2,S3", *closes]),
    ):
        (folder / f"{kind}.csv").write_text("\n".join([*lines, ""]))
    files = [f"--{kind}={folder / kind}.csv" for kind in ("positions", "flows", "prices")]
    code, output, errors = command(["import", url, *files, f"--portfolio={name}", "--json"])
    assert code == 0, errors
    return output


@pytest.mark.parametrize("kind", first(1, ["duckdb", "parquet", "postgres"]))
def test_texts_of_a_book_are_stored_as_they_are(
    kind: str, empty_store: Callable[[str], str], tmp_path: Path
) -> None:
    url = empty_store(kind)
    for name in TEXTS:
        assert json.loads(imported(url, name, tmp_path))["written"]
    store = engine.open(url)
    assert set(store.portfolios["name"]) == set(TEXTS)
    assert set(store.read("equity_changes")["notes"]) == set(TEXTS)


@pytest.mark.thorough
def test_pages_and_tables_show_them_as_text(tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path}/book.duckdb"
    for name in TEXTS:
        imported(url, name, tmp_path)
    engine.backfill(url, url, start=DAY, end=DAY, run_date=DAY)
    fleet = fleet_page(url)
    rows = [node.text for node in parsed(fleet).all("th", scope="row")]
    assert {name for name in TEXTS if any(name in row for row in rows)} == set(TEXTS)
    for name in TEXTS:
        page = portfolio_page(url, name)
        assert name in parsed(page).one("h1").text
        for text in (page, fleet):
            assert not [node for node in parsed(text).all("a") if "invalid" in node.attributes["href"]]
            assert 'th, td { mso-number-format: "\\@"; }' in text
    listed = json.loads(command(["status", url, "--json"])[1])["portfolios"]
    assert {row["name"] for row in listed} == set(TEXTS)
