"""Functions of stores by URL: load a window, compare two stores."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

from engine.batch.shards import live_portfolios
from engine.core.names import printable
from engine.core.window import Window
from engine.parity import Comparison, load_exemptions
from engine.parity import compare as compare_readers
from engine.pipeline.inputs import Inputs
from loaders import open_reader
from loaders.reader import Reader
from loaders.structure import require_spelling, require_structure
from loaders.window import load_window


def load(
    url: str,
    start: date,
    end: date,
    *,
    run_date: date | None = None,
    portfolios: Sequence[UUID] | None = None,
) -> Inputs:
    """Load and validate the inputs of a window, each table once.

    Args:
        url: URL of the store.
        start: First day of the window.
        end: Last day of the window, inclusive.
        run_date: The date taken as today; default today in UTC.
        portfolios: Portfolio ids; default all that are not deleted.

    Returns:
        Inputs for `compute`.
    """
    window = Window(start, end, run_date or datetime.now(UTC).date())
    with open_reader(url) as reader:
        require_structure(reader)
        _, dead = live_portfolios(reader, portfolios)
        inputs = load_window(reader, window, portfolios, dead)
        require_spelling(reader, inputs)
    return inputs


def compare(
    expected: str,
    actual: str,
    *,
    tables: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    exemptions: str | Path | None = None,
) -> Comparison:
    """Compare two stores by table, row and cell.

    Args:
        expected: URL of the reference store, of any kind.
        actual: URL of the store to check, of any kind.
        tables: Table names; default every output and state table of `expected`.
        start: First day of the dated rows to compare; default no limit.
        end: Last day of the dated rows to compare, inclusive; default no limit.
        exemptions: Path of a JSON file of declared exemptions.

    Returns:
        Comparison with its verdict and its differences.
    """
    declared = load_exemptions(exemptions) if exemptions else ()
    with ExitStack() as stack:
        old, new = (stack.enter_context(open_reader(url)) for url in (expected, actual))
        comparison = compare_readers(old, new, tables, start, end, declared)
        shown = comparison.rows.height + comparison.examples.height
        return replace(comparison, labels=_labels(old) | _labels(new)) if shown else comparison


def _labels(reader: Reader) -> dict[str, str]:
    """Return the names of portfolios and the symbols of positions, by id, as far as a store has them."""
    named = {"portfolios": "name", "positions": "symbol"}
    return {
        key: printable(name)
        for table, column in named.items()
        if table in reader.columns
        for key, name in reader.read(table, ["id", column]).drop_nulls().iter_rows()
    }
