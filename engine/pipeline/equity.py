"""P&L, equity and exposures of each portfolio and session: phase 3 of the legacy batch."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from engine.analytics.equity.dividends import booked_twice, cash, dividends, with_dividends
from engine.analytics.equity.exposures import exposures, present
from engine.analytics.equity.lot_pnl import booked_income, lot_pnl, summed, with_lives
from engine.analytics.equity.opening_balances import open_book, openings, with_exact_openings
from engine.analytics.equity.pnl import booked, flow_cents, realized_cents, roll_forward, unrealized
from engine.analytics.equity.returns import returns
from engine.analytics.equity.snapshots import figures
from engine.analytics.positions.lot_life import EXPIRED, REASONS, LotLives, lot_lives
from engine.analytics.positions.prices import QuoteRules, since_previous_snapshot
from engine.core.calendar import last_session
from engine.core.money import integer
from engine.core.rules import Rules
from engine.core.window import Window
from engine.pipeline.inputs import Inputs

ONE_DAY = timedelta(days=1)
EXACT_TABLES = ("engine_lot_pnl", "engine_portfolio_pnl", "engine_returns")


def roll_equity(
    inputs: Inputs, window: Window, rules: Rules, marks: pl.DataFrame
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """Return one row for each portfolio and session with its P&L, equity and exposures: phase 3.

    Args:
        inputs: validated frames.
        window: sessions to compute.
        rules: choices between legacy and corrected behaviour.
        marks: of `engine.pipeline.compute.mark_positions`.

    Returns:
        The rows; and by table the rows of `EXACT_TABLES`, which rules without P&L of lots leave empty.
    """
    rows, starts = _book(inputs, window), last_days(inputs, window, rules)
    numbers = rows.select("portfolio", "portfolio_id", "session", "has_previous", "founded")
    by_lot = rules.closed_lots == "exact" or rules.realized_gains == "replace"
    lots = due = twice = pl.DataFrame()
    if by_lot or rules.expiry == "settled" or rules.closes == "quoted":
        lives = lives_in(inputs, window.sessions, rules, starts)
        marks = with_lives(marks, lives)
    if rules.closes == "quoted":
        inputs, due, twice = _with_dividends(inputs, window, lives, starts)
    days = marks.join(numbers, on=["portfolio_id", "session"], maintain_order="left")
    if rules.pnl_since == "previous_snapshot":
        days = since_previous_snapshot(days, inputs.closes, _starts(starts, window), QuoteRules.of(rules))
    if by_lot:
        income = booked_income(inputs.realized_events, inputs.positions, window.sessions, starts)
        if rules.closes == "quoted":
            income = with_dividends(income, due, twice)
        lots = _lots(inputs, rules, days, lives, income)
    moves = summed(lots) if by_lot else unrealized(_unexpired(days, rules), rules.closed_lots)
    rows = rows.join(moves, on=["portfolio", "session"], how="left", maintain_order="left")
    rows = _with_cash(rows, inputs, window, rules, starts, due)
    if by_lot:
        rows = with_exact_openings(rows, inputs.previous_exact)
    added = rules.realized_gains == "added"
    rolled = roll_forward(rows, realized_counts=added, exact=by_lot)
    rolled = figures(rolled, exposures(present(days, rules.membership)))
    return rolled, _exact_tables(lots, rolled, inputs.history) if by_lot else {}


def _with_dividends(
    inputs: Inputs, window: Window, lives: LotLives, starts: pl.DataFrame
) -> tuple[Inputs, pl.DataFrame, pl.DataFrame]:
    """Return the inputs without events that book a dividend twice, the dividends, and these events."""
    actions, raw = inputs.price_actions, inputs.raw_closes
    due = dividends(lives, inputs.positions, actions, raw, window.sessions, starts)
    twice = booked_twice(inputs.realized_events, due)
    once = inputs.realized_events.join(twice, on="id", how="anti", maintain_order="left")
    return replace(inputs, realized_events=once), due, twice


def _with_cash(
    rows: pl.DataFrame,
    inputs: Inputs,
    window: Window,
    rules: Rules,
    starts: pl.DataFrame,
    due: pl.DataFrame,
) -> pl.DataFrame:
    """Return the rows with realized gains and flows in cents; 0 for what is absent of all sums."""
    for name, amounts in _cash(inputs, window, rules, starts, due).items():
        named = amounts.rename({"cents": name})
        rows = rows.join(named, on=["portfolio_id", "date"], how="left", maintain_order="left")
    return rows.with_columns(
        pl.col("unrealized", "realized", "flow").fill_null(integer(0)),
        pl.col("moved", "still").fill_null(0),
        pl.col("moved_usd", "quoted_usd").fill_null(0.0),
    )


def last_days(inputs: Inputs, window: Window, rules: Rules) -> pl.DataFrame:
    """Return portfolio_id, since: the day up to which P&L and cash are booked before the window.

    It is the day before the first cash of the window, or the portfolio's newest snapshot if a session after
    it is skipped; by pnl_since="previous_snapshot" always the newest snapshot.

    Args:
        inputs: portfolios and previous snapshots.
        window: sessions to compute.
        rules: pnl_since.
    """
    prior = pl.lit(window.first_cash - ONE_DAY)
    newest = inputs.previous_snapshots.select("portfolio_id", newest="snapshot_date")
    owners = inputs.portfolios.select(portfolio_id="id")
    rows = owners.join(newest, on="portfolio_id", how="left", maintain_order="left")
    if rules.pnl_since == "previous_snapshot":
        since = pl.coalesce("newest", prior)
    else:
        since = pl.max_horizontal("newest", prior) if window.skipped else prior
    return rows.select("portfolio_id", since=since)


def lives_in(inputs: Inputs, sessions: list[date], rules: Rules, starts: pl.DataFrame) -> LotLives:
    """Return the lives of all positions over sessions.

    Args:
        inputs: validated frames.
        sessions: D dates.
        rules: of events and expirations.
        starts: of `last_days`.
    """
    prior = last_session(sessions[0] - ONE_DAY)
    owners = inputs.positions.select("portfolio_id")
    since = owners.join(starts, on="portfolio_id", how="left", maintain_order="left")["since"]
    since = pl.select(pl.min_horizontal(since.fill_null(prior), pl.lit(sessions[0] - ONE_DAY))).to_series()
    events = inputs.realized_events
    return lot_lives(inputs.positions, events, sessions, since, rules.realized_gains, rules.expiry)


def _book(inputs: Inputs, window: Window) -> pl.DataFrame:
    """Return the book with the portfolios' first sessions (founded) and last snapshots (previous_date)."""
    start = openings(
        inputs.portfolios,
        inputs.previous_snapshots,
        inputs.previous_equity,
        inputs.first_equity,
        inputs.first_snapshots,
        window,
    )
    oldest = inputs.first_snapshots.select("portfolio_id", oldest="snapshot_date")
    newest = inputs.previous_snapshots.select("portfolio_id", previous_date="snapshot_date")
    for rows in (oldest, newest):
        start = start.join(rows, on="portfolio_id", how="left", maintain_order="left")
    first = pl.lit(window.sessions[0])
    founded = pl.when("has_previous").then(pl.min_horizontal("oldest", "previous_date")).otherwise(first)
    return open_book(start.with_columns(founded=founded).drop("oldest"), window.sessions)


def _starts(starts: pl.DataFrame, window: Window) -> pl.DataFrame:
    """Return portfolio_id, session, since: the day of the snapshot before each session."""
    days = window.sessions
    sessions = pl.DataFrame(
        {"session": pl.arange(len(days), dtype=pl.Int32, eager=True), "before": [None, *days[:-1]]},
        schema_overrides={"before": pl.Date},
    )
    return starts.join(sessions, how="cross").select(
        "portfolio_id", "session", since=pl.coalesce("before", "since")
    )


def _unexpired(days: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    return days.filter(pl.col("life") != EXPIRED) if rules.expiry == "settled" else days


def _lots(
    inputs: Inputs, rules: Rules, days: pl.DataFrame, lives: LotLives, income: pl.DataFrame
) -> pl.DataFrame:
    """Return the P&L of each lot; see `engine.analytics.equity.lot_pnl.lot_pnl`."""
    if rules.realized_gains == "added":
        income = income.clear()
    return lot_pnl(days, lives, inputs.positions, inputs.closes, income, rules.closed_lots, rules.options)


def _cash(
    inputs: Inputs, window: Window, rules: Rules, starts: pl.DataFrame, due: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """Return realized gains, dividends among them, and flows in cents by portfolio and session."""
    events = inputs.realized_events
    if not due.is_empty():
        events = pl.concat([events, cash(due, events)], how="diagonal")
    sources = {
        "realized": (events, "trade_date", realized_cents()),
        "flow": (inputs.equity_changes, "change_date", flow_cents()),
    }
    return {
        name: booked(rows, day, cents, window.sessions, rules.off_session_cash, starts, window.skipped)
        for name, (rows, day, cents) in sources.items()
    }


def _exact_tables(lots: pl.DataFrame, rolled: pl.DataFrame, history: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the rows of `EXACT_TABLES`."""
    by_lot = lots.select(
        "portfolio_id",
        "position_id",
        "quantity",
        "pnl",
        "income",
        "start_value",
        "whole_move",
        calculation_date="date",
        life=pl.lit(pl.Series(REASONS)).gather(pl.col("life")),
        notice="notice",
    )
    by_portfolio = rolled.select(
        "portfolio_id",
        calculation_date="date",
        pnl="total",
        cumulative_pnl="pnl_grains",
        equity="equity_grains",
    )
    book = rolled.select("portfolio_id", "date", "equity", "flow", pnl="daily_pnl")
    return dict(zip(EXACT_TABLES, (by_lot, by_portfolio, returns(history, book)), strict=True))
