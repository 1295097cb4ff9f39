"""A request: what a backfill was asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from engine.analytics.stress.scenarios import Scenarios
from engine.batch.ledger import RUNS, request_of
from engine.core.errors import UsageError, safe_url
from engine.core.rules import Rules
from engine.core.store_url import same_store, scheme, store_path
from loaders.parquet.files import files


def destination(source: str, target: str | None, dry_run: bool = False) -> str:
    """The store that results go to: the one named, else the one that the inputs come from.

    A database is written in place, as the legacy batch did. A Parquet folder is often somebody's
    input data, and no lock or right keeps a run from mixing its results among them: it has to be
    named, unless the engine has written there before.

    Raises:
        UsageError: a folder that was not named, and holds no table of the engine's.
    """
    if target is not None or dry_run or scheme(source) != "parquet":
        return target or source
    folder = store_path(source)
    if folder.is_dir() and not files(folder, RUNS.name):
        raise UsageError(
            f"store {safe_url(source)} is a folder that the engine has not written before, and no --to "
            "says where the results are to go",
            "Name a store with --to URL; the same folder, if they are to stand among its files",
        )
    return source


@dataclass(frozen=True)
class Request:
    """The arguments of `engine.backfill`, checked and completed.

    wanted: names of the tables to write.
    """

    source: str
    target: str
    start: date | None
    end: date | None
    run_date: date | None
    portfolios: Sequence[UUID] | None
    wanted: frozenset[str]
    rules: Rules
    scenarios: Scenarios
    batch_rows: int
    shard_size: int | None
    memory: int | None
    dry_run: bool

    @property
    def in_place(self) -> bool:
        """Whether the results go back to the store they are computed from."""
        return same_store(self.source, self.target)

    @property
    def id(self) -> str:
        """What was asked for, as a hash: the same command has the same one."""
        source = safe_url(self.source)
        asked = (source, self.start, self.end, self.run_date, self.portfolios, sorted(self.wanted))
        return request_of(*asked, self.rules, self.scenarios.active)
