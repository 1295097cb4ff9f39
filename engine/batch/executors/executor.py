"""Interface of executors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from engine.batch.ledger import Run
from engine.batch.steps import LoadedInputs, RunState


class Executor(ABC):
    """Computes and writes shards; a context manager that waits for them at its end.

    An error of a shard is raised by a later call, or at the end. If the block raises, shards in progress
    are given up.

    Attributes:
        state: of the backfill.
        run: its row in the ledger.
        shards_in_memory: shards that a machine holds in memory at the same time.
        parallel_shards: shards in progress at the same time.
    """

    shards_in_memory: int
    parallel_shards: int

    def __init__(self, state: RunState, run: Run) -> None:
        self.state, self.run = state, run

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @abstractmethod
    def run_shard(self, loaded: LoadedInputs, block: list[str]) -> LoadedInputs:
        """Compute and write a shard, at once or later.

        Args:
            loaded: inputs of portfolios with one history.
            block: ids of the shard's portfolios.

        Returns:
            The inputs of the next shards.
        """

    @abstractmethod
    def wait_for_all(self) -> None:
        """Wait for all shards in progress."""
