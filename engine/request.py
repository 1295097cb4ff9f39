"""A request: what a backfill was asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from engine.errors import safe_url
from engine.ledger import request_of
from engine.rules import Rules
from engine.scenarios import Scenarios
from engine.store_url import same_store


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
