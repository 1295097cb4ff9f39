"""The function `compute`, from Inputs to Results, and the phases that it calls in order."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import polars as pl

from engine.analytics.equity.lot_pnl import with_lives
from engine.analytics.positions.prices import QuoteRules, quotes
from engine.analytics.positions.quoted import quoted_closes, split_adjusted
from engine.analytics.positions.valuation import (
    mark_in_session,
    mark_to_market,
    position_days,
    since,
    unmarked_before,
)
from engine.analytics.stress.replays import require_past
from engine.analytics.stress.scenarios import Scenarios, load_scenarios
from engine.core.errors import UsageError
from engine.core.rules import Rules
from engine.core.window import Window
from engine.pipeline.assemble import assemble
from engine.pipeline.column_limits import money_misfits
from engine.pipeline.equity import last_days, lives_in, roll_equity
from engine.pipeline.inputs import Inputs
from engine.pipeline.jobs import run_jobs
from engine.pipeline.results import FAILURES, Results


def compute(
    inputs: Inputs,
    window: Window | None = None,
    rules: Rules | None = None,
    scenarios: Scenarios | None = None,
    threads: int = 2,
) -> Results:
    """Compute every figure of every portfolio and session of the window.

    Pure: no store, no clock, no environment that a figure depends on. A portfolio with a figure that its
    column cannot hold is left out of all tables and named in the results' failures; the others are not
    affected.

    Args:
        inputs: validated frames.
        window: default the one that the inputs were loaded for. Another one has the same start and may
            end earlier; `UsageError` if the inputs do not cover it.
        rules: default `Rules.legacy()`.
        scenarios: stress scenarios; default the shipped ones. `UsageError` if one replays a window that
            ends after the run date. Windows are replayed if the inputs were loaded with them.
        threads: with 2, correlations of large windows have a thread of their own; with 1 they take less
            memory. No figure depends on it.

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
    scenarios = scenarios or load_scenarios()
    _check_covered(window, inputs.window)
    require_past(scenarios.active, window.run_date)
    with _one_blas_thread():
        inputs, valued = _with_quoted(inputs, rules)
        marks = mark_positions(valued, window, rules)
        snapshots, exact = roll_equity(valued, window, rules, marks)
        failures = pl.concat([_refusals(inputs, rules), money_misfits(snapshots, marks)])
        marks, snapshots = (
            frame.join(failures, on="portfolio_id", how="anti", maintain_order="left")
            for frame in (marks, snapshots)
        )
        results = run_jobs(inputs, valued.closes, window, rules, scenarios, marks, snapshots, exact, threads)
        return assemble(inputs, window, marks, snapshots, results, failures, exact, rules)


def _one_blas_thread() -> AbstractContextManager[object]:
    """Return a context in which BLAS has one thread; two beside another job are 4 to 30 times slower.

    To look for its libraries takes 3 ms. The command line's own process starts them with one thread.
    """
    if os.environ.get("OPENBLAS_NUM_THREADS") == "1":
        return nullcontext()
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1, "blas")
    return limits


def _with_quoted(inputs: Inputs, rules: Rules) -> tuple[Inputs, Inputs]:
    """Return the inputs with the closes of returns, and with those of values and P&L."""
    if rules.closes == "adjusted":
        return inputs, inputs
    actions = inputs.price_actions
    inputs = replace(inputs, closes=split_adjusted(inputs.closes, actions))
    return inputs, replace(inputs, closes=quoted_closes(inputs.closes, inputs.raw_closes, actions))


def mark_positions(inputs: Inputs, window: Window, rules: Rules) -> pl.DataFrame:
    """Return one row for each position and session with its price and value: phase 4.

    Args:
        inputs: positions and closes, of the window and of trading days before it.
        window: the sessions to compute.
        rules: synthetic_prefix tells which symbols have no market.
    """
    symbols = inputs.positions["symbol"].unique().sort()
    sessions = [*inputs.earlier, *window.sessions]
    prices = quotes(symbols, inputs.closes, sessions, QuoteRules.of(rules))
    days = position_days(inputs.positions, prices, sessions, rules.synthetic_prefix, rules.membership)
    days = unmarked_before(days, window.sessions[0], inputs.carried, inputs.portfolios["id"])
    if rules.membership == "today":
        return since(mark_to_market(days), len(inputs.earlier))
    lives = lives_in(inputs, sessions, rules, last_days(inputs, window, rules))
    return since(mark_in_session(with_lives(days, lives)), len(inputs.earlier))


def _check_covered(window: Window, loaded: Window) -> None:
    """Raise UsageError unless the window begins where the loaded one does and ends no later."""
    # What the inputs hold from before the window depends on its first session and on the run date.
    same_start = window.start == loaded.start and window.run_date == loaded.run_date
    if not same_start or window.rerun != loaded.rerun or window.last > loaded.last:
        raise UsageError(f"the inputs were loaded for {loaded}, which does not cover {window}")


def _refusals(inputs: Inputs, rules: Rules) -> pl.DataFrame:
    """Return the portfolios that cannot be computed, or are not to be, as rows of `FAILURES`."""
    no_day = pl.lit(None, pl.Date).alias("date")
    blank = [pl.lit("").alias(name) for name in ("table", "column", "key", "value")]
    refused = inputs.refused.with_columns(no_day, *blank).select(FAILURES.keys())
    if rules.inconsistent_rows == "computed":
        return refused
    reason = pl.concat_str("table", pl.lit("."), "column", pl.lit(" "), "rule")
    grave = inputs.grave.with_columns(no_day, reason=reason)
    return pl.concat([refused, grave.select(FAILURES.keys())])
