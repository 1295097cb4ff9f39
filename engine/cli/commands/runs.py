"""`runs`: show a store's runs, their shards, and what is running."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace

from engine.cli.commands.options import store
from engine.cli.printing import show
from engine.cli.settings import Config

RUN_ID = re.compile("[0-9a-f]{4,8}(-[0-9a-f-]*)?")
"""The id of a run, or its beginning, where a URL may stand as well."""

EXAMPLE = "engine runs duckdb:///demo.duckdb"


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    store(command)
    command.add_argument(
        "run", metavar="ID", nargs="?", help="show all of one run; its first characters suffice"
    )


def run(options: Namespace, settings: Config) -> int:
    """Run the command.

    Args:
        options: store, output.
        settings: default of the store (`database`).

    Returns:
        Exit code 0; a failure is raised.
    """
    from engine.batch.runs import runs

    url, run_id = options.url, options.run
    if url and run_id is None and RUN_ID.fullmatch(url):
        url, run_id = None, url
    stored = runs(url or settings.database)
    if run_id:
        stored = stored.one(run_id)
    text = stored.detail() if run_id else stored.to_text()
    show(stored.to_json() if options.json else text)
    return 0
