"""A row that contradicts itself: computed and reported, or refused."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import engine
from engine.batch.report import refusal_lines, report_content
from engine.core.rules import Rules
from loaders import open_reader
from tests.builders import STAMP, portfolio, position, uid
from tests.marks import first
from tests.memory_store import frame_of
from tests.small_stores import SESSIONS, Content, database, run, snapshots, world

DAILY = ["market_values", "pnl", "snapshot"]


def two_portfolios() -> Content:
    """P holds 10 shares that a broker's file calls short; Q is plain."""
    return world(
        portfolios=[portfolio(), portfolio("Q")],
        positions=[position(position_type="SHORT"), position(owner="Q")],
    )


def statuses(url: str, owner: str) -> pl.DataFrame:
    with open_reader(url) as reader:
        rows = reader.read("analytics_status").filter(portfolio_id=uid(owner))
    return rows.filter(pl.col("job").is_in(DAILY)).select("job", "status", "reason").unique().sort("job")


def test_legacy_rules_compute_it_and_say_so(tmp_path: Path) -> None:
    url = database(tmp_path / "store.duckdb", two_portfolios())
    report = run(url)
    assert report.complete
    assert report.inconsistent["code"].to_list() == ["side_against_sign"]
    # 7 moves of 1 USD for 10 shares: the sign of the quantity, as the legacy batch has it.
    assert float(snapshots(url)["cumulative_pnl"][-1]) == 70
    assert statuses(url, "P").rows() == [(job, "partial", "side_against_sign") for job in DAILY]
    assert statuses(url, "Q").rows() == [(job, "ok", None) for job in DAILY]
    (line,) = refusal_lines(report)
    assert line.startswith(
        f"inconsistent: portfolio P ({uid('P')}): positions {uid('P/AAA/')}: quantity = 10.0000, symbol AAA"
    )
    assert "SHORT, SC and SP take a negative quantity" in line
    assert report_content(report)["inconsistent"][0]["portfolio_id"] == uid("P")


def test_corrected_rules_refuse_its_portfolio_alone(tmp_path: Path) -> None:
    url = database(tmp_path / "store.duckdb", two_portfolios())
    report = run(url, rules=Rules.corrected())
    assert not report.complete
    assert report.failures["portfolio_id"].to_list() == [uid("P")]
    assert "negative quantity" in report.failures["reason"][0]
    assert snapshots(url).is_empty()
    assert snapshots(url, "Q").height == len(SESSIONS)
    assert set(statuses(url, "P")["status"]) == {"failed"}


@pytest.mark.parametrize("rules", first(1, [Rules.legacy(), Rules.corrected()]), ids=str)
def test_a_lot_without_a_class_only_warns(tmp_path: Path, rules: Rules) -> None:
    url = database(tmp_path / "store.duckdb", world(positions=[position(investment_class=None)]))
    report = run(url, rules=rules)
    assert report.complete
    assert report.inconsistent["code"].to_list() == ["no_class"]
    assert set(statuses(url, "P")["status"]) == {"ok"}


def test_the_unit_of_collected_prices_is_read(tmp_path: Path) -> None:
    series = {"symbol": "AAA", "currency": "GBp", "outcome": "ok", "failures": 0, "asked_at": STAMP}
    frames = {**world(), "engine_price_series": frame_of("engine_price_series", [series])}
    report = run(database(tmp_path / "store.duckdb", frames))
    assert report.inconsistent["code"].to_list() == ["price_not_usd"]


def test_the_status_is_explained(tmp_path: Path) -> None:
    url = database(tmp_path / "store.duckdb", two_portfolios())
    run(url)
    explained = engine.explain(url, uid("P"), SESSIONS[2], "status", job="pnl")
    assert (explained.computed, explained.verdict) == ("partial", "equal")
