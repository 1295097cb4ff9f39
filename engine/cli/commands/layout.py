"""`layout`: show the layout of a store, or change it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from engine.cli.commands.schema import LAYOUTS
from engine.cli.printing import show, show_done
from engine.cli.settings import Config

EXAMPLE = "engine layout duckdb:///demo.duckdb"


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    command.add_argument("url", metavar="URL", help="store")
    command.add_argument("layout", choices=LAYOUTS, nargs="?", help="the new layout [show the present one]")


def run(options: Namespace, settings: Config) -> int:
    """Run the command.

    Args:
        options: store and layout.
        settings: not used; a store is always named.

    Returns:
        Exit code 0; a failure is raised.
    """
    from engine.batch.copy import change_layout, stored_layout

    if options.layout is None:
        show(stored_layout(options.url))
        return 0
    rows = change_layout(options.url, options.layout)
    lines = [f"{name:<32}{count:>12,}" for name, count in rows.items()]
    show_done("\n".join(lines) or f"the store has the {options.layout} layout already")
    return 0
