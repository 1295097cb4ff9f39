"""`runs`: a store's runs, their shards, and who is at work."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from engine.cli.commands.options import store
from engine.cli.settings import Config


def arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    store(command)


def run(options: Namespace, settings: Config) -> int:
    """Carry it out; its exit code."""
    from engine.batch.runs import runs

    found = runs(options.url or settings.database)
    print(found.to_json() if options.json else found.to_text())
    return 0
