"""`explain`: how a stored figure came about."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from engine.cli.commands.options import day, rules, rules_of, store
from engine.cli.settings import Config


def arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    store(command)
    command.add_argument("--portfolio", required=True, metavar="P", help="id, or name")
    command.add_argument("--date", required=True, type=day, metavar="D", help="session")
    command.add_argument("--figure", required=True, metavar="F", help="column")
    command.add_argument("--table", metavar="T", help="[the one that has such a figure]")
    command.add_argument("--position", metavar="ID", help="of a position's figure")
    command.add_argument(
        "--symbol", metavar="S", action="append", help="of the position; twice for a pair of correlations"
    )
    command.add_argument("--factor", metavar="NAME", help="of a factor's figure")
    command.add_argument("--scenario", metavar="NAME", help="of a stress test's figure")
    command.add_argument("--job", metavar="NAME", help="of a status")
    command.add_argument("--tag", metavar="NAME", help="of a tag's figure")
    command.add_argument("--from", dest="source", metavar="URL", help="store with the prices [the same]")
    rules(command)
    command.add_argument("--scenarios", metavar="FILE", help="stress scenarios, TOML or JSON")


def run(options: Namespace, settings: Config) -> int:
    """Carry it out; its exit code: 1 where the stored figure is not the one computed."""
    from engine.analyst.explain import explain
    from engine.analytics.stress.scenarios import load_scenarios

    found = explain(
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
        source=options.source,
        rules=rules_of(options),
        scenarios=load_scenarios(Path(options.scenarios) if options.scenarios else None),
    )
    print(found.to_json() if options.json else found.to_text())
    return 0 if found.agrees else 1
