"""`coverage`: which closes a store lacks of what is due, and why."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from engine.cli.commands.options import day, names, percent, store
from engine.cli.settings import Config


def arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    store(command)
    command.add_argument("--symbols", type=names, metavar="A,B,...", help="[what is held, and the funds]")
    command.add_argument(
        "--start", type=day, metavar="D", help="first day [the longest look-back before the end]"
    )
    command.add_argument("--end", type=day, metavar="D", help="last day [newest finished session]")
    command.add_argument(
        "--threshold", type=percent, default=95.0, metavar="PERCENT", help="coverage that is enough [95]"
    )


def run(options: Namespace, settings: Config) -> int:
    """Carry it out; its exit code: 1 where coverage is not enough."""
    from datetime import UTC, datetime

    from engine.market_data.collect import coverage

    found = coverage(
        options.url or settings.database,
        now=datetime.now(UTC),
        symbols=options.symbols,
        start=options.start,
        end=options.end,
    )
    print(found.to_json() if options.json else found.to_text())
    return 0 if 100 * found.lowest >= options.threshold else 1
