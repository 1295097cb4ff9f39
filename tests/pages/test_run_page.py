"""The page of a run: against SQL on the store, and against records written by hand."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from engine.analyst.inventory import DueSessions
from engine.batch.backfill import backfill
from engine.batch.copy import write_frames
from engine.cli.main import main
from engine.core.names import distinct_labels
from engine.core.progress import Quiet
from engine.reports import run_page
from engine.reports.page_errors import NoRunError
from engine.reports.run_records import MOST_RECORDS, read_records, stages
from engine.reports.run_sections.figures import counted_reasons
from engine.reports.run_sections.gaps import states_of
from engine.reports.run_sections.sizes import growth
from loaders.demo import demo_world
from tests.pages.document import Node, card, parsed, table

BAD = '</svg><script>alert("1")</script>'


def record(folder: Path, name: str, runs: list[str], **content: Any) -> None:
    """Keep a record of a command as the command line does."""
    folder.mkdir(exist_ok=True)
    began = {"started_at": "2025-12-19 22:00:00+00:00", "arguments": {"command": "backfill"}}
    (folder / f"{name}.json").write_text(json.dumps({**began, "run_ids": runs, **content}))


def test_records_of_the_store_are_read_newest_first(tmp_path: Path) -> None:
    folder = tmp_path / "run_results"
    record(folder, "20251217", ["a"], seconds={"load": 1.0})
    record(folder, "20251218", ["other store"], seconds={"load": 9.0})
    record(
        folder,
        "20251219",
        ["b", "c"],
        collected=[{"kind": "prices", "seconds": 2.5}],
        seconds={"load": 3.0, "write": 4.0},
    )
    (folder / "20251220.json").write_text("{ cut off")
    (folder / "20251221.json").write_text('{"started_at": "yesterday", "run_ids": ["a"]}')
    records = read_records(folder, {"a", "b", "c"}, "c")
    assert [one.run_ids for one in records.records] == [["b", "c"], ["a"]]
    assert records.unread == ["20251221.json", "20251220.json"]
    assert records.records[0].seconds == {"collect prices": 2.5, "load": 3.0, "write": 4.0}
    assert [*stages(records.records)] == ["load", "collect prices", "write"]
    assert records.of_run("c") is records.records[0]
    assert records.of_run("d") is None


def test_an_old_run_keeps_its_record(tmp_path: Path) -> None:
    names = [f"run {number:03}" for number in range(MOST_RECORDS + 5)]
    for name in names:
        record(tmp_path / "run_results", name, [name])
    records = read_records(tmp_path / "run_results", set(names), names[0])
    assert len(records.records) == MOST_RECORDS + 1
    assert records.of_run(names[0])
    assert read_records(tmp_path / "nothing", set(names), names[0]).records == []


def test_a_day_shows_its_worst_state() -> None:
    days = [date(2025, 12, day) for day in (1, 2, 3, 4)]
    due = pl.DataFrame(
        {
            "portfolio_id": ["P"] * 4 + ["Q"] * 4,
            "date": days * 2,
            "stored": [True, True, False, False, True, True, True, False],
        }
    )
    held = pl.DataFrame({"portfolio_id": ["P", "P"], "date": days[2:]})
    stale = pl.DataFrame({"portfolio_id": ["Q"], "first_session": [days[1]]})
    states = states_of(DueSessions(pl.DataFrame(), due, held, stale))
    assert states.select("missing", "held", "stale", "kind").rows() == [
        (0, 0, 0, "complete"),
        (0, 0, 1, "stale"),
        (0, 1, 1, "held back"),
        (1, 1, 0, "missing"),
    ]


def test_rows_add_up_over_days_without_any() -> None:
    days = [date(2025, 12, day) for day in (1, 2, 4)]
    rows = pl.DataFrame(
        [("a", days[0], 5), ("b", days[1], 2), ("a", days[2], 1), ("c", days[2], 9)],
        schema=["table", "day", "rows"],
        orient="row",
    )
    grown = growth(rows, ["a", "b"])
    assert grown.rows() == [(days[0], 5, 0), (days[1], 5, 2), (days[2], 6, 2)]


def test_reasons_that_differ_in_figures_are_one() -> None:
    words = "closes cover {}% of the value"
    rows = [
        ("P", date(2025, 12, 2), "pnl", "partial", words.format(80)),
        ("Q", date(2025, 12, 1), "pnl", "partial", words.format(90)),
        ("P", date(2025, 12, 3), "pnl", "failed", "no_prices"),
    ]
    columns = ["portfolio_id", "calculation_date", "job", "status", "reason"]
    counted = counted_reasons(pl.DataFrame(rows, schema=columns, orient="row")).sort("status")
    assert counted["reason"].to_list() == ["no_prices", words.format(90)]
    assert counted.select("figures", "portfolios", "reasons").rows() == [(1, 1, 1), (2, 2, 2)]


def test_portfolios_of_one_name_are_told_apart() -> None:
    names = {"11111111-a": "Book", "22222222-b": "Book", "33333333-c": "Other"}
    assert [*distinct_labels(names).values()] == ["Book (11111111)", "Book (22222222)", "Other"]


def asked(url: str, question: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(url.removeprefix("duckdb:///"), read_only=True) as connection:
        return connection.sql(question).fetchall()


@pytest.fixture(scope="module")
def run_document(demo: str) -> Node:
    return parsed(run_page(demo))


@pytest.mark.thorough
def test_its_figures_are_those_of_the_store(demo: str, run_document: Node) -> None:
    ((done, failed, everything),) = asked(
        demo,
        "select count(*) filter (status = 'ok'), count(*) filter (status = 'failed'), count(*) "
        "from analytics_status",
    )
    assert card(run_document, "Figures done").value == pytest.approx(done / everything)
    assert card(run_document, "Figures failed").value == failed
    ((rows,),) = asked(demo, "select sum(rows_written) from engine_shards")
    assert card(run_document, "Rows written").value == rows
    by_job = dict(asked(demo, "select job, count(*) from analytics_status where status = 'ok' group by 1"))
    jobs = table(run_document, "Sessions of each portfolio, by job and outcome")
    assert sum(jobs.values("Done")) == sum(by_job.values())  # type: ignore[arg-type]
    assert jobs.values("Done")[jobs.texts("Job").index("P&L")] == by_job["pnl"]
    sizes = table(run_document, "Tables with rows")
    counted = dict(zip(sizes.texts("Table"), sizes.values("Rows now"), strict=True))
    for name in ("portfolio_snapshots", "pairwise_correlations", "market_data_cache"):
        ((number,),) = asked(demo, f"select count(*) from {name}")
        assert counted[name] == number
    months = table(run_document, "Rows at the end of each month")
    assert months.values("pairwise_correlations")[-1] == counted["pairwise_correlations"]
    assert table(run_document, "Runs of this store").texts("Ended as") == ["done"]


@pytest.mark.thorough
def test_without_a_record_it_says_what_is_not_known(run_document: Node) -> None:
    assert "The record of this run is not here" in run_document.one("main").text
    assert "Durations by stage are not known" in run_document.one("main").text


@pytest.mark.thorough
def test_the_same_store_gives_the_same_page(demo: str) -> None:
    assert run_page(demo) == run_page(demo)


@pytest.mark.thorough
def test_a_record_gives_durations_failures_and_lots_without_closes(demo: str, tmp_path: Path) -> None:
    ((run,),) = asked(demo, "select id::text from engine_runs")
    ((owner, name),) = asked(demo, "select id::text, name from portfolios order by name limit 1")
    weight = {"portfolio_id": owner, "symbol": "AAA", "awaited": False}
    record(
        tmp_path / "run_results",
        "20251219",
        [run],
        wall_seconds=75.0,
        exit_code=1,
        peak_memory_mib=300,
        seconds={"load": 1.5, "compute": 60.0, "write": 10.0},
        rows={"portfolio_snapshots": 450},
        failures=[{"portfolio_id": owner, "date": "2025-12-19", "reason": "its book is empty"}],
        not_computed=["1 session: no close"],
        unpriced=[
            {**weight, "date": "2025-12-18", "weight": 0.25},
            {**weight, "date": "2025-12-19", "weight": 0.5},
        ],
    )
    page = parsed(run_page(demo, run[:8], records=tmp_path / "run_results"))
    assert card(page, "The command took").text == "0:01:15"
    spent = table(page, "Seconds by stage and command")
    assert [spent.values(stage) for stage in ("Load", "Compute", "Write", "Whole")] == [
        [1.5],
        [60],
        [10],
        [75],
    ]
    refused = table(page, "Refused portfolios")
    assert (refused.texts("Portfolio"), refused.texts("Reason")) == ([name], ["its book is empty"])
    lots = table(page, "Lots without a close when the run took place")
    assert (lots.values("Sessions"), lots.values("Highest share of its value")) == ([2], [0.5])
    assert lots.texts("First") + lots.texts("Last") == ["2025-12-18", "2025-12-19"]
    assert "1 session: no close" in page.one("section", id="problems").text


@pytest.mark.thorough
def test_gaps_stale_sessions_and_hostile_names_are_shown(tmp_path: Path) -> None:
    url, end = f"duckdb:///{tmp_path}/store.duckdb", date(2025, 12, 19)
    world = demo_world(2, 4, 24)
    owners = world["portfolios"]
    first, second = owners["id"].to_list()
    world["portfolios"] = owners.with_columns(
        name=pl.when(pl.col("id") == first).then(pl.lit(BAD)).otherwise("name")
    )
    write_frames(url, world, 5_000, Quiet())
    backfill(url, start=date(2025, 12, 8), end=end, run_date=end)
    with duckdb.connect(f"{tmp_path}/store.duckdb") as connection:
        connection.execute(
            "delete from portfolio_snapshots where portfolio_id = ? and snapshot_date = ?",
            [first, date(2025, 12, 16)],
        )
        connection.execute(
            "insert into engine_stale_sessions values (?, ?, ?, ?)",
            [second, date(2025, 12, 18), "AAA from 2025-12-18", datetime(2025, 12, 19, 23, tzinfo=UTC)],
        )
    page = run_page(url)
    document = parsed(page)
    assert BAD not in page
    assert len([script for script in document.all("script") if not script.attributes]) == 1
    gaps = table(document, "Sessions that are not complete, newest first")
    assert gaps.texts("Session") == ["2025-12-19", "2025-12-18", "2025-12-16"]
    assert gaps.texts("Worst state") == ["stale", "stale", "missing"]
    counted = table(document, "Sessions by portfolio")
    missing = dict(zip(counted.texts("Portfolio"), counted.values("Missing"), strict=True))
    assert missing[BAD] == 1
    assert sum(missing.values()) == 1  # type: ignore[arg-type]
    assert table(document, "Stale figures: closes have changed since").texts("Stale from") == ["2025-12-18"]


@pytest.mark.thorough
def test_a_nightly_run_of_one_session_has_all_runs_of_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    url, first = "duckdb:///store.duckdb", date(2025, 12, 15)
    write_frames(url, demo_world(2, 4, 24), 5_000, Quiet())
    backfill(url, start=date(2025, 12, 8), end=first, run_date=first)
    for day in ("2025-12-16", "2025-12-18"):  # the second computes two sessions, in a run each
        assert main(["daily", "--from", url, "--no-collect", "--at", f"{day}T18:00", "--quiet"]) == 0
    capsys.readouterr()
    newest = parsed(run_page(url, records=Path("run_results")))
    assert "2025-12-17 to 2025-12-18" in newest.one("header").text
    rows = "select sum(rows_written) from engine_shards join engine_runs on engine_runs.id = run_id"
    ((written,),) = asked(f"duckdb:///{tmp_path}/store.duckdb", f"{rows} where start_date >= '2025-12-17'")
    assert card(newest, "Rows written").value == written
    assert len(table(newest, "Seconds by stage and command").rows) == 2
    ((run,),) = asked(
        f"duckdb:///{tmp_path}/store.duckdb",
        "select id::text from engine_runs where start_date = '2025-12-16'",
    )
    single = parsed(run_page(url, run, records=Path("run_results")))
    assert "2025-12-16 to 2025-12-16" in single.one("header").text
    assert "due closes are stored" in single.one("section", id="prices").text


@pytest.mark.thorough
def test_the_command_writes_it(
    demo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", demo, "--run", "--out", "run.html"]) == 0
    assert capsys.readouterr().out == "run.html\n"
    assert (tmp_path / "run.html").read_text() == run_page(demo, records=Path("run_results"))
    for wrong in (["--run", "zzzz"], ["--run", "--pages"], ["--run", "--portfolio", "P"]):
        assert main(["report", demo, *wrong]) == 2
        assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.thorough
def test_a_store_without_a_run_says_how_to_make_one(mixed: str) -> None:
    with pytest.raises(NoRunError, match=r"has no run\. `engine backfill"):
        run_page(mixed)
