"""`demo`: create a store with invented data."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from engine.cli.commands.options import output, positive, print_rows
from engine.cli.next_steps import engine_command, suggest
from engine.cli.settings import Config
from engine.core.progress import reporter

EXAMPLE = "engine demo duckdb:///demo.duckdb --portfolios 2"


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    command.add_argument("url", metavar="URL", nargs="?", help="store to create")
    command.add_argument(
        "--portfolios", type=positive, default=5, metavar="N", help="number of portfolios [5]"
    )
    command.add_argument(
        "--positions", type=positive, default=20, metavar="N", help="positions per portfolio [20]"
    )
    command.add_argument("--symbols", type=positive, default=60, metavar="N", help="symbols with prices [60]")
    command.add_argument("--seed", type=int, default=7, metavar="N", help="seed of the random numbers [7]")
    output(command)


def run(options: Namespace, settings: Config) -> int:
    """Run the command.

    Args:
        options: store, sizes, seed, output.
        settings: defaults of the store (`database`) and the batch size.

    Returns:
        Exit code 0; a failure is raised.
    """
    from engine.batch.copy import write_frames
    from loaders.demo import demo_world

    url = options.url or settings.database
    with reporter(options.quiet, options.log_format) as progress:
        progress.stage("invent")
        world = demo_world(options.portfolios, options.positions, options.symbols, seed=options.seed)
        rows = write_frames(url, world, settings.batch_size, progress)
    print_rows(rows, options.json)
    newest = str(max(world["market_data_cache"]["date"]))
    suggest(
        options,
        [
            (
                "compute its figures",
                engine_command("backfill", "--from", url, "--end", newest, "--run-date", newest),
            ),
            ("write pages of them", engine_command("report", url, "--pages")),
        ],
    )
    return 0
