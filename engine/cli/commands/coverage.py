"""`coverage`: show which closes a store lacks, and why."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from engine.cli.commands.options import day, names, percent, store
from engine.cli.printing import show
from engine.cli.settings import Config

EXAMPLE = "engine coverage duckdb:///demo.duckdb --end 2025-12-19 --threshold 90"


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    store(command)
    command.add_argument(
        "--symbols", type=names, metavar="A,B,...", help="symbols [held symbols and the funds]"
    )
    command.add_argument(
        "--start", type=day, metavar="D", help="first day [the longest look-back before the end]"
    )
    command.add_argument("--end", type=day, metavar="D", help="last day [newest finished session]")
    command.add_argument(
        "--threshold", type=percent, default=95.0, metavar="PERCENT", help="coverage that is sufficient [95]"
    )


def run(options: Namespace, settings: Config) -> int:
    """Run the command.

    Args:
        options: store, symbols, days, the threshold in percent, output.
        settings: default of the store (`database`).

    Returns:
        The exit code: 1 where coverage is below the threshold, else 0.
    """
    from datetime import UTC, datetime

    from engine.market_data.collect import coverage

    result = coverage(
        options.url or settings.database,
        now=datetime.now(UTC),
        symbols=options.symbols,
        start=options.start,
        end=options.end,
    )
    show(result.to_json() if options.json else result.to_text())
    return 0 if 100 * result.lowest >= options.threshold else 1
