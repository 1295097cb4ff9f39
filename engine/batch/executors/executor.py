"""Interface of executors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from engine.batch.ledger import Run
from engine.batch.steps import Job, Loaded


class Executor(ABC):
    """Computes and writes shards; a context manager that waits for them at its end.

    An error of a shard is raised by a later call, or at the end. If the block raises, shards in progress
    are given up.

    held: shards that a machine holds in memory at the same time.
    wide: shards in progress at the same time.
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
        """Compute and write a shard, at once or later.

        Args:
            loaded: inputs of portfolios with one history.
            block: ids of the shard's portfolios.

        Returns:
            The inputs of the next shards.
        """

    @abstractmethod
    def settle(self) -> None:
        """Wait for all shards in progress."""
