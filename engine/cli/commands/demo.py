"""`demo`: a store with invented data."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from engine.cli.commands.options import output, positive, print_rows
from engine.cli.settings import Config
from engine.core.progress import reporter


def arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("url", metavar="URL", nargs="?", help="store to make")
    command.add_argument("--portfolios", type=positive, default=5, metavar="N", help="[5]")
    command.add_argument("--positions", type=positive, default=20, metavar="N", help="[20]")
    command.add_argument("--symbols", type=positive, default=60, metavar="N", help="[60]")
    command.add_argument("--seed", type=int, default=7, metavar="N", help="[7]")
    output(command)


def run(options: Namespace, settings: Config) -> int:
    """Carry it out; its exit code."""
    from engine.batch.copy import put_whole
    from loaders.demo import demo_world

    url = options.url or settings.database
    with reporter(options.quiet) as progress:
        progress.stage("invent")
        world = demo_world(options.portfolios, options.positions, options.symbols, seed=options.seed)
        rows = put_whole(url, world, settings.batch_size, progress)
    print_rows(rows, options.json)
    return 0
