"""Seeds: what a target of its own needs of the source beside a shard's results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from engine.changes import ONCE, OWNED, Changes
from engine.inputs import Inputs
from engine.references import kept_ids, pointed
from engine.schema import TABLES
from engine.store_url import scheme
from engine.validation import QUARANTINE, admit
from loaders import Reader, open_reader


def seeds(
    reader: Reader, target: str, block: Sequence[str], ids: Sequence[str]
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Rows of the source that the target is to have, by table; and those that break a rule.

    With the first shard come the tables that belong to no portfolio, and the rows of portfolios
    that are not computed at all.

    Args:
        block: the shard's portfolios. ids: those of all shards.
    """
    first = block[0] == ids[0]
    present = reader.tables()
    once = [n for n in ONCE if n != "users" or scheme(target).startswith("postgres")] if first else []
    found = {name: reader.read(name) for name in once if name in present}
    for name in (name for name in OWNED if name in present):
        owner = pl.col(TABLES[name].owner or "id")
        ours = owner.is_in(pl.Series(block).implode())
        others = ~owner.is_in(pl.Series(ids).implode()) if first else pl.lit(False)
        found[name] = reader.read(name).filter(ours | others)
    parted = {name: admit(frame, TABLES[name], reader.url) for name, frame in found.items()}
    bad = pl.concat([pl.DataFrame(schema=QUARANTINE), *(bad for _, bad in parted.values())])
    return {name: good for name, (good, _) in parted.items()}, bad


def linked(inputs: Inputs, target: str) -> Inputs:
    """Inputs with the target's own tags: earlier shards have changed them there."""
    with open_reader(target) as reader:
        return replace(inputs, tags=reader.read("tags_v2"), position_tags=reader.read("position_tags"))


def at_home(found: Changes, target: str) -> Changes:
    """Changes that refer to the target's rows by the ids that those have there."""
    kept = kept_ids(target, found.whole)
    return replace(
        found,
        whole=pointed(found.whole, kept),
        figures=pointed(found.figures, kept),
        removed=pointed(found.removed, kept),
    )
