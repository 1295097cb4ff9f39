"""`score`: compare forecasts of volatility on the closes of a store."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from engine.cli.commands.options import day, store
from engine.cli.printing import show
from engine.cli.settings import Config

EXAMPLE = "engine score duckdb:///demo.duckdb --until 2025-12-19"


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    store(command)
    command.add_argument("--until", type=day, metavar="D", help="last day of closes that is read [newest]")


def run(options: Namespace, settings: Config) -> int:
    """Run the command. It reads closes, and writes nothing.

    Args:
        options: store, last day, output.
        settings: default of the store (`database`).

    Returns:
        The exit code, 0.
    """
    from engine.analyst.score import score

    found = score(options.url or settings.database, until=options.until)
    show(found.to_json() if options.json else found.to_text())
    return 0
