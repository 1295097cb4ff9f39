"""Seeds: what a target of its own needs of the source beside a shard's results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from engine.core.frames import conform
from engine.core.row_rules import QUARANTINE, admit
from engine.core.schema import TABLES
from engine.core.store_url import StoreURL
from engine.pipeline.inputs import Inputs
from loaders.earlier_results import EarlierResults
from writers.open import writer_kind

Frames = Mapping[str, pl.DataFrame]


def of_inputs(inputs: Inputs) -> dict[str, pl.DataFrame]:
    """What a shard knows of its own portfolios, and changes only in part, by table."""
    return {
        "tags_v2": inputs.tags,
        "position_tags": inputs.position_tags,
        "engine_portfolio_openings": inputs.first_equity,
        "engine_position_openings": inputs.first_positions,
    }


def of_others(past: EarlierResults, target: StoreURL, computed: Sequence[str]) -> tuple[Frames, pl.DataFrame]:
    """What belongs to no portfolio that is computed, by table; and its rows that break a rule.

    What earlier runs made of the others in the target stays. Users are copied only into stores
    whose portfolios refer to them.

    Args:
        computed: the portfolios of all shards.
    """
    source = past.source
    users = ("users",) if writer_kind(target).needs_users else ()
    shared = (name for name in (*users, "stress_test_scenarios") if name in source.columns)
    found = {name: source.read(name) for name in shared}
    for name, owner in (("portfolios", "id"), ("positions", "portfolio_id")):
        others = ~pl.col(owner).is_in(pl.Series(computed, dtype=pl.String).implode())
        kept = conform(source.read(name).filter(others), TABLES[name], source.url)
        found[name] = past.with_state(name, kept)
    parted = {name: admit(frame, TABLES[name], source.url) for name, frame in found.items()}
    bad = pl.concat([pl.DataFrame(schema=QUARANTINE), *(bad for _, bad in parted.values())])
    return {name: good for name, (good, _) in parted.items()}, bad
