"""`effect`: show which figures of a store a rule, or a set of rules, changes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from engine.cli.commands.options import day, names, rules, rules_named, rules_of, store, write_file
from engine.cli.printing import show
from engine.cli.settings import Config

EXAMPLE = "engine effect duckdb:///demo.duckdb --rule rate_weights --start 2025-12-15 --run-date 2025-12-19"


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    store(command)
    rules(command)
    command.add_argument(
        "--against",
        type=rules_named,
        default="corrected",
        metavar="RULES",
        help="rules to compare with [corrected]",
    )
    command.add_argument("--rule", metavar="NAME", help="the rule to take from --against [all that differ]")
    command.add_argument("--start", type=day, metavar="D", help="first day [first stored session]")
    command.add_argument("--end", type=day, metavar="D", help="last day [last stored session]")
    command.add_argument("--run-date", type=day, metavar="D", help="the date taken as today [--end]")
    command.add_argument("--portfolio", type=names, metavar="P,...", help="ids or names [all]")
    command.add_argument("--html", metavar="FILE", help="write the result as an HTML page")


def run(options: Namespace, settings: Config) -> int:
    """Run the command. It computes, and writes nothing into a store.

    Args:
        options: store, rules, window, portfolios, output.
        settings: defaults of the store (`database`) and the rules.

    Returns:
        The exit code, 0.
    """
    from engine.analyst.effect import effect
    from engine.core.rules import Rules

    found = effect(
        options.url or settings.database,
        rules=rules_of(options, settings),
        against=Rules.parse(options.against),
        rule=options.rule,
        start=options.start,
        end=options.end,
        run_date=options.run_date,
        portfolios=options.portfolio,
    )
    show(found.to_json() if options.json else found.to_text())
    if options.html:
        write_file(options.html, found.to_html())
    return 0
