"""Executor of this process: one shard is computed while earlier ones are written."""

from __future__ import annotations

from functools import partial
from types import TracebackType

from engine.batch.executors.executor import Executor
from engine.batch.ledger import Run
from engine.batch.request import Request
from engine.batch.shards import MemoryShortError
from engine.batch.steps import Job, Loaded, Place, changed, computed, count, passed_on, shard, write
from engine.batch.table_changes import Changes
from engine.batch.write_queue import Writes
from engine.core.window import Window
from writers.open import writer_kind
from writers.retry import with_retries


class Local(Executor):
    """Computes shards one after the other and writes them in threads."""

    def __init__(self, job: Job, run: Run) -> None:
        super().__init__(job, run)
        self.wide = local_lanes(job.request, run.window)
        self.held = self.wide + 1
        self._writes = Writes(self.wide)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writes.__exit__(kind, error, trace)

    def settle(self) -> None:
        self._writes.settle()

    def do(self, loaded: Loaded, block: list[str]) -> Loaded:
        """Compute a shard and queue its write; a shard that does not fit the memory is halved."""
        job = self.job
        try:
            some = shard(job, loaded, block)
            results = computed(job, some)
        except MemoryShortError:
            if len(block) == 1:
                raise
            half = len(block) // 2
            job.told.note(f"memory is short: {len(block)} portfolios are done in two halves")
            return self.do(self.do(loaded, block[:half]), block[half:])
        made = changed(job, some, results)
        count(job, results, made, some.window)
        left = passed_on(loaded, results)
        del results  # its figures are freed as soon as rows are made of them
        # Several shards would insert these rows: the first commits before the next begins.
        alone = not job.complete or made.makes_definitions
        # With one lane the last shard is written last: the end of the run goes into its transaction.
        job.ended = self.wide == 1 and job.is_last(block)
        place = Place(makes=not job.complete, begins=not job.begun, ends=job.ended)
        self._writes.submit(partial(self._put, block, made, some.window, place), alone)
        job.begun = job.complete = True
        return left

    def _put(self, block: list[str], made: Changes, window: Window, place: Place) -> None:
        job, totals = self.job, made.rows

        def attempt() -> None:
            """Write the shard; a retry counts its rows from the start."""
            stage = job.told.stage("write", sum(totals.values()))

            def report(table: str, rows: int) -> None:
                self._writes.go_on()
                # Rows of the ledger and of batch tracking are no part of the shard's total.
                stage.rows(table, rows if table in totals else 0)

            write(job, self.run, block, made, window, report, place)

        with job.report.timed("write"):
            with_retries(attempt, job.told.note)


def local_lanes(request: Request, window: Window) -> int:
    """Return how many shards may be written at the same time.

    Only one into a separate target, where shards insert the same reference rows, and in a window that
    updates tags, whose counts go on from shard to shard.
    """
    return writer_kind(request.target).lanes if request.in_place and not window.updates_tags else 1
