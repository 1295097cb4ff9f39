"""Results: rows that are made when a table is first asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from engine.core.row_ids import ID_WORDS, BadKeyError
from engine.pipeline import results
from engine.pipeline.results import Results, StoredTables

STAMP = datetime(2026, 11, 26, tzinfo=UTC)
TRACKED = pl.DataFrame({"run_date": [date(2026, 11, 25), date(2026, 11, 24)]})
STATUS = pl.DataFrame(
    {
        "portfolio_id": ["a"],
        "calculation_date": [date(2026, 11, 24)],
        "job": ["pnl"],
        "status": ["ok"],
        "positions_used": [1],
        "positions_left_out": [0],
    }
)
PORTFOLIOS = pl.DataFrame({"id": ["a", "b", "c"]})


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables whose rows are made, in turn."""
    calls: list[str] = []
    stored_rows = results.stored_rows

    def noted(table, *more):
        calls.append(table.name)
        return stored_rows(table, *more)

    monkeypatch.setattr(results, "stored_rows", noted)
    return calls


def tables() -> StoredTables:
    figures = {"analytics_status": STATUS, "batch_run_tracking": TRACKED}
    return StoredTables(figures, {"portfolios": PORTFOLIOS}, STAMP)


def test_rows_are_made_once_when_a_table_is_asked_for(made: list[str]) -> None:
    found = Results(tables(), pl.DataFrame())
    assert found.tables.heights == {"portfolios": 3, "batch_run_tracking": 2, "analytics_status": 1}
    assert (found.rows, len(found.tables)) == (6, 3)
    assert "analytics_status" in found.tables
    assert "positions" not in found.tables
    assert found["portfolios"] is PORTFOLIOS
    assert made == []
    rows = found["batch_run_tracking"]
    assert found["batch_run_tracking"] is rows
    assert made == ["batch_run_tracking"]
    assert rows["run_date"].to_list() == sorted(TRACKED["run_date"])
    assert found.rows == 6
    with pytest.raises(KeyError):
        found["positions"]


def test_a_selection_takes_ids_in_a_form_of_its_own(made: list[str]) -> None:
    whole = tables()
    texts = whole["batch_run_tracking"]
    some = whole.select({"analytics_status", "batch_run_tracking", "positions"}, "words")
    assert list(some) == ["batch_run_tracking", "analytics_status"]
    assert some["batch_run_tracking"] is texts
    assert some["analytics_status"].schema["id"] == ID_WORDS
    assert whole["analytics_status"].schema["id"] == pl.String
    assert made == ["batch_run_tracking", "analytics_status", "analytics_status"]


def test_rows_that_could_not_be_made_are_tried_again() -> None:
    broken = StoredTables({"batch_run_tracking": TRACKED.with_columns(run_date=None)}, {}, STAMP)
    for _ in range(2):
        with pytest.raises(BadKeyError, match="batch_run_tracking, key column run_date: 2 nulls"):
            broken["batch_run_tracking"]


def test_a_notebook_shows_every_table_without_making_rows(made: list[str]) -> None:
    page = Results(tables(), pl.DataFrame())._repr_html_()
    assert '<th scope="row">portfolios</th><td class="n"><data value="3">3</data></td>' in page
    assert made == []
