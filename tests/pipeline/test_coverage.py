"""Status that counts: how much of the portfolio entered a figure, by lots and by value."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from engine.core.job_catalog import JOBS
from engine.core.rules import Rules
from engine.core.window import Window
from engine.pipeline.compute import compute
from engine.pipeline.results import Results
from loaders.shipped import shipped_rows
from loaders.window import load_window
from tests.builders import close, portfolio, position
from tests.memory_store import NEEDED, MemoryReader, frame_of
from tests.small_stores import world

DAYS = [
    date(2025, 3, 3) + timedelta(days=n)
    for n in range(10)
    if (date(2025, 3, 3) + timedelta(days=n)).weekday() < 5
]
RUN_DATE = date(2025, 3, 20)
BOOK = [portfolio(equity="100000.00")]


def computed(lots: list[dict[str, Any]], closes: list[dict[str, Any]], rules: Rules | None = None) -> Results:
    frames = world(portfolios=BOOK, positions=lots, market_data_cache=closes) | shipped_rows()
    window = Window(DAYS[0], DAYS[-1], RUN_DATE)
    with MemoryReader(frames) as reader:
        return compute(load_window(reader, window), window, rules or Rules.legacy())


def status(
    results: Results, job: str, day: date = DAYS[-1]
) -> tuple[str, str | None, int, int, float | None]:
    rows = results["analytics_status"].filter(job=job, calculation_date=day)
    shown = rows.select(
        "status", "reason", "positions_used", "positions_left_out", pl.col("coverage").cast(float)
    )
    found: tuple[str, str | None, int, int, float | None] = shown.row(0)
    return found


def every_day(symbol: str, price: str = "100", days: list[date] = DAYS) -> list[dict[str, Any]]:
    return [close(day, price, symbol) for day in days]


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [("5", ("ok", None, 1, 1, 0.952381)), ("6", ("partial", "low_coverage", 1, 1, 0.943396))],
)
def test_pnl_is_ok_from_95_percent_of_the_quoted_value_on(quantity: str, expected: tuple[Any, ...]) -> None:
    """100 shares at 100 are priced; 5 or 6 that cost 100 are not: 10,000 of 10,500 or of 10,600."""
    lots = [position("AAA", "100"), position("BBB", quantity)]
    found = status(computed(lots, every_day("AAA")), "pnl")
    assert found == expected


def test_private_assets_and_contracts_are_left_out_and_not_due() -> None:
    call = {"position_type": "LC", "investment_class": "OPTIONS", "underlying_symbol": "AAA"}
    terms = {"strike_price": Decimal(100), "expiration_date": date(2025, 6, 20)}
    lots = [
        position("AAA", "100"),
        position("FUND", "100", investment_class="PRIVATE"),
        position("AAA250620C00100000", "1", **call, **terms),
    ]
    assert status(computed(lots, every_day("AAA")), "pnl") == ("ok", None, 1, 2, 1.0)


def test_a_lot_that_earned_nothing_after_a_long_gap_is_left_out() -> None:
    """No close for more than 10 days: the move is lost on the day when the price comes back."""
    old = [close(date(2025, 2, 10), "100")]
    results = computed([position()], [*old, *every_day("AAA", "130", DAYS[3:])])
    assert status(results, "pnl", DAYS[2])[2:4] == (0, 1)
    assert status(results, "pnl", DAYS[3]) == ("partial", "low_coverage", 0, 1, 0.0)
    assert status(results, "pnl", DAYS[4]) == ("ok", None, 1, 0, 1.0)


def returns(symbol: str, seed: int) -> list[dict[str, Any]]:
    """Closes of 200 days before the window and in it, which move up and down."""
    days = [DAYS[-1] - timedelta(days=age) for age in range(200, -1, -1)]
    return [close(day, str(100 + (seed * n) % 7), symbol) for n, day in enumerate(days)]


FUNDS = ("SPY", "TLT", "VUG", "VTV", "MTUM", "IWM", "QUAL", "USMV")


def test_a_figure_of_few_lots_is_partial_because_the_others_have_no_class() -> None:
    """2 of 24 lots have a class: what they are worth is a twelfth of the book."""
    lots = [
        position("AAA", "10", name=str(n), investment_class="PUBLIC" if n < 2 else None) for n in range(24)
    ]
    closes = [row for n, name in enumerate(("AAA", *FUNDS), 2) for row in returns(name, n)]
    results = computed(lots, closes)
    for job in ("rate_beta", "provider_beta", "spread_factors", "ridge_factors"):
        assert status(results, job) == ("partial", "low_coverage", 2, 22, 0.083333), job
    assert status(results, "market_beta") == ("ok", None, 24, 0, 1.0)


def test_jobs_without_definitions_are_not_ok() -> None:
    frames = world(portfolios=BOOK, positions=[position()])
    frames["market_data_cache"] = frame_of(
        "market_data_cache", [row for n, name in enumerate(("AAA", *FUNDS), 2) for row in returns(name, n)]
    )
    window = Window(DAYS[-1], DAYS[-1], RUN_DATE)
    assert "factor_definitions" in NEEDED
    with MemoryReader(frames) as reader:
        results = compute(load_window(reader, window), window, Rules.legacy())
    assert status(results, "market_beta")[:2] == ("partial", "no_definition")
    for job in ("spread_factors", "ridge_factors"):
        assert status(results, job)[:2] == ("failed", "no_active_definition"), job
    assert results["position_factor_exposures"].is_empty()


def test_no_job_is_ok_without_a_row_or_below_its_floor() -> None:
    lots = [position("AAA", "10"), position("BBB", "10", investment_class=None)]
    rows = computed(lots, returns("AAA", 3))["analytics_status"]
    floors = pl.DataFrame({"job": list(JOBS), "floor": [job.floor for job in JOBS.values()]})
    ok = rows.filter(status="ok").join(floors, on="job")
    assert ok.filter(pl.col("coverage") < pl.col("floor")).is_empty()
    assert ok.filter(positions_used=0).is_empty()
