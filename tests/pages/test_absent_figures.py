"""A missing figure is shown with its reason, and never as 0."""

from __future__ import annotations

import duckdb
import pytest

from engine.core.job_catalog import JOBS, meaning
from tests.pages.conftest import FAMILY, LONG_SHORT
from tests.pages.document import Node, card, table

pytestmark = pytest.mark.thorough


def queried(store: str, name: str, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query about one portfolio, read without the engine."""
    with duckdb.connect(store.removeprefix("duckdb:///"), read_only=True) as connection:
        owner = connection.execute("select id from portfolios where name = ?", [name]).fetchall()[0][0]
        return connection.execute(query, [owner]).fetchall()


@pytest.mark.parametrize(
    ("label", "job"),
    [
        ("Volatility, 21 sessions", "volatility"),
        ("Market beta, 90 days", "market_beta"),
        ("Worst scenario", "stress"),
    ],
)
def test_a_card_without_a_figure_says_why(demo: str, family_document: Node, label: str, job: str) -> None:
    status, reason = queried(
        demo,
        FAMILY,
        "select status, reason from analytics_status where portfolio_id = ? and calculation_date = "
        f"'2025-12-19' and job = '{job}'",
    )[0]
    figure = card(family_document, label)
    assert figure.value is None
    assert figure.text == f"not computed: {status}, {meaning(job, str(reason))}"


def test_every_null_of_a_session_is_a_cell_without_a_number(demo: str, family_document: Node) -> None:
    shown = table(family_document, "90 sessions")
    stored = queried(
        demo,
        FAMILY,
        "select realized_volatility_21d::double, beta_calculated_90d::double from portfolio_snapshots "
        "where portfolio_id = ? order by snapshot_date",
    )
    assert len(stored) == 90
    for heading, column in (("Vol. 21", 0), ("Market beta", 1)):
        assert [row[column] for row in stored] == shown.values(heading) == [None] * 90
        assert all(text.startswith("not computed") for text in shown.texts(heading))


def test_missing_figures_are_counted_by_reason(demo: str, demo_document: Node) -> None:
    stored = queried(
        demo,
        LONG_SHORT,
        "select job, status, reason, count(*), min(calculation_date)::text, max(calculation_date)::text "
        "from analytics_status where portfolio_id = ? and status <> 'ok' group by all",
    )
    expected = {
        (JOBS[str(job)].label, status, number, first, last, meaning(str(job), str(reason)))
        for job, status, reason, number, first, last in stored
    }
    shown = table(demo_document, "Not computed, or in part, by reason")
    columns = (
        shown.texts("Job"),
        shown.texts("Outcome"),
        shown.values("Sessions"),
        shown.texts("First"),
        shown.texts("Last"),
        shown.texts("Reason"),
    )
    assert set(zip(*columns, strict=True)) == expected
    assert len(shown.rows) == len(expected) > 0


@pytest.mark.parametrize(
    ("job", "part"),
    [("spread_factors", "factors"), ("ridge_factors", "factors")],
)
def test_a_chart_with_gaps_says_how_many_and_why(demo: str, demo_document: Node, job: str, part: str) -> None:
    stored = queried(
        demo,
        LONG_SHORT,
        "select status, reason, count(*), min(calculation_date)::text, max(calculation_date)::text from "
        f"analytics_status where portfolio_id = ? and job = '{job}' and status in ('skipped', 'failed') "
        "group by all",
    )
    section = demo_document.one("section", id=part).text
    assert stored
    for status, reason, number, first, last in stored:
        sentence = (
            f"{JOBS[job].label} not computed in {number} of 90 sessions, {first} to {last}: {status}, "
            f"{meaning(job, str(reason))}."
        )
        assert sentence in section


def test_cash_flows_outside_sessions_are_listed(demo: str, demo_document: Node) -> None:
    """A contribution on a Saturday: the legacy rules never book it."""
    unbooked = table(demo_document, "Cash flows outside sessions")
    assert unbooked.texts("Day") == ["2025-10-25"]
    assert unbooked.values("Amount") == [16317.05]
    booked = table(demo_document, "Capital flows by session, as booked")
    stored = queried(
        demo,
        LONG_SHORT,
        "select snapshot_date::text, daily_capital_flow::double from portfolio_snapshots "
        "where portfolio_id = ? and daily_capital_flow <> 0 order by 1",
    )
    assert list(zip(booked.texts("Session"), booked.values("USD"), strict=True)) == stored
    assert len(stored) == 1


def test_sections_without_any_figure_have_a_notice(family_document: Node) -> None:
    for key, title in (
        ("volatility", "Volatility not computed"),
        ("factors", "Factor exposures not computed"),
        ("correlations", "Correlations not computed"),
        ("stress", "Stress tests not computed"),
    ):
        section = family_document.one("section", id=key)
        assert section.one("h3").text == title
        assert "of 90 sessions" in section.text
        assert not section.all("svg")


def test_a_store_of_the_legacy_batch_has_no_status_and_the_page_says_so(global_document: Node) -> None:
    quality = global_document.one("section", id="quality").text
    assert "The store has no analytics_status for these sessions" in quality
    assert card(global_document, "Jobs that failed").text == "unknown"
    sectors = global_document.one("section", id="sectors").text
    assert "not computed" in sectors


def test_prices_are_counted_session_by_session(demo: str, demo_document: Node) -> None:
    """Closes of the day, closes carried, and neither, counted in SQL."""
    rows = queried(
        demo,
        LONG_SHORT,
        """
        with held as (
            select p.symbol, p.id, s.snapshot_date as day from positions p join portfolio_snapshots s
            on s.portfolio_id = p.portfolio_id
            where p.portfolio_id = ? and p.exit_date is null and p.deleted_at is null
            and coalesce(p.investment_class, '') not in ('PRIVATE', 'OPTIONS')
            and p.symbol not like 'EQ%' and p.entry_date <= s.snapshot_date
        ), priced as (
            select held.*,
                exists (select 1 from market_data_cache m where m.symbol = held.symbol and m.date = day
                        and close > 0) as own,
                exists (select 1 from market_data_cache m where m.symbol = held.symbol
                        and m.date < day and m.date >= day - 5 and close > 0) as lately
            from held
        )
        select symbol, count(*), sum(own::int), sum((not own and lately)::int),
            sum((not own and not lately)::int) from priced group by symbol, id order by symbol
        """,
    )
    carried = sum(row[3] for row in rows)  # type: ignore[misc]
    assert card(demo_document, "Prices carried").value == carried
    assert card(demo_document, "Stale values").value == sum(1 for row in rows if row[4])
    assert card(demo_document, "Sessions without a snapshot").value == 0
