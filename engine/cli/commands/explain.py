"""`explain`: show how a stored figure was computed."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from engine.cli.commands.options import day, rules, rules_of, store
from engine.cli.printing import show
from engine.cli.settings import Config
from engine.core.errors import UsageError

EXAMPLE = (
    'engine explain duckdb:///demo.duckdb --portfolio "Demo Growth 3" --date 2025-12-19 --figure daily_pnl'
)


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    store(command)
    command.add_argument("--portfolio", required=True, metavar="P", help="id or name of the portfolio")
    command.add_argument("--date", required=True, type=day, metavar="D", help="session")
    command.add_argument("--figure", required=True, metavar="F", help="column of the figure")
    command.add_argument("--table", metavar="T", help="its table [the one that has such a column]")
    command.add_argument("--position", metavar="ID", help="for a figure of a position: its id")
    command.add_argument(
        "--symbol",
        metavar="S",
        action="append",
        help="for a figure of a position: its symbol; repeatable: two for a correlation",
    )
    command.add_argument("--factor", metavar="NAME", help="for a figure of a factor")
    command.add_argument("--scenario", metavar="NAME", help="for a figure of a stress test")
    command.add_argument("--job", metavar="NAME", help="for a status of a job")
    command.add_argument("--tag", metavar="NAME", help="for a figure of a tag")
    command.add_argument(
        "--row",
        metavar="COLUMN=VALUE",
        action="append",
        default=[],
        help="another column of the row's key, such as method=model; repeatable",
    )
    command.add_argument("--from", dest="source", metavar="URL", help="store with the prices [the same]")
    rules(command)
    command.add_argument("--scenarios", metavar="FILE", help="stress scenarios, TOML or JSON [built-in]")


def run(options: Namespace, settings: Config) -> int:
    """Run the command.

    Args:
        options: store, portfolio, session, the figure and what selects its row, rules, output.
        settings: defaults of the store (`database`) and the rules.

    Returns:
        The exit code: 1 where the stored figure is not the computed one, else 0.
    """
    from engine.analyst.explain import explain
    from engine.analytics.stress.scenarios import load_scenarios

    explanation = explain(
        options.url or settings.database,
        options.portfolio,
        options.date,
        options.figure,
        table=options.table,
        position=options.position,
        symbol=options.symbol,
        factor=options.factor,
        scenario=options.scenario,
        job=options.job,
        tag=options.tag,
        row=dict(_assigned(text) for text in options.row),
        source=options.source,
        rules=rules_of(options, settings),
        scenarios=load_scenarios(Path(options.scenarios) if options.scenarios else None),
    )
    show(explanation.to_json() if options.json else explanation.to_text())
    return 0 if explanation.agrees else 1


def _assigned(text: str) -> tuple[str, str]:
    """Return the column and the value of COLUMN=VALUE."""
    column, sign, value = text.partition("=")
    if not sign:
        raise UsageError(f"--row {text} has no value", "Give COLUMN=VALUE, such as --row method=model")
    return column.strip(), value.strip()
