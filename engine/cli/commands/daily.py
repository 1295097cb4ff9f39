"""`daily`: collect market data, then compute every missing session; for a scheduler."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from engine.cli.commands.collect import provider_of, provider_options
from engine.cli.commands.options import gate, moment, output, positive, rules, rules_of, strict
from engine.cli.printing import show_done
from engine.cli.settings import Config

EXAMPLE = "engine daily --from duckdb:///demo.duckdb --no-collect --at 2025-12-19T18:00"


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    command.add_argument("--from", dest="source", metavar="URL", help="store to read and write")
    command.add_argument("--no-collect", action="store_true", help="compute from stored data only")
    gate(command)
    command.add_argument(
        "--no-recompute",
        action="store_true",
        help="report sessions whose closes have changed, and do not compute them again",
    )
    command.add_argument(
        "--recompute-limit",
        type=positive,
        default=30,
        metavar="N",
        help="the most sessions of a portfolio to compute again because closes have changed [30]",
    )
    rules(command)
    command.add_argument(
        "--at", type=moment, metavar="TIME", help="the time that counts as now, in New York [now]"
    )
    provider_options(command)
    command.add_argument("--wait", action="store_true", help="wait for another run in the store")
    strict(command)
    output(command)


def run(options: Namespace, settings: Config) -> int:
    """Run the command.

    Args:
        options: store, the time that counts as now, the threshold in percent, rules, the provider's limits.
        settings: defaults of the store (`database`), the rules and the batch size.

    Returns:
        The exit code: 1 where closes are missing or a portfolio was refused, else 0.
    """
    from contextlib import nullcontext
    from datetime import UTC, datetime

    from engine.batch.nightly import daily
    from engine.cli.run_results import recorded
    from engine.core.progress import reporter

    source = options.source or settings.database
    with (
        recorded(options, settings, source) as record,
        reporter(options.quiet, options.log_format) as progress,
        nullcontext() if options.no_collect else provider_of(options) as provider,
    ):
        night = daily(
            source,
            provider,
            now=options.at or datetime.now(UTC),
            enough=options.threshold / 100,
            allow_stale=options.allow_stale,
            recompute=not options.no_recompute,
            recompute_limit=options.recompute_limit,
            rules=rules_of(options, settings),
            batch_rows=settings.batch_size,
            wait=options.wait,
            progress=progress,
        )
        record.report, record.more = night.report, night.content()
        record.exit_code = 0 if night.complete and (night.report.flawless or not options.strict) else 1
    show_done(night.to_json() if options.json else night.to_text())
    return record.exit_code
