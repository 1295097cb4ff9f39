"""Executor of this process: one shard is computed while earlier ones are written."""

from __future__ import annotations

from functools import partial
from types import TracebackType

from engine.batch.executors.executor import Executor
from engine.batch.ledger import Run
from engine.batch.request import Request
from engine.batch.run_writes import RunBoundary, write_shard
from engine.batch.shards import MemoryShortError
from engine.batch.steps import (
    LoadedInputs,
    RunState,
    compute_shard,
    report_shard,
    shard_changes,
    shard_inputs,
    with_shared_rows,
)
from engine.batch.table_changes import TableChanges
from engine.batch.write_queue import WriteQueue
from engine.core.window import Window
from engine.pipeline.results import Results
from writers.open import writer_kind
from writers.retry import with_retries


class LocalExecutor(Executor):
    """Computes shards one after the other and writes them in threads."""

    def __init__(self, state: RunState, run: Run) -> None:
        super().__init__(state, run)
        self.parallel_shards = parallel_writes(state.request, run.window)
        self.shards_in_memory = self.parallel_shards + 1
        self._writes = WriteQueue(self.parallel_shards)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writes.__exit__(kind, error, trace)

    def wait_for_all(self) -> None:
        self._writes.wait_for_all()

    def run_shard(self, loaded: LoadedInputs, block: list[str]) -> LoadedInputs:
        """Compute a shard and queue its write; a shard that does not fit the memory is halved.

        Args:
            loaded: inputs of portfolios with one history.
            block: ids of the shard's portfolios.

        Returns:
            The inputs, with the shared rows that the shard's results added.

        Raises:
            MemoryShortError: a single portfolio does not fit the memory.
        """
        state = self.state
        try:
            inputs = shard_inputs(state, loaded, block)
            results = self._computed(inputs, 2 if state.is_only(block) else 1)
        except MemoryShortError:
            if len(block) == 1:
                raise
            half = len(block) // 2
            state.progress.note(f"memory is short: {len(block)} portfolios are done in two halves")
            return self.run_shard(self.run_shard(loaded, block[:half]), block[half:])
        changes = shard_changes(state, inputs, results)
        report_shard(state, results, changes, inputs.window)
        following = with_shared_rows(loaded, results)
        del results  # its figures are freed as soon as rows are made of them
        # Several shards would insert these rows: the first commits before the next begins.
        alone = not state.tables_exist or changes.inserts_definitions
        # If one write runs at a time, the last shard is written last, and the run's end with it.
        state.end_recorded = self.parallel_shards == 1 and state.is_last(block)
        boundary = RunBoundary(not state.tables_exist, not state.start_recorded, state.end_recorded)
        self._writes.submit(partial(self._write, block, changes, inputs.window, boundary), alone)
        state.start_recorded = state.tables_exist = True
        return following

    def _computed(self, inputs: LoadedInputs, threads: int) -> Results:
        """Compute a shard; where memory is short, once more when the shards before it are written."""
        try:
            return compute_shard(self.state, inputs, threads)
        except MemoryShortError:
            self._writes.wait_for_all()
            return compute_shard(self.state, inputs)

    def _write(self, block: list[str], changes: TableChanges, window: Window, boundary: RunBoundary) -> None:
        state, totals = self.state, changes.rows

        def attempt() -> None:
            """Write the shard; a retry counts its rows from the start."""
            stage = state.progress.stage("write", sum(totals.values()))

            def report(table: str, rows: int) -> None:
                self._writes.raise_if_stopped()
                # Rows of the ledger and of batch tracking are no part of the shard's total.
                stage.rows(table, rows if table in totals else 0)

            write_shard(state, self.run, block, changes, window, report, boundary)

        with state.report.timed("write"):
            with_retries(attempt, state.progress.note)


def parallel_writes(request: Request, window: Window) -> int:
    """Return how many shards may be written at the same time.

    Only one into a separate target, where shards insert the same reference rows, and in a window that
    updates tags, whose counts go on from shard to shard.

    Args:
        request: names source and target.
        window: of the run.
    """
    several = request.in_place and not window.updates_tags
    return writer_kind(request.target).parallel_writes if several else 1
