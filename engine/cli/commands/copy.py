"""`copy`: copy every known table to another store."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from engine.cli.commands.options import output, positive, print_rows
from engine.cli.settings import Config
from engine.core.progress import reporter

EXAMPLE = "engine copy duckdb:///demo.duckdb parquet:///./demo-copy"


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    command.add_argument("source", metavar="FROM", help="store to read")
    command.add_argument("target", metavar="TO", help="store to write")
    command.add_argument("--batch-size", type=positive, metavar="ROWS", help="rows per batch [5000]")
    output(command)


def run(options: Namespace, settings: Config) -> int:
    """Run the command.

    Args:
        options: both stores, rows per batch, output.
        settings: default of the batch size.

    Returns:
        Exit code 0; a failure is raised.
    """
    from engine.batch.copy import copy

    with reporter(options.quiet, options.log_format) as progress:
        rows = copy(options.source, options.target, options.batch_size or settings.batch_size, progress)
    print_rows(rows, options.json)
    return 0
