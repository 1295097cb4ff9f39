"""What a notebook calls: load a window, compare two stores."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

from engine.batch.shards import live_portfolios
from engine.core.window import Window
from engine.parity import Comparison, load_exemptions
from engine.parity import compare as compare_readers
from engine.pipeline.inputs import Inputs
from loaders import open_reader
from loaders.window import load_window


def load(
    url: str,
    start: date,
    end: date,
    *,
    run_date: date | None = None,
    portfolios: Sequence[UUID] | None = None,
) -> Inputs:
    """Everything that the figures of a window need, read once and validated.

    Args:
        url: the store.
        start, end: the window, both ends inclusive.
        run_date: what counts as today; default today's date in UTC.
        portfolios: ids; default all that are not deleted.
    """
    window = Window(start, end, run_date or datetime.now(UTC).date())
    with open_reader(url) as reader:
        _, dead = live_portfolios(reader, portfolios)
        return load_window(reader, window, portfolios, dead)


def compare(
    expected: str,
    actual: str,
    *,
    tables: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    exemptions: str | Path | None = None,
) -> Comparison:
    """Two stores, table by table, row by row, cell by cell.

    Args:
        expected, actual: store URLs of any kind.
        tables: names; default every output and state table that `expected` has.
        start, end: compare dated rows of these days only.
        exemptions: a file of declared exemptions.
    """
    declared = load_exemptions(exemptions) if exemptions else ()
    with ExitStack() as stack:
        old, new = (stack.enter_context(open_reader(url)) for url in (expected, actual))
        return compare_readers(old, new, tables, start, end, declared)
