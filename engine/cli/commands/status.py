"""`status`: show what a store holds and which sessions are missing."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from engine.cli.commands.options import store
from engine.cli.settings import Config


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    store(command)


def run(options: Namespace, settings: Config) -> int:
    """Run the command.

    Args:
        options: store, output.
        settings: default of the store (`database`).

    Returns:
        Exit code 0; a failure is raised.
    """
    from engine.analyst.inventory import inventory

    stored = inventory(options.url or settings.database)
    print(stored.to_json() if options.json else stored.to_text())
    return 0
