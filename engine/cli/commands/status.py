"""`status`: show what a store holds and which sessions are missing."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.cli.commands.options import store
from engine.cli.printing import remark, show
from engine.cli.settings import Config

if TYPE_CHECKING:
    from engine.analyst.inventory import Inventory

EXAMPLE = "engine status duckdb:///demo.duckdb"


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    store(command)
    command.add_argument(
        "--check",
        action="store_true",
        help="exit 1 if a session is missing, held back or stale, or something has failed since the last run",
    )


def run(options: Namespace, settings: Config) -> int:
    """Run the command.

    Args:
        options: store, output.
        settings: default of the store (`database`).

    Returns:
        Exit code 0, with --check 1 if there is a problem; a failure is raised.
    """
    from engine.analyst.inventory import inventory

    stored = inventory(options.url or settings.database)
    show(stored.to_json() if options.json else stored.to_text())
    problems = _problems(options.url or settings.database, stored) if options.check else []
    for problem in problems:
        remark(f"problem: {problem}")
    return 1 if problems else 0


def _problems(url: str, stored: Inventory) -> list[str]:
    """Return a line for each problem of a store."""
    from engine.batch.store_check import problems_since_last_run

    held = int(stored.portfolios["held_back"].sum())
    stale = int(stored.portfolios["stale"].sum())
    counts = {"missing": stored.missing - held, "held back": held, "stale": stale}
    lines = [f"{count} sessions are {what}" for what, count in counts.items() if count]
    return [*lines, *problems_since_last_run(url)]
