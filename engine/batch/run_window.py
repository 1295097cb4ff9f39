"""The window of a run: the one asked for, or that of missing sessions, by what the gate decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl

from engine.batch.gate import Policy
from engine.batch.ledger import run_start
from engine.batch.missing_sessions import Stage
from engine.batch.plan import plan, plan_missing, plan_window, settled, stored_by_portfolio
from engine.batch.run_writes import tables_to_create
from engine.batch.shards import live_portfolios
from engine.batch.steps import RunState
from engine.batch.store_rules import first_session
from engine.core.window import Window
from loaders.earlier_results import EarlierResults


def run_window(
    state: RunState, past: EarlierResults, old: pl.DataFrame | None = None, restart: bool = False
) -> Window | None:
    """Return the window asked for, or of the first stage of missing sessions.

    Args:
        state: of the backfill. Its portfolios and the stages to follow are set here.
        past: source and target.
        old: the interrupted run of the same request, if any.
        restart: whether its shards are computed again.
    """
    request = state.request
    run_date = request.run_date or state.now.date()
    start, end = request.start, request.end or settled(state.now)
    if not request.command:
        stages = _with_interrupted(_planned(state, past, run_date), state, old, restart)
        if not stages:
            return None
        start, end = stages[0].start, stages[0].end
        if request.missing_only:
            state.request, state.stages = request.for_stage(stages[0]), stages[1:]
    assert start is not None, "a stage has a first day"
    never = state.decided.never["date"].to_list()
    request = state.request
    run_date = request.run_date or run_date
    planned = plan(past, start, end, run_date, request.portfolios, never, with_later=not request.evening)
    window = replace(planned, written_at=state.now) if planned else None
    state.report.window = window
    if window:
        state.portfolios, state.deleted = live_portfolios(past.source, state.request.portfolios)
        created = set(tables_to_create(state.request))
        state.tables_exist = past.results is not None and created <= past.results.tables()
        state.stored = stored_by_portfolio(past, window.sessions[0], state.portfolios)
    return window


def _planned(state: RunState, past: EarlierResults, run_date: date) -> list[Stage]:
    """Return the stages of a request. What the gate decided is kept in the state and in the report."""
    request, end = state.request, state.request.end or settled(state.now)
    state.names = dict(past.source.portfolios.select("id", "name").iter_rows())
    start = first_session(past.results) if request.recompute else request.start
    policy = Policy(run_date, request.threshold, request.missing_only, request.allow_stale)
    if start is None:
        planned = plan_missing(past, end, request.portfolios, policy, request.recompute_limit)
    else:
        planned = plan_window(past, start, end, request.portfolios, policy)
    state.decided = state.report.decided = planned.decided
    state.report.not_computed, state.report.stale = planned.not_computed, planned.stale
    return planned.stages


def _with_interrupted(
    stages: list[Stage], state: RunState, old: pl.DataFrame | None, restart: bool
) -> list[Stage]:
    """Return the stages, after the window of an interrupted run unless the first stage is what it left."""
    first = None if old is None else run_start(old)
    nightly = state.request.recompute_limit is not None
    if old is None or first is None or nightly or not state.request.missing_only:
        return stages
    if stages and stages[0].start == first and not restart:
        return stages
    whole = stages and state.decided.held_back.is_empty()
    return [Stage(first, stages[-1].end if whole else old["end_date"].item())]
