"""Phases 3 and 4 of the legacy batch, in one ascending run over sessions.

`run` is the entry point. What differs from the legacy batch, on purpose:

- A live portfolio whose equity is null is refused (Q28: "reject null equity at
  load"). It gets no snapshot, and neither it nor its positions change. What
  legacy did to the positions can't be seen: golden/README says that the rows
  of E2, the portfolio of `edge` with a null equity, were taken out of the
  outputs, and that holds for its three positions as well as for its portfolio
  row. "Write nothing for it" is what README asks of the engine.
- A value that doesn't fit its column raises OverflowError and ends the run
  (Q26 and Q40: legacy gave up the portfolio, and the rest of the day).
- A (portfolio, day) that has a snapshot already is skipped (Q25: as intended).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import localcontext
from typing import TypeAlias

from .pnl import (
    Rollforward,
    capital_flow,
    pnl_columns,
    pnl_positions,
    position_pnl,
    previous_equity,
    previous_snapshot,
    realized_component,
)
from .population import active_positions, population_columns
from .prices import Prices, Row, index_closes
from .rounding import LEGACY_CONTEXT, ZERO
from .valuation import value_positions

World: TypeAlias = Mapping[str, list[Row]]


@dataclass(frozen=True)
class State:
    """The tables, as the sessions so far have left them."""

    portfolios: list[Row]
    positions: list[Row]
    snapshots: list[Row]
    events: list[Row]
    changes: list[Row]
    prices: Prices


def run(world: World, sessions: Sequence[date], run_date: date) -> dict[str, list[Row]]:
    """Run Phases 3 and 4 for every session, ascending (2.5 step 4).

    Returns the new rows of `portfolio_snapshots`, with the columns of sections
    3.6 and 4.6, and all rows of `positions` and `portfolios` as the last
    session leaves them. `world` itself is left alone. Gate 3.1 is the caller's:
    `sessions` holds trading days only.
    """
    del run_date  # 4.1: it decides only about columns that are not computed here
    state = _opening_state(world)
    opening = len(state.snapshots)
    with localcontext(LEGACY_CONTEXT):
        for day in sessions:
            _run_phase3(state, day)
            value_positions(_positions_in_scope(state), state.prices, day)
    return {
        "portfolio_snapshots": state.snapshots[opening:],
        "positions": state.positions,
        "portfolios": state.portfolios,
    }


def _opening_state(world: World) -> State:
    """Copy what changes, index the prices."""
    return State(
        portfolios=[dict(row) for row in world["portfolios"]],
        positions=[dict(row) for row in world["positions"]],
        snapshots=list(world.get("portfolio_snapshots", [])),
        events=world["position_realized_events"],
        changes=world["equity_changes"],
        prices=index_closes(world["market_data_cache"]),
    )


def is_refused(portfolio: Row) -> bool:
    """A live portfolio without equity (Q28)."""
    return portfolio["deleted_at"] is None and portfolio["equity_balance"] is None


def _positions_in_scope(state: State) -> list[Row]:
    """Positions of every portfolio that is not refused; of deleted ones too."""
    refused = {row["id"] for row in state.portfolios if is_refused(row)}
    return [row for row in state.positions if row["portfolio_id"] not in refused]


def _due_portfolios(state: State, day: date) -> Iterator[Row]:
    """Live portfolios that are not refused (2.6) and have no row yet (2.7)."""
    taken = {row["portfolio_id"] for row in state.snapshots if row["snapshot_date"] == day}
    for portfolio in state.portfolios:
        live = portfolio["deleted_at"] is None and not is_refused(portfolio)
        if live and portfolio["id"] not in taken:
            yield portfolio


def _run_phase3(state: State, day: date) -> None:
    """Snapshot and new equity of each portfolio (3)."""
    for portfolio in _due_portfolios(state, day):
        snapshot = _snapshot(state, portfolio, day)
        state.snapshots.append(snapshot)
        portfolio["equity_balance"] = snapshot["equity_balance"]


def _snapshot(state: State, portfolio: Row, day: date) -> Row:
    """One row: the population of section 4, then the columns of 3.6 over it."""
    rolled = _rollforward(state, portfolio, day)
    active = active_positions(state.positions, portfolio["id"], day)
    return (
        {"portfolio_id": portfolio["id"], "snapshot_date": day}
        | population_columns(active, state.prices, rolled.equity, day)
        | pnl_columns(rolled)
    )


def _rollforward(state: State, portfolio: Row, day: date) -> Rollforward:
    """Collect previous equity, U, R and F (3.2-3.5)."""
    key = portfolio["id"]
    previous = previous_snapshot(state.snapshots, key, day)
    held = pnl_positions(state.positions, key, day)
    return Rollforward(
        previous=previous,
        previous_equity=previous_equity(previous, portfolio),
        unrealized=sum((position_pnl(row, state.prices, previous, day) for row in held), ZERO),
        realized=realized_component(state.events, key, day),
        flow=capital_flow(state.changes, key, day),
    )
