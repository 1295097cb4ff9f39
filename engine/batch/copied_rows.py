"""Reference rows copied unchanged to a separate target store."""

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


def rows_of_computed(inputs: Inputs) -> dict[str, pl.DataFrame]:
    """Return rows of the shard's own portfolios that a run changes only in part, by table."""
    return {
        "tags_v2": inputs.tags,
        "position_tags": inputs.position_tags,
        "engine_portfolio_openings": inputs.first_equity,
        "engine_position_openings": inputs.first_positions,
    }


def rows_of_others(
    past: EarlierResults, target: StoreURL, computed: Sequence[str]
) -> tuple[Frames, pl.DataFrame]:
    """Return rows that belong to no portfolio of the run, and those of them that break a rule.

    State that earlier runs wrote into the target is kept. Users are copied only into stores whose
    portfolios refer to them.

    Args:
        past: source and target.
        target: URL of the target.
        computed: ids of the portfolios of all shards.

    Returns:
        Good rows by table; the quarantine (`engine.core.row_rules.QUARANTINE`).
    """
    source = past.source
    users = ("users",) if writer_kind(target).needs_users else ()
    shared = (name for name in (*users, "stress_test_scenarios") if name in source.columns)
    frames = {name: source.read(name) for name in shared}
    for name, owner in (("portfolios", "id"), ("positions", "portfolio_id")):
        others = ~pl.col(owner).is_in(pl.Series(computed, dtype=pl.String).implode())
        kept = conform(source.read(name).filter(others), TABLES[name], source.url)
        frames[name] = past.with_state(name, kept)
    checked = {name: admit(frame, TABLES[name], source.url) for name, frame in frames.items()}
    quarantine = pl.concat([pl.DataFrame(schema=QUARANTINE), *(broken for _, broken in checked.values())])
    return {name: good for name, (good, _) in checked.items()}, quarantine
