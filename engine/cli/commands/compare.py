"""`compare`: two stores, cell by cell."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from engine.cli.commands.options import day, names
from engine.cli.settings import Config


def arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("expected", metavar="EXPECTED", help="store URL")
    command.add_argument("actual", metavar="ACTUAL", help="store URL")
    command.add_argument("--tables", type=names, metavar="TABLE,...", help="[all that a run writes]")
    command.add_argument("--start", type=day, metavar="D", help="first day of dated rows")
    command.add_argument("--end", type=day, metavar="D", help="last day of dated rows")
    command.add_argument("--exempt", metavar="FILE", help="declared exemptions, JSON")
    command.add_argument("--json", metavar="FILE", help="write the findings as JSON")
    command.add_argument("--html", metavar="FILE", help="write the findings as a page")


def run(options: Namespace, settings: Config) -> int:
    """Carry it out; its exit code."""
    from engine.analyst.api import compare

    found = compare(
        options.expected,
        options.actual,
        tables=options.tables,
        start=options.start,
        end=options.end,
        exemptions=options.exempt,
    )
    print(found.to_text())
    for path, text in ((options.json, found.to_json), (options.html, found.to_html)):
        if path:
            Path(path).write_text(text(), encoding="utf-8")
    return 0 if found.equal else 1
