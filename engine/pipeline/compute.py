"""The function `compute`, from Inputs to Results, and the phases that it calls in order."""

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
from engine.pipeline.jobs import run_jobs
from engine.pipeline.results import FAILURES, Results


def compute(
    inputs: Inputs,
    window: Window | None = None,
    rules: Rules | None = None,
    scenarios: Scenarios | None = None,
) -> Results:
    """Compute every figure of every portfolio and session of the window.

    Pure: no store, no clock, no environment. A portfolio with a figure that its column cannot hold is left
    out of all tables and named in the results' failures; the others are not affected.

    Args:
        inputs: validated frames.
        window: default the one that the inputs were loaded for. Another one has the same start and may
            end earlier; `UsageError` if the inputs do not cover it.
        rules: default `Rules.legacy()`.
        scenarios: stress scenarios; default the shipped ones.

    Returns:
        One frame for each table.

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
        marks = mark_positions(inputs, window, rules)
        snapshots = roll_equity(inputs, window, rules, marks)
        failures = pl.concat([_refusals(inputs, rules), money_misfits(snapshots, marks)])
        marks, snapshots = (
            frame.join(failures, on="portfolio_id", how="anti", maintain_order="left")
            for frame in (marks, snapshots)
        )
        results = run_jobs(inputs, window, rules, scenarios or load_scenarios(), marks, snapshots)
        return assemble(inputs, window, marks, snapshots, results, failures)


def mark_positions(inputs: Inputs, window: Window, rules: Rules) -> pl.DataFrame:
    """Return one row for each position and session with its price and value: phase 4.

    Args:
        inputs: positions and closes, of the window and of trading days before it.
        window: the sessions to compute.
        rules: synthetic_prefix tells which symbols have no market.
    """
    symbols = inputs.positions["symbol"].unique().sort()
    sessions = [*inputs.earlier, *window.sessions]
    prices = quotes(symbols, inputs.closes, sessions)
    days = position_days(inputs.positions, prices, sessions, rules.synthetic_prefix)
    days = unmarked_before(days, window.sessions[0], inputs.carried, inputs.portfolios["id"])
    return since(mark_to_market(days), len(inputs.earlier))


def roll_equity(inputs: Inputs, window: Window, rules: Rules, marks: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each portfolio and session with its P&L, equity and exposures: phase 3.

    Args:
        inputs: previous snapshots, opening balances, realized events and flows.
        window: the sessions to compute.
        rules: closed_lots and those of flows.
        marks: of `mark_positions`.
    """
    start = openings(
        inputs.portfolios,
        inputs.previous_snapshots,
        inputs.previous_equity,
        inputs.first_equity,
        inputs.first_snapshots,
        window,
    )
    rows = open_book(start, window.sessions)
    numbers = rows.select("portfolio", "portfolio_id", "session", "has_previous")
    days = marks.join(numbers, on=["portfolio_id", "session"], maintain_order="left")
    moves = unrealized(days, rules.closed_lots)
    rows = rows.join(moves, on=["portfolio", "session"], how="left", maintain_order="left")
    for name, amounts in _cash(inputs, window, rules).items():
        named = amounts.rename({"cents": name})
        rows = rows.join(named, on=["portfolio_id", "date"], how="left", maintain_order="left")
    rows = rows.with_columns(
        pl.col("unrealized", "realized", "flow").fill_null(integer(0)),
        pl.col("moved", "still").fill_null(0),
    )
    return figures(roll_forward(rows), exposures(days))


def _cash(inputs: Inputs, window: Window, rules: Rules) -> dict[str, pl.DataFrame]:
    """Return realized gains and flows in cents by portfolio and session."""
    sources = {
        "realized": (inputs.realized_events, "trade_date", realized_cents()),
        "flow": (inputs.equity_changes, "change_date", flow_cents()),
    }
    return {
        name: booked(
            _unbooked(rows, day, inputs, window),
            day,
            cents,
            window.sessions,
            rules.off_session_cash,
            window.skipped,
        )
        for name, (rows, day, cents) in sources.items()
    }


def _unbooked(rows: pl.DataFrame, day: str, inputs: Inputs, window: Window) -> pl.DataFrame:
    """Return the cash since each portfolio's last snapshot: a skipped session may be stored of some."""
    if not window.skipped:
        return rows
    last = inputs.previous_snapshots.select("portfolio_id", last="snapshot_date")
    dated = rows.join(last, on="portfolio_id", how="left", maintain_order="left")
    return dated.filter((pl.col(day) > pl.col("last")).fill_null(True)).drop("last")


def _check_covered(window: Window, loaded: Window) -> None:
    """Raise UsageError unless the window begins where the loaded one does and ends no later."""
    # What the inputs hold from before the window depends on its first session and on the run date.
    same_start = window.start == loaded.start and window.run_date == loaded.run_date
    if not same_start or window.rerun != loaded.rerun or window.last > loaded.last:
        raise UsageError(f"the inputs were loaded for {loaded}, which does not cover {window}")


def _refusals(inputs: Inputs, rules: Rules) -> pl.DataFrame:
    """Return the portfolios that cannot be computed, or are not to be, as rows of `FAILURES`."""
    blank = [pl.lit("").alias(name) for name in ("table", "column", "key", "value")]
    refused = inputs.refused.with_columns(blank).select(FAILURES.keys())
    if rules.inconsistent_rows == "computed":
        return refused
    reason = pl.concat_str("table", pl.lit("."), "column", pl.lit(" "), "rule")
    return pl.concat([refused, inputs.grave.with_columns(reason=reason).select(FAILURES.keys())])
