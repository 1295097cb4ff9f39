"""Relations that must hold between runs on a random world: each gives the differences that it finds.

`python -m tests.reference.relations FIRST LAST` counts the worlds of which each relation holds.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache
from multiprocessing import get_context
from typing import Any

import polars as pl
import polars.selectors as cs

from engine.core.schema import TABLES
from engine.core.window import Window
from engine.pipeline.compute import compute
from engine.pipeline.inputs import Inputs
from engine.pipeline.results import Results
from loaders.window import load_window
from tests.memory_store import MemoryReader
from tests.reference import derivation
from tests.reference.derivation import Frames, of_portfolio
from tests.reference.worlds import World, draw_world

OTHER_NAMES = {"BBB": "BBBX", "CCC": "CCCX", "DDD": "DDDX"}
"""Names that sort as the former ones do, so that sums run in the same order."""
KEPT_IDS = ("portfolio_id", "position_id", "factor_id", "scenario_id")
"""Ids that no symbol is part of."""
SIZES = {
    "portfolios": ["equity_balance"],
    "positions": ["quantity", "market_value", "unrealized_pnl"],
    "position_realized_events": ["realized_pnl", "quantity_closed"],
    "equity_changes": ["amount"],
    "factor_exposures": ["exposure_dollar"],
    "portfolio_snapshots": [
        *("equity_balance", "cumulative_pnl", "cumulative_realized_pnl", "cumulative_capital_flow"),
    ],
}
PER_SYMBOL = (
    *("position_market_betas", "position_interest_rate_betas", "position_factor_exposures"),
    "position_volatility",
)
"""Tables of figures that have no size."""
DOUBLED = ("daily_pnl", "equity_balance", "gross_exposure", "net_exposure", "long_value", "short_value")
CENTS = 0.02
"""USD, of a sum that is rounded once before and once after it is doubled."""
TOO_WIDE = "does not fit numeric"
"""Part of the reason of a failure: some worlds draw closes that move far, or an equity near 0."""
SHOWN = 3
"""Differences that the command prints of one world and relation."""


def run(
    world: World, frames: Frames, window: Window, portfolios: Sequence[str] | None = None
) -> tuple[Inputs, Results]:
    """Return the inputs and what the engine computes of them."""
    with MemoryReader(frames) as reader:
        inputs = load_window(reader, window, portfolios)
    return inputs, compute(inputs, window, world.rules, world.scenarios)


@lru_cache(maxsize=64)
def computed(seed: int) -> tuple[World, Inputs, Results]:
    """Return a world with its inputs and results."""
    world = draw_world(seed)
    return world, *run(world, world.frames, world.window)


def derived(seed: int) -> list[str]:
    """Stored figures that `engine.explain` derives otherwise, and rows and portfolios that have none."""
    world, inputs, results = computed(seed)
    unfunded = {row["id"] for row in world.tables["portfolios"] if row["equity_balance"] is None}
    deleted = {row["id"] for row in world.tables["portfolios"] if row["deleted_at"]}
    return [
        *(f"quarantined: {row}" for row in inputs.quarantine.iter_rows()),
        *(f"fails: {owner}" for owner in (_failed(results) - _failed(results, TOO_WIDE)) ^ unfunded),
        *(f"deleted: {owner}" for owner in deleted & {*results["portfolio_snapshots"]["portfolio_id"]}),
        *derivation.differences(inputs, results, world.frames, world.rules, world.scenarios),
    ]


def _failed(results: Results, reason: str = "") -> set[str]:
    """Return the portfolios that failed, of a reason with these words."""
    named = pl.col("reason").str.contains(reason, literal=True)
    return {*results.failures.filter(named)["portfolio_id"]}


def alone(seed: int) -> list[str]:
    """Tables of a portfolio that differ when no other one is computed beside it."""
    world, _, together = computed(seed)
    return [
        f"{owner} {name}"
        for owner in together["portfolio_snapshots"]["portfolio_id"].unique()
        for name, rows in run(world, world.frames, world.window, [owner])[1].tables.items()
        if TABLES[name].owner and not same(of_portfolio(together.tables, name, owner), rows)
    ]


def same(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Return whether rows are equal, their keys being texts or enums."""
    return one.cast({cs.enum(): pl.String}).equals(other.cast({cs.enum(): pl.String}))


def shuffled(seed: int) -> list[str]:
    """Tables that differ when input rows come in another order."""
    world, _, one = computed(seed)
    frames = {name: rows.sample(fraction=1, shuffle=True, seed=3) for name, rows in world.frames.items()}
    _, other = run(world, frames, world.window)
    return [name for name, rows in one.tables.items() if not other[name].equals(rows)]


def split(seed: int) -> list[str]:
    """Tables that differ when the window is computed in two parts.

    A portfolio with a figure that does not fit its column is left out: it fails in all of the window that is
    computed (`engine.batch.failed_sessions` divides it, in a run).
    """
    world, _, whole = computed(seed)
    days = world.window.sessions
    night = run(world, world.frames, replace(world.window, end=days[0]))[1]
    between = stored_after(world.frames, night)
    rest = run(world, between, replace(world.window, start=days[1]))[1]
    failed = set().union(*(_failed(results, TOO_WIDE) for results in (whole, night, rest)))
    return _unequal(stored_after(world.frames, whole), stored_after(between, rest), failed)


def rerun(seed: int) -> list[str]:
    """Tables that differ when the window is computed again over its own results."""
    world, _, once = computed(seed)
    stored = stored_after(world.frames, once)
    again = run(world, stored, replace(world.window, known=tuple(world.window.sessions)))[1]
    return _unequal(stored, stored_after(stored, again), _failed(once, TOO_WIDE))


def _unequal(one: Frames, other: Frames, failed: set[str]) -> list[str]:
    if not failed:
        return [name for name, rows in one.items() if not other[name].equals(rows)]
    owned = [name for name in one if TABLES[name].owner]
    owners = {*one["portfolios"]["id"]} - failed
    return [
        f"{owner} {name}"
        for owner in sorted(owners)
        for name in owned
        if not of_portfolio(other, name, owner).equals(of_portfolio(one, name, owner))
    ]


def stored_after(frames: Frames, results: Results) -> dict[str, pl.DataFrame]:
    """A store's tables after a run: fresh rows in the place of those with their keys, or with their ids."""
    tables = dict(frames)
    for name, fresh in results.tables.items():
        table = TABLES[name]
        older = frames[name].select(fresh.columns) if name in frames else fresh.clear()
        # A run may rename a row that it finds by its id: under the old name it would be stored twice.
        for key in (table.key, *([(table.primary_key,)] if table.made_ids else [])):
            older = older.join(fresh, on=key, how="anti", maintain_order="left")
        tables[name] = pl.concat([older, fresh]).sort(table.key)
    return tables


def renamed(seed: int) -> list[str]:
    """Tables that differ by more than the names when three symbols have other names."""
    world, _, one = computed(seed)
    twin = mapped(world, lambda _table, _column, value: OTHER_NAMES.get(value, value))
    _, other = run(twin, twin.frames, twin.window)
    return [
        name
        for name, rows in one.tables.items()
        if not former_names(name, rows).equals(former_names(name, other[name]))
    ]


def mapped(world: World, change: Callable[[str, str, Any], Any]) -> World:
    """The world with other values."""
    tables = {
        name: [{key: change(name, key, value) for key, value in row.items()} for row in rows]
        for name, rows in world.tables.items()
    }
    return replace(world, tables=tables)


def former_names(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows under the former names, without the ids that are made of them."""
    ids = [column.name for column in TABLES[name].columns if column.type.kind == "uuid"]
    made = [name for name in ids if name not in KEPT_IDS]
    texts = cs.string() | cs.enum()
    plain = rows.drop(made, strict=False).with_columns(texts.cast(pl.String))
    return plain.with_columns(cs.string().str.replace_many(list(OTHER_NAMES.values()), list(OTHER_NAMES)))


def doubled(seed: int) -> list[str]:
    """Tables that move, and columns of snapshots that do not double, with twice the quantities and money.

    A portfolio that fails at one of the sizes is left out: columns have limits in USD.
    """
    world, _, one = computed(seed)

    def twice(table: str, column: str, value: Any) -> Any:
        return value * 2 if column in SIZES.get(table, ()) and value is not None else value

    twin = mapped(world, twice)
    _, other = run(twin, twin.frames, twin.window)
    failed = _failed(one) | _failed(other)
    found = []
    for owner in sorted({*one["portfolio_snapshots"]["portfolio_id"]} - failed):
        was, now = (
            {name: of_portfolio(result.tables, name, owner) for name in (*PER_SYMBOL, "portfolio_snapshots")}
            for result in (one, other)
        )
        found += [f"{owner} {name}" for name in PER_SYMBOL if not was[name].equals(now[name])]
        pairs = [
            (name, was["portfolio_snapshots"][name], now["portfolio_snapshots"][name]) for name in DOUBLED
        ]
        found += [f"{owner} {name}" for name, *values in pairs if _apart(*values) > CENTS * values[1].len()]
    return found


def _apart(before: pl.Series, after: pl.Series) -> float:
    """Return the largest distance of values from twice the former ones."""
    furthest = (after.cast(pl.Float64) - 2 * before.cast(pl.Float64)).abs().max()
    return furthest if isinstance(furthest, float) else 0.0


RELATIONS: tuple[Callable[[int], list[str]], ...] = (
    *(derived, alone, shuffled, split, rerun, renamed, doubled),
)


def of_world(seed: int) -> tuple[int, dict[str, list[str]]]:
    """Return the number of cells that a world's run computes, and the differences by relation."""
    pl.Config.set_engine_affinity("in-memory")
    found = {relation.__name__: relation(seed) for relation in RELATIONS}
    _, _, results = computed(seed)
    return sum(rows.height * rows.width for rows in results.tables.values()), found


def main() -> None:
    """Print the worlds of which each relation holds, and what differs in the others."""
    parser = argparse.ArgumentParser(description="Count the random worlds of which each relation holds.")
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int, help="this world is counted too")
    parser.add_argument("--processes", type=int, default=1)
    args = parser.parse_args()
    seeds, holds, cells = range(args.first, args.last + 1), Counter[str](), 0
    # Polars' threads do not survive a fork.
    with ProcessPoolExecutor(args.processes, get_context("spawn")) as pool:
        for seed, (size, found) in zip(seeds, pool.map(of_world, seeds), strict=True):
            cells += size
            holds.update(name for name, differences in found.items() if not differences)
            for name, differences in found.items():
                for difference in differences[:SHOWN]:
                    print(f"world {seed}, {name}: {difference}", flush=True)
    print(f"{len(seeds)} worlds, {cells:,} cells")
    for relation in RELATIONS:
        print(f"{relation.__name__:>10} {holds[relation.__name__]:>6}")


if __name__ == "__main__":
    main()
