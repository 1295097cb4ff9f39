"""The engine's command without one optimisation: python -m tests.benchmarks.without NAME COMMAND ...

It imports what the command itself imports, in the same order, so that runs can be compared.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Mapping

from engine.__main__ import run
from engine.cli import main as command_line

AS_IT_IS = "nothing"
NEVER = 1 << 62


def rows_ahead() -> None:
    """Make a table's rows when they are written."""
    from writers.rows_ahead import RowsAhead

    RowsAhead._make_more = lambda rows: None  # type: ignore[method-assign]
    RowsAhead.take = lambda rows, table: rows._makers[table]()  # type: ignore[method-assign]


def correlations_beside() -> None:
    """Compute correlations after the other jobs."""
    from engine.pipeline import jobs

    jobs.LARGE = NEVER


def started_early() -> None:
    """Wait until DuckDB has started."""
    from loaders.duckdb import connect

    for files in connect._ATTACHED:
        files._database.result()


def ids_in_blocks() -> None:
    """Hash the keys of all rows of a table together."""
    from engine.core import row_ids

    row_ids.BLOCK = NEVER


def rare_garbage_collection() -> None:
    """Look for cycles every 100,000 objects."""
    gc.set_threshold(100_000)


def no_search_for_blas() -> None:
    """Look for the libraries of BLAS, which has started with one thread."""
    import numpy  # noqa: F401

    del os.environ["OPENBLAS_NUM_THREADS"]


WITHOUT: Mapping[str, Callable[[], None]] = {
    "rows made ahead": rows_ahead,
    "correlations beside": correlations_beside,
    "files attached": lambda: None,
    "DuckDB started early": started_early,
    "ids in blocks": ids_in_blocks,
    "rare garbage collection": rare_garbage_collection,
    "no search for BLAS": no_search_for_blas,
}
"""Functions that switch an optimisation off, by its name."""


def main() -> int:
    """Run the command; return its exit code."""
    _, name, *words = sys.argv
    start_early = command_line.start_early

    def started(url: str) -> None:
        if name != "files attached":
            start_early(url)
        WITHOUT.get(name, lambda: None)()

    command_line.start_early = started
    sys.argv = ["engine", *words]
    return run()


if __name__ == "__main__":
    sys.exit(main())
