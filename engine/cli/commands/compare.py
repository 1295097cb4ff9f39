"""`compare`: compare two stores cell by cell."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from engine.cli.commands.options import day, names, write_file
from engine.cli.printing import show
from engine.cli.settings import Config

EXAMPLE = "engine compare duckdb:///demo.duckdb duckdb:///copy.duckdb --tables portfolio_snapshots"


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    command.add_argument("expected", metavar="EXPECTED", help="store that is the authority")
    command.add_argument("actual", metavar="ACTUAL", help="store to check")
    command.add_argument(
        "--tables", type=names, metavar="TABLE,...", help="tables [every table that a run writes]"
    )
    command.add_argument("--start", type=day, metavar="D", help="first day of dated rows")
    command.add_argument("--end", type=day, metavar="D", help="last day of dated rows")
    command.add_argument("--exempt", metavar="FILE", help="file of declared exemptions, JSON")
    command.add_argument("--json", metavar="FILE", help="write the result as JSON")
    command.add_argument("--html", metavar="FILE", help="write the result as an HTML page")


def run(options: Namespace, settings: Config) -> int:
    """Run the command.

    Args:
        options: both stores, tables, window, exemptions, files for the result.
        settings: not used; both stores are named.

    Returns:
        The exit code: 1 where the stores differ, else 0.
    """
    from engine.analyst.api import compare

    comparison = compare(
        options.expected,
        options.actual,
        tables=options.tables,
        start=options.start,
        end=options.end,
        exemptions=options.exempt,
    )
    show(comparison.to_text())
    for path, text in ((options.json, comparison.to_json), (options.html, comparison.to_html)):
        if path:
            write_file(path, text())
    return 0 if comparison.equal else 1
