"""`engine.open(url).read(...)`: the rows asked for, of every kind of store, against the golden tables."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import UUID

import polars as pl
import pytest

import engine
from engine.core.schema import TABLES
from tests.conftest import Server
from tests.marks import first
from tests.stores.conftest import KINDS
from tests.stores.support import GOLDEN, golden

DAYS = (date(2025, 4, 7), date(2025, 4, 11))
FIRST, LAST = date(2025, 4, 8), date(2025, 4, 9)
OUTPUTS = GOLDEN / "edge" / "outputs"
READ = (
    "positions",
    "portfolio_snapshots",
    "position_volatility",
    "correlation_calculations",
    "pairwise_correlations",
)


@pytest.fixture(scope="module")
def stores(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, engine.Store]:
    """The golden set `edge`, computed into a store of each kind."""
    # A worker may set the module up twice, when it steals tests from another.
    postgres_server.admin.execute("drop database if exists edge_read with (force)")
    postgres_server.admin.execute("create database edge_read")
    folder = tmp_path_factory.mktemp("read")
    urls = {
        "duckdb": f"duckdb:///{folder}/edge.duckdb",
        "postgres": postgres_server.url("edge_read"),
        "parquet": f"parquet:///{folder}/edge",
    }
    for url in urls.values():
        engine.backfill(golden("edge"), url, start=DAYS[0], end=DAYS[1], run_date=date(2026, 11, 23))
    return {kind: engine.open(url) for kind, url in urls.items()}


def expected(table: str, portfolio: str, start: date, end: date) -> pl.DataFrame:
    """The golden rows, sifted by other means."""
    rows = pl.read_parquet(OUTPUTS / f"{table}.parquet")
    heads = pl.read_parquet(OUTPUTS / "correlation_calculations.parquet")
    lots = pl.read_parquet(OUTPUTS / "positions.parquet")
    owned = {
        "correlation_calculation_id": heads.filter(portfolio_id=portfolio)["id"],
        "position_id": lots.filter(portfolio_id=portfolio)["id"],
    }
    owner = TABLES[table].owner
    assert owner
    rows = rows.filter(pl.col(owner).is_in(owned.get(owner, pl.Series([portfolio])).implode()))
    day = TABLES[table].date
    if owner == "correlation_calculation_id":
        dated = heads.filter(pl.col("calculation_date").dt.date().is_between(start, end))
        return rows.filter(pl.col(owner).is_in(dated["id"].implode()))
    return rows.filter(pl.col(day).cast(pl.Date).is_between(start, end)) if day else rows


def busiest() -> str:
    """The portfolio with the most matrices."""
    heads = pl.read_parquet(OUTPUTS / "correlation_calculations.parquet")
    return str(heads["portfolio_id"].value_counts(sort=True)["portfolio_id"][0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("table", first(2, READ))
def test_a_slice_holds_the_rows_of_the_portfolio_and_days(
    stores: dict[str, engine.Store], kind: str, table: str
) -> None:
    portfolio = busiest()
    known = TABLES[table]
    dated = known.date is not None or known.owner == "correlation_calculation_id"
    days = {"start": FIRST, "end": LAST} if dated else {}
    found = stores[kind].read(table, portfolios=portfolio, exact=True, **days)
    golden_rows = expected(table, portfolio, FIRST, LAST)
    assert found.height == golden_rows.height > 0
    figures = [c.name for c in known.columns if c.type.kind == "numeric"]
    keys = [n for n in known.key if n not in ("id", "correlation_calculation_id", "scenario_id")]
    columns = [name for name in (*keys, *figures) if name not in ("id", "calculation_date")]
    assert found.select(columns).sort(columns).equals(golden_rows.select(columns).sort(columns))
    assert found.equals(found.sort(known.key))


@pytest.mark.parametrize("kind", KINDS)
def test_names_stand_for_ids_and_several_for_each(stores: dict[str, engine.Store], kind: str) -> None:
    store = stores[kind]
    one, other = store.portfolios.rows(named=True)[:2]
    both = store.read("portfolio_snapshots", portfolios=[one["name"], UUID(other["id"])])
    assert set(both["portfolio_id"]) == {one["id"], other["id"]}
    by_name = store.read("portfolio_snapshots", one["name"], columns=["equity_balance"])
    assert by_name.columns == ["equity_balance"]
    assert by_name.schema["equity_balance"] == pl.Float64
    assert by_name.height == len(both.filter(portfolio_id=one["id"]))


@pytest.mark.parametrize("kind", KINDS)
def test_without_filters_a_table_is_whole(stores: dict[str, engine.Store], kind: str) -> None:
    golden_rows = pl.read_parquet(OUTPUTS / "pairwise_correlations.parquet")
    assert stores[kind].read("pairwise_correlations").height == golden_rows.height
    assert "pairwise_correlations" in stores[kind].tables


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_explains_itself_wherever_it_is_stored(stores: dict[str, engine.Store], kind: str) -> None:
    found = engine.explain(stores[kind], "E8 Control", LAST, "beta", symbol="KDS", source=golden("edge"))
    assert found.verdict == "equal"
    assert found.status["job"].to_list() == ["market_beta"]


def test_a_table_that_is_not_there_yet_has_no_rows() -> None:
    store = engine.open(golden("edge"))
    assert "portfolio_snapshots" not in store.tables
    assert store.read("portfolio_snapshots").is_empty()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"table": "portfolio_snapshot"}, "nearest: portfolio_snapshots"),
        ({"table": "positions", "columns": ["quantiy"]}, "nearest: quantity"),
        ({"table": "positions", "portfolios": "E9"}, "has no portfolio E9"),
        ({"table": "positions", "start": FIRST}, "has no date"),
        ({"table": "company_profiles", "portfolios": "E1"}, "has no portfolio column"),
        ({"table": "portfolio_snapshots", "start": LAST, "end": FIRST}, "before the start"),
    ],
)
def test_what_is_not_there_is_told_with_its_nearest(arguments: dict[str, object], told: str) -> None:
    with pytest.raises(engine.EngineError, match=told):
        engine.open(golden("edge")).read(**arguments)  # type: ignore[arg-type]


def test_a_store_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(engine.EngineError, match="cannot be opened"):
        engine.open(f"duckdb:///{tmp_path}/none.duckdb")


def test_nothing_is_held_between_calls(stores: dict[str, engine.Store]) -> None:
    import duckdb

    store = stores["duckdb"]
    before = store.read("portfolio_snapshots").height
    with duckdb.connect(store.url.removeprefix("duckdb:///")) as writing:
        writing.execute("checkpoint")
    assert store.read("portfolio_snapshots").height == before


def test_a_notebook_shows_tables_and_portfolios(stores: dict[str, engine.Store]) -> None:
    page = stores["duckdb"]._repr_html_()
    assert '<th scope="row">portfolio_snapshots</th>' in page
    assert "The last session of each portfolio" in page
    assert all(name in page for name in stores["duckdb"].portfolios["name"])


QUESTION = """
select p.name, s.portfolio_id, max(s.snapshot_date) as last, count(*) as sessions, sum(s.daily_pnl) as pnl
from portfolio_snapshots as s join portfolios as p on p.id = s.portfolio_id
group by p.name, s.portfolio_id order by p.name
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_is_answered_alike_by_each_kind(stores: dict[str, engine.Store], kind: str) -> None:
    asked = stores[kind].query(QUESTION)
    golden_rows = pl.read_parquet(OUTPUTS / "portfolio_snapshots.parquet")
    wanted = golden_rows.group_by("portfolio_id").agg(
        last=pl.col("snapshot_date").max(), sessions=pl.len(), pnl=pl.col("daily_pnl").cast(pl.Float64).sum()
    )
    assert asked.schema == {
        "name": pl.String,
        "portfolio_id": pl.String,
        "last": pl.Date,
        "sessions": pl.Int64,
        "pnl": pl.Float64,
    }
    both = asked.join(wanted, on="portfolio_id", suffix="_golden", validate="1:1")
    assert both.height == asked.height == wanted.height
    for name in ("last", "sessions"):
        assert both[name].to_list() == both[f"{name}_golden"].to_list()
    assert (both["pnl"] - both["pnl_golden"]).abs().max() < 0.005
    assert asked["name"].to_list() == sorted(asked["name"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "statement",
    first(
        3,
        [
            "delete from portfolios",
            "select 1; delete from portfolios",
            "/* select */ copy portfolios to 'out.csv'",
            "with gone as (delete from portfolios returning id) select * from gone",
            "select * into other from portfolios",
            "update portfolios set name = 'x'",
            "drop table portfolios",
            "create table other as select 1",
            "attach 'other.duckdb'",
            "set transaction read write",
            "commit; drop table portfolios",
            "",
            "nonsense",
        ],
    ),
)
def test_a_question_writes_nothing(
    stores: dict[str, engine.Store],
    kind: str,
    statement: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = stores[kind].read("portfolios", exact=True)
    with pytest.raises(engine.EngineError):
        stores[kind].query(statement)
    assert stores[kind].read("portfolios", exact=True).equals(before)
    assert list(tmp_path.iterdir()) == []


def test_a_question_that_fails_is_answered_with_the_stores_words(stores: dict[str, engine.Store]) -> None:
    with pytest.raises(engine.EngineError, match="portfolio_snapshot"):
        stores["duckdb"].query("select * from portfolio_snapshot")


def test_rows_are_shown_with_names_before_ids(stores: dict[str, engine.Store]) -> None:
    store = stores["duckdb"]
    owner = store.portfolios.row(0, named=True)
    shown = store.show("position_volatility", owner["id"], LAST, LAST)
    read = store.read("position_volatility", owner["id"], LAST, LAST)
    assert shown.frame.columns[0] == "position"
    assert shown.frame.columns[-1] == "position_id"
    symbols = dict(store.read("positions", columns=["id", "symbol"]).iter_rows())
    assert shown.frame["position"].to_list() == [symbols[key] for key in read["position_id"]]
    assert "created_at" not in shown.frame.columns
    assert "id" not in shown.frame.columns


def test_a_comparison_of_stores_names_portfolios_and_symbols(
    stores: dict[str, engine.Store], tmp_path: Path
) -> None:
    import duckdb

    copied = tmp_path / "copy.duckdb"
    copied.write_bytes(Path(stores["duckdb"].url.removeprefix("duckdb:///")).read_bytes())
    with duckdb.connect(copied) as connection:
        connection.execute(f"update position_market_betas set beta = beta + 1 where calc_date = '{LAST}'")
    tables = ["position_market_betas"]
    comparison = engine.compare(stores["duckdb"].url, f"duckdb:///{copied}", tables=tables)
    key = comparison.examples["key"][0]
    owner, lot = key.split(" / ")[:2]
    names = dict(stores["duckdb"].read("portfolios", columns=["id", "name"]).iter_rows())
    symbols = dict(stores["duckdb"].read("positions", columns=["id", "symbol"]).iter_rows())
    assert f"{names[owner]} ({owner[:8]}) / {symbols[lot]} ({lot[:8]}) / {LAST}" in comparison.to_text()
    equal = engine.compare(stores["duckdb"].url, stores["parquet"].url, tables=tables)
    assert equal.equal
    assert equal.labels == {}


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_of_a_run_reads_each_kind_alike(stores: dict[str, engine.Store], kind: str) -> None:
    from engine.reports.stored_run import read_run

    run, other = (read_run(stores[one].url, None, None) for one in (kind, "duckdb"))
    assert run.by_day.sort("table", "day").equals(other.by_day.sort("table", "day"))
    for name in ("portfolio_snapshots", "pairwise_correlations"):
        rows = pl.read_parquet(OUTPUTS / f"{name}.parquet").height
        assert run.by_day.filter(table=name)["rows"].sum() == rows
    assert run.status.sort(run.status.columns).equals(other.status.sort(other.status.columns))
    assert run.sessions.counts.equals(other.sessions.counts)
