"""`collect`: fetch prices, profiles or fundamentals of held symbols from a provider."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from engine.cli.commands.options import day, names, output, percent, positive
from engine.cli.printing import show_done
from engine.cli.settings import Config

if TYPE_CHECKING:
    from loaders.market import Provider

KINDS = ("prices", "profiles", "fundamentals")

EXAMPLE = "engine collect prices duckdb:///demo.duckdb --symbols SPY,QQQ"


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    command.add_argument("kind", choices=KINDS, metavar="|".join(KINDS))
    command.add_argument("url", metavar="STORE", nargs="?", help="store to read and write")
    command.add_argument("--from", dest="source", metavar="URL", help="the same")
    command.add_argument(
        "--symbols", type=names, metavar="A,B,...", help="symbols [held symbols and the funds]"
    )
    command.add_argument(
        "--start", type=day, metavar="D", help="first day of prices [the longest look-back before the end]"
    )
    command.add_argument("--end", type=day, metavar="D", help="last day of prices [newest finished session]")
    command.add_argument(
        "--threshold", type=percent, default=95.0, metavar="PERCENT", help="coverage that is sufficient [95]"
    )
    command.add_argument(
        "--refresh",
        action="store_true",
        help="compare all stored prices with the provider's and replace them",
    )
    provider_options(command)
    command.add_argument("--wait", action="store_true", help="wait for another run in the store")
    output(command)


def provider_options(command: ArgumentParser) -> None:
    """Add the options of a command that sends requests to a provider of market data."""
    command.add_argument("--provider", metavar="NAME", help="provider of market data [the default one]")
    command.add_argument("--rate", type=positive, default=5, metavar="N", help="requests per second [5]")
    command.add_argument("--in-flight", type=positive, default=8, metavar="N", help="requests at once [8]")
    command.add_argument(
        "--pause",
        type=positive,
        default=30,
        metavar="SECONDS",
        help="pause after being throttled, doubled each time [30]",
    )


def provider_of(options: Namespace) -> Provider:
    """Open the provider that the options name, with their limits."""
    from loaders.market import RequestPolicy
    from loaders.providers import open_provider

    policy = RequestPolicy(rate=options.rate, in_flight=options.in_flight, pause=options.pause)
    return open_provider(options.provider, policy)


def run(options: Namespace, settings: Config) -> int:
    """Run the command.

    Args:
        options: kind, store, symbols, days, the provider's limits and the threshold in percent.
        settings: defaults of the store (`database`) and the batch size.

    Returns:
        The exit code: 1 where coverage is below the threshold, else 0.

    Raises:
        UsageError: Two stores are named.
    """
    from datetime import UTC, datetime

    from engine.cli.run_results import recorded
    from engine.core.errors import UsageError
    from engine.core.progress import reporter
    from engine.market_data.collect import collect

    if options.source and options.url and options.source != options.url:
        raise UsageError("two stores are named", "Name the store once: by --from, or as the second word")
    source = options.source or options.url or settings.database
    with (
        recorded(options, settings, source) as record,
        reporter(options.quiet, options.log_format) as progress,
        provider_of(options) as provider,
    ):
        collected = collect(
            options.kind,
            source,
            provider,
            symbols=options.symbols,
            start=options.start,
            end=options.end,
            now=datetime.now(UTC),
            batch_rows=settings.batch_size,
            wait=options.wait,
            refresh=options.refresh,
            progress=progress,
        )
        record.more = collected.content()
    show_done(collected.to_json() if options.json else collected.to_text())
    return 0 if 100 * collected.coverage >= options.threshold else 1
