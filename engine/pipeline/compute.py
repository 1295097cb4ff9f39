"""compute(): from Inputs to Results. It reads like a table of contents, and touches nothing else."""

from __future__ import annotations

import polars as pl
from threadpoolctl import threadpool_limits

from engine.analytics.equity.exposures import exposures
from engine.analytics.equity.opening_balances import open_book, openings
from engine.analytics.equity.pnl import booked, flow_cents, realized_cents, roll_forward, unrealized
from engine.analytics.equity.snapshots import figures
from engine.analytics.positions.prices import quotes
from engine.analytics.positions.valuation import mark_to_market, position_days, since, unmarked_before
from engine.analytics.stress.scenarios import Scenarios, load_scenarios
from engine.core.errors import UsageError
from engine.core.money import integer
from engine.core.rules import Rules
from engine.core.window import Window
from engine.pipeline.assemble import assemble
from engine.pipeline.column_limits import money_misfits
from engine.pipeline.inputs import Inputs
from engine.pipeline.jobs import analyse
from engine.pipeline.results import FAILURES, Results


def compute(
    inputs: Inputs,
    window: Window | None = None,
    rules: Rules | None = None,
    scenarios: Scenarios | None = None,
) -> Results:
    """Every figure of every portfolio and session of the window.

    Pure: no store, no clock, no environment. A portfolio with a figure that its column cannot
    hold is left out whole and named in the results' failures; the others are not touched.

    Args:
        window: default the one that the inputs were loaded for; another one begins with it and
            may end earlier.
        rules: default `Rules.legacy()`.
        scenarios: what stress tests; default the shipped ones.

    Raises:
        UsageError: a window that the inputs do not cover.

    >>> import engine
    >>> from datetime import date
    >>> days = date(2025, 12, 15), date(2025, 12, 19)
    >>> inputs = engine.open("duckdb:///demo.duckdb").inputs(*days, "Demo Growth 3", run_date=days[1])
    >>> results = engine.compute(inputs)
    >>> results["portfolio_snapshots"]["snapshot_date"].to_list() == inputs.window.sessions
    True
    """
    window, rules = window or inputs.window, rules or Rules.legacy()
    _check_covered(window, inputs.window)
    # Two BLAS threads beside another job have made the same product 4 to 30 times slower.
    with threadpool_limits(1, "blas"):
        days = mark(inputs, window, rules)
        book = roll(inputs, window, rules, days)
        failures = pl.concat([_refusals(inputs), money_misfits(book, days)])
        days, book = (
            frame.join(failures, on="portfolio_id", how="anti", maintain_order="left")
            for frame in (days, book)
        )
        outcomes = analyse(inputs, window, rules, scenarios or load_scenarios(), days, book)
        return assemble(inputs, window, days, book, outcomes, failures)


def mark(inputs: Inputs, window: Window, rules: Rules) -> pl.DataFrame:
    """Phase 4: every position's price and value of every session."""
    symbols = inputs.positions["symbol"].unique().sort()
    carried = [*inputs.earlier, *window.sessions]
    prices = quotes(symbols, inputs.closes, carried)
    days = position_days(inputs.positions, prices, carried, rules.synthetic_prefix)
    days = unmarked_before(days, window.sessions[0], inputs.carried, inputs.portfolios["id"])
    return since(mark_to_market(days), len(inputs.earlier))


def roll(inputs: Inputs, window: Window, rules: Rules, days: pl.DataFrame) -> pl.DataFrame:
    """Phase 3: every portfolio's P&L, equity and exposures of every session."""
    start = openings(
        inputs.portfolios,
        inputs.previous_snapshots,
        inputs.previous_equity,
        inputs.first_equity,
        inputs.first_snapshots,
        window,
    )
    book = open_book(start, window.sessions)
    numbers = book.select("portfolio", "portfolio_id", "session", "has_previous")
    days = days.join(numbers, on=["portfolio_id", "session"], maintain_order="left")
    moves = unrealized(days, rules.closed_lots)
    book = book.join(moves, on=["portfolio", "session"], how="left", maintain_order="left")
    for name, amounts in _cash(inputs, window, rules).items():
        named = amounts.rename({"cents": name})
        book = book.join(named, on=["portfolio_id", "date"], how="left", maintain_order="left")
    book = book.with_columns(
        pl.col("unrealized", "realized", "flow").fill_null(integer(0)),
        pl.col("moved", "still").fill_null(0),
    )
    return figures(roll_forward(book), exposures(days))


def _cash(inputs: Inputs, window: Window, rules: Rules) -> dict[str, pl.DataFrame]:
    sources = {
        "realized": (inputs.realized_events, "trade_date", realized_cents()),
        "flow": (inputs.equity_changes, "change_date", flow_cents()),
    }
    return {
        name: booked(rows, day, cents, window.sessions, rules.off_session_cash)
        for name, (rows, day, cents) in sources.items()
    }


def _check_covered(window: Window, loaded: Window) -> None:
    """What precedes a window was loaded up to its first session, and is no other window's."""
    begins = window.start == loaded.start and window.run_date == loaded.run_date
    if not begins or window.rerun != loaded.rerun or window.last > loaded.last:
        raise UsageError(f"the inputs were loaded for {loaded}, which does not cover {window}")


def _refusals(inputs: Inputs) -> pl.DataFrame:
    blank = [pl.lit("").alias(name) for name in ("table", "column", "key", "value")]
    return inputs.refused.with_columns(blank).select(FAILURES.keys())
