"""The rows to write: computed once, put in one order or another, shared out to connections."""

from __future__ import annotations

import polars as pl

import engine
from engine.benchmarks.limits import OUTPUTS
from engine.benchmarks.workloads import FIRST, LAST
from engine.core.schema import TABLES
from tests.benchmarks.writing.ways import Frames

HEADS = "correlation_calculations"


def computed(url: str) -> Frames:
    """The output rows of the reference window of a store."""
    window = engine.Window(FIRST, LAST, LAST)
    inputs = engine.load(url, FIRST, LAST, run_date=LAST)
    results = engine.compute(inputs, window, engine.Rules.legacy())
    known = {name: results.tables[name] for name in OUTPUTS if name in results.tables}
    return {name: frame for name, frame in known.items() if frame.height}


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
    """Rows in key order whose ids, and those of the parents made with them, ascend too."""
    frame = frames[name].sort(TABLES[name].key)
    if "correlation_calculation_id" in frame.columns:
        heads = frames[HEADS].sort(TABLES[HEADS].key)
        known = heads.select(correlation_calculation_id="id", new=_numbered(heads.height))
        frame = frame.join(known, on="correlation_calculation_id").sort("new", *TABLES[name].key[1:])
        frame = frame.with_columns(correlation_calculation_id="new").drop("new")
    return frame.with_columns(id=_numbered(frame.height))


def _numbered(height: int) -> pl.Series:
    return pl.Series("id", [f"{row:08x}-0000-8000-8000-000000000000" for row in range(height)])


def shares(frames: Frames, split: str, connections: int, positions: pl.DataFrame) -> list[Frames]:
    """The work of each connection: all, whole tables, or portfolios with about as many rows."""
    if not split:
        return [frames]
    if split == "tables":
        correlations = {name: frame for name, frame in frames.items() if "correlation" in name}
        others = {name: frame for name, frame in frames.items() if name not in correlations}
        return [others, correlations]
    known = {name: _owned(name, frames, positions) for name in frames}
    owners = pl.concat(frame["owner"] for frame in known.values()).drop_nulls()
    loads, mine = [0] * connections, {}
    for owner, count in owners.value_counts(sort=True).sort("count", "owner", descending=True).iter_rows():
        mine[owner] = loads.index(min(loads))
        loads[mine[owner]] += count
    place = pl.col("owner").replace_strict(mine, default=0, return_dtype=pl.Int64)
    return [
        {name: frame.filter(place == number).drop("owner") for name, frame in known.items()}
        for number in range(connections)
    ]


def _owned(name: str, frames: Frames, positions: pl.DataFrame) -> pl.DataFrame:
    """Each row with the portfolio it belongs to, as `owner`; null for rows of nobody."""
    frame, owner = frames[name], TABLES[name].owner
    if owner == "portfolio_id":
        return frame.with_columns(owner="portfolio_id")
    parents = {"position_id": positions, "correlation_calculation_id": frames[HEADS]}
    if owner not in parents:
        return frame.with_columns(owner=pl.lit(None, pl.String))
    known = parents[owner].select(pl.col("id").alias(owner), owner="portfolio_id")
    return frame.join(known, on=owner, maintain_order="left")
