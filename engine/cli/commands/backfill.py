"""`backfill`: compute and write the sessions of a window."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from engine.cli.commands.options import (
    day,
    gate,
    names,
    output,
    portfolio_ids,
    positive,
    rules,
    rules_of,
    size,
    strict,
)
from engine.cli.printing import show_done
from engine.cli.settings import Config
from engine.core.progress import reporter

EXAMPLE = "engine backfill --from duckdb:///demo.duckdb --end 2025-12-19 --run-date 2025-12-19"


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    command.add_argument("--from", dest="source", metavar="URL", help="store to read")
    command.add_argument(
        "--to",
        dest="target",
        metavar="URL",
        help="store to write [the one that is read, except a Parquet folder that holds only inputs]",
    )
    command.add_argument("--start", type=day, metavar="D", help="first day [all missing sessions]")
    command.add_argument("--end", type=day, metavar="D", help="last day [newest session]")
    command.add_argument(
        "--run-date", type=day, metavar="D", help="the day that counts as today [today, UTC]"
    )
    command.add_argument(
        "--portfolio", metavar="P", action="append", help="id or name of a portfolio; repeatable [all]"
    )
    command.add_argument("--only", type=names, metavar="TABLE,...", help="write only these tables [all]")
    command.add_argument("--batch-size", type=positive, metavar="ROWS", help="rows per batch [5000]")
    rules(command)
    command.add_argument("--scenarios", metavar="FILE", help="stress scenarios, TOML or JSON [built-in]")
    command.add_argument(
        "--shard-size", type=positive, metavar="N", help="portfolios per shard [what fits in memory]"
    )
    command.add_argument(
        "--memory", type=size, metavar="SIZE", help="memory for the run, such as 4GiB [half of what is free]"
    )
    command.add_argument(
        "--executor", choices=("local", "ray"), default="local", help="what computes the shards [local]"
    )
    command.add_argument(
        "--restart", action="store_true", help="compute all shards of an interrupted run again"
    )
    command.add_argument(
        "--recompute", action="store_true", help="compute all stored sessions anew, by --rules"
    )
    gate(command)
    command.add_argument("--wait", action="store_true", help="wait for another run in the target")
    command.add_argument("--dry-run", action="store_true", help="compute, but write nothing")
    strict(command)
    output(command)


def run(options: Namespace, settings: Config) -> int:
    """Run the command.

    Args:
        options: source and target, window, portfolios, tables, rules, and how to run.
        settings: defaults of the store (`database`), the rules and the batch size.

    Returns:
        The exit code: 1 where a portfolio was refused, else 0.
    """
    from engine.batch.backfill import backfill
    from engine.cli.run_results import recorded

    source = options.source or settings.database
    with (
        recorded(options, settings, source) as record,
        reporter(options.quiet, options.log_format) as progress,
    ):
        report = backfill(
            source,
            options.target,
            start=options.start,
            end=options.end,
            run_date=options.run_date,
            portfolios=portfolio_ids(source, options.portfolio),
            only=options.only,
            batch_rows=options.batch_size or settings.batch_size,
            shard_size=options.shard_size,
            memory=options.memory,
            dry_run=options.dry_run,
            restart=options.restart,
            wait=options.wait,
            executor=options.executor,
            rules=rules_of(options, settings),
            recompute=options.recompute,
            threshold=options.threshold / 100,
            allow_stale=options.allow_stale,
            scenarios=Path(options.scenarios) if options.scenarios else None,
            progress=progress,
        )
        record.report = report
        record.exit_code = 0 if (report.flawless if options.strict else report.complete) else 1
    show_done(record.to_json() if options.json else record.to_text())
    return record.exit_code
