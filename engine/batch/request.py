"""Request of a backfill: its arguments, checked and completed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from engine.analytics.stress.scenarios import Scenarios
from engine.batch.gate import THRESHOLD
from engine.batch.ledger import RUNS, request_hash
from engine.batch.missing_sessions import Stage
from engine.core.errors import UsageError
from engine.core.rules import Rules
from engine.core.store_url import StoreURL
from loaders.open import open_reader, same_store
from writers.open import writer_kind


def destination(source: StoreURL, target: StoreURL | None, dry_run: bool = False) -> StoreURL:
    """Return the store that results are written to: the target, or else the source.

    A database is written in place, as the legacy batch did. A Parquet folder is often somebody's input data,
    and no permission keeps a run from mixing its results with them: it must be named as target, unless the
    engine has written there before.

    Args:
        source: store of the inputs.
        target: store that was named, if any.
        dry_run: whether nothing is written.

    Raises:
        UsageError: no target is named, and the source is a folder without tables of the engine.
    """
    if target is not None or dry_run or writer_kind(source).default_target:
        return target or source
    with open_reader(source) as reader:
        if RUNS.name in reader.tables():
            return source
    raise UsageError(
        f"store {source} is {writer_kind(source).label} that the engine has not written before, and no --to "
        "says where the results are to go",
        "Name a store with --to URL; the same one, if they are to stand among its files",
    )


class Request(NamedTuple):
    """The arguments of `engine.backfill`, checked and completed.

    Attributes:
        source: store of the inputs.
        target: store of the results.
        start: first day of the window; None: the first missing session.
        end: last day; None: the newest session whose closes are final.
        run_date: the day that counts as today; None: today in UTC.
        portfolios: ids; None for all.
        wanted: names of the tables to write.
        asked_rules: the rules that were named; None if none were.
        scenarios: stress scenarios.
        batch_rows: rows in one batch.
        shard_size: portfolios in one shard; None: what fits the memory.
        memory: bytes that the run may use; None: half of what is free.
        dry_run: whether nothing is written.
        recompute: whether all stored sessions are computed anew.
        threshold: the fraction of a portfolio's value that closes must cover, 0 to 1.
        allow_stale: whether sessions with too few closes, or none, are computed all the same.
        recompute_limit: the most stale sessions of a portfolio that a nightly run computes again; None: the
            run is not a nightly one, and leaves them.
        again: whether portfolios that have all sessions of the window are computed, too.
        evening: whether the window is one session as of its own evening: later ones are not computed with it.
        rules: those of the run, set when the target has been read.
        command: the id of the whole request if this is one stage of it; else empty.
    """

    source: StoreURL
    target: StoreURL
    start: date | None
    end: date | None
    run_date: date | None
    portfolios: Sequence[UUID] | None
    wanted: frozenset[str]
    asked_rules: Rules | None
    scenarios: Scenarios
    batch_rows: int
    shard_size: int | None = None
    memory: int | None = None
    dry_run: bool = False
    recompute: bool = False
    threshold: float = THRESHOLD
    allow_stale: bool = False
    recompute_limit: int | None = None
    again: bool = True
    evening: bool = False
    rules: Rules = Rules.legacy()
    command: str = ""

    @property
    def in_place(self) -> bool:
        """Return whether source and target are the same store."""
        return same_store(self.source, self.target)

    @property
    def missing_only(self) -> bool:
        """Return whether the sessions that portfolios lack are to be computed, not those of a window."""
        return self.start is None and not self.recompute

    def for_stage(self, stage: Stage) -> Request:
        """Return the request for one stage of it."""
        return self._replace(
            start=stage.start,
            end=stage.end,
            portfolios=self.portfolios if stage.portfolios is None else stage.portfolios,
            wanted=self.wanted if stage.tables is None else self.wanted & set(stage.tables),
            command=self.id,
            run_date=stage.run_date or self.run_date,
            again=stage.again,
            evening=stage.run_date is not None,
        )

    @property
    def id(self) -> str:
        """Hash of the request: the same command has the same one."""
        if self.command:
            return self.command
        asked = (str(self.source), self.start, self.end, self.run_date, self.portfolios, sorted(self.wanted))
        gate = self.threshold, self.allow_stale, self.recompute_limit
        return request_hash(*asked, self.rules, self.scenarios.active, self.recompute, *gate)
