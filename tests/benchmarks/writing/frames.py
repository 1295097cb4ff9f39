"""The rows to write: computed once, sorted, and divided among connections."""

from __future__ import annotations

import polars as pl

import engine
from engine.benchmarks.limits import OUTPUTS
from engine.benchmarks.workloads import FIRST, LAST
from engine.core.schema import TABLES
from tests.benchmarks.writing.ways import Frames

HEADS = "correlation_calculations"


def computed(url: str) -> Frames:
    """Compute the output rows of the reference window of a store."""
    window = engine.Window(FIRST, LAST, LAST)
    inputs = engine.load(url, FIRST, LAST, run_date=LAST)
    results = engine.compute(inputs, window, engine.Rules.legacy())
    tables = {name: results.tables[name] for name in OUTPUTS if name in results.tables}
    return {name: frame for name, frame in tables.items() if frame.height}


def ordered(frames: Frames, order: str) -> Frames:
    match order:
        case "id":
            return {name: frame.sort("id") for name, frame in frames.items()}
        case "shuffled":
            return {name: f.sample(fraction=1, shuffle=True, seed=3) for name, f in frames.items()}
        case "ascending ids":
            return {name: _ascending(name, frames) for name in frames}
        case _:
            return {name: frame.sort(TABLES[name].key) for name, frame in frames.items()}


def _ascending(name: str, frames: Frames) -> pl.DataFrame:
    """Return rows in key order with ascending ids, their own and those of generated parents."""
    frame = frames[name].sort(TABLES[name].key)
    if "correlation_calculation_id" in frame.columns:
        heads = frames[HEADS].sort(TABLES[HEADS].key)
        ids = heads.select(correlation_calculation_id="id", new=_numbered(heads.height))
        frame = frame.join(ids, on="correlation_calculation_id").sort("new", *TABLES[name].key[1:])
        frame = frame.with_columns(correlation_calculation_id="new").drop("new")
    return frame.with_columns(id=_numbered(frame.height))


def _numbered(height: int) -> pl.Series:
    return pl.Series("id", [f"{row:08x}-0000-8000-8000-000000000000" for row in range(height)])


def shares(frames: Frames, split: str, connections: int, positions: pl.DataFrame) -> list[Frames]:
    """Divide the rows among connections: not at all, by tables, or by portfolios of about equal size."""
    if not split:
        return [frames]
    if split == "tables":
        correlations = {name: frame for name, frame in frames.items() if "correlation" in name}
        others = {name: frame for name, frame in frames.items() if name not in correlations}
        return [others, correlations]
    owned = {name: _owned(name, frames, positions) for name in frames}
    owners = pl.concat(frame["owner"] for frame in owned.values()).drop_nulls()
    loads, places = [0] * connections, {}
    for owner, count in owners.value_counts(sort=True).sort("count", "owner", descending=True).iter_rows():
        places[owner] = loads.index(min(loads))
        loads[places[owner]] += count
    place = pl.col("owner").replace_strict(places, default=0, return_dtype=pl.Int64)
    return [
        {name: frame.filter(place == number).drop("owner") for name, frame in owned.items()}
        for number in range(connections)
    ]


def _owned(name: str, frames: Frames, positions: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the portfolio that they belong to as `owner`; null for rows without one."""
    frame, owner = frames[name], TABLES[name].owner
    if owner == "portfolio_id":
        return frame.with_columns(owner="portfolio_id")
    parents = {"position_id": positions, "correlation_calculation_id": frames[HEADS]}
    if owner not in parents:
        return frame.with_columns(owner=pl.lit(None, pl.String))
    owners = parents[owner].select(pl.col("id").alias(owner), owner="portfolio_id")
    return frame.join(owners, on=owner, maintain_order="left")
