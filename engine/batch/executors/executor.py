"""What every executor can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from engine.batch.ledger import Run
from engine.batch.steps import Job, Loaded


class Executor(ABC):
    """Does shards; use it as a context manager, and nothing is under way when its block ends.

    What a shard raises is raised at a later call, or at the end. Where the block ends badly, shards
    that are under way are given up.

    held: shards that a machine has in memory at the same time. wide: shards in work at the same time.
    """

    held: int
    wide: int

    def __init__(self, job: Job, run: Run) -> None:
        self.job, self.run = job, run

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @abstractmethod
    def do(self, loaded: Loaded, block: list[str]) -> Loaded:
        """Compute and write a shard, now or soon: a block of the portfolios that were loaded.

        Returns:
            What the next shards are computed from.
        """

    @abstractmethod
    def settle(self) -> None:
        """Wait until nothing is under way."""
