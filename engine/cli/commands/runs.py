"""`runs`: show a store's runs, their shards, and what is running."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from engine.cli.commands.options import store
from engine.cli.settings import Config


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments."""
    store(command)


def run(options: Namespace, settings: Config) -> int:
    """Run the command; return its exit code."""
    from engine.batch.runs import runs

    stored = runs(options.url or settings.database)
    print(stored.to_json() if options.json else stored.to_text())
    return 0
