"""Choice of tables to write, completed with the tables that they need.

`--only` saves writing but keeps the store consistent: the next run must find what a run of all tables
would have left.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from engine.core.errors import UsageError, nearest
from engine.core.schema import TABLES

TOGETHER: tuple[Set[str], ...] = (
    {
        "portfolios",
        "positions",
        "portfolio_snapshots",
        "engine_portfolio_pnl",
        "engine_portfolio_openings",
        "engine_position_openings",
    },
    {"tags_v2", "position_tags"},
)
"""Tables that are written together or not at all. Equity and position values are state: only snapshots and
opening balances say of which session."""
LOOKS_BACK_ON = {
    "portfolio_snapshots": ("position_market_betas",),
    "factor_exposures": ("position_market_betas",),
    "stress_test_results": ("factor_exposures", "position_interest_rate_betas"),
}
"""Tables whose earlier rows a later session's figures read."""


def with_required_tables(only: Iterable[str] | None, in_place: bool) -> frozenset[str]:
    """Return the names of the tables to write.

    Args:
        only: names of tables; None for all.
        in_place: whether source and target are the same store: then rows that they refer to exist, unless
            the run itself makes them.

    Returns:
        The named tables with those that they need.

    Raises:
        UsageError: A name is unknown, or none is given.
    """
    if only is None:
        return frozenset(TABLES)
    wanted = frozenset(_known(only))
    if not wanted:
        raise UsageError("no table is named to be written", "Leave the choice of tables out to write all")
    while True:
        more = wanted.union(*(_needs(name, in_place) for name in wanted))
        if more == wanted:
            return wanted
        wanted = more


def _known(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        if name not in TABLES:
            raise UsageError(f"no table is called {name}{nearest(name, TABLES)}")
        yield name


def _needs(name: str, in_place: bool) -> set[str]:
    together = {other for group in TOGETHER if name in group for other in group}
    return together | _parents(name, in_place) | _children(name) | set(LOOKS_BACK_ON.get(name, ()))


def _parents(name: str, in_place: bool) -> set[str]:
    """Return the parents that the run inserts. The engine's own tables refer to none."""
    table = TABLES[name]
    parents = {key.parent for key in table.foreign_keys} if table.role != "engine" else set()
    return {parent for parent in parents if not in_place or _made(parent)}


def _made(name: str) -> bool:
    return TABLES[name].role == "output" or name == "factor_definitions"


def _children(name: str) -> set[str]:
    """Return the tables that refer to rows which are replaced."""
    if TABLES[name].role != "output":
        return set()
    return {other.name for other in TABLES.values() if any(k.parent == name for k in other.foreign_keys)}
