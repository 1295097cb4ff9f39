"""`report`: a portfolio's page, or the fleet's."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from engine.cli.commands.options import day, rules
from engine.cli.settings import Config
from engine.core.errors import EngineError, UsageError

STDOUT = "-"


def arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("url", metavar="URL", nargs="?", help="store to look at")
    command.add_argument("--portfolio", metavar="P", help="id or name [a row for each of all]")
    command.add_argument("--start", type=day, metavar="D", help="first day [first stored]")
    command.add_argument("--end", type=day, metavar="D", help="last day [last stored]")
    rules(command)
    command.add_argument("--out", metavar="FILE.html", default="report.html", help="[report.html]; - stdout")
    command.add_argument("--pages", action="store_true", help="beside the fleet's page, one a portfolio")


def run(options: Namespace, settings: Config) -> int:
    """Carry it out; its exit code."""
    from engine.reports import fleet_page, portfolio_page

    url, out = options.url or settings.database, options.out
    if options.pages and (options.portfolio or out == STDOUT):
        raise UsageError("--pages goes with the fleet's page and a file")
    if options.portfolio:
        page = portfolio_page(url, options.portfolio, options.start, options.end, rules=options.rules)
        _put(page, out)
        return 0
    links = _write_pages(options, url) if options.pages else {}
    _put(fleet_page(url, options.start, options.end, links=links), out)
    return 0


def _write_pages(options: Namespace, url: str) -> dict[str, str]:
    """Each portfolio's page in a folder named for the fleet's; their addresses by id.

    A portfolio without a snapshot in these days has no page.
    """
    import engine
    from engine.reports import portfolio_page
    from engine.reports.page_errors import NothingStoredError

    fleet = Path(options.out)
    folder = fleet.with_suffix("")
    links = {}
    for key in engine.open(url).portfolios["id"]:
        try:
            page = portfolio_page(
                url, key, options.start, options.end, rules=options.rules, fleet=f"../{fleet.name}"
            )
        except NothingStoredError:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        _put(page, str(folder / f"{key}.html"))
        links[key] = f"{folder.name}/{key}.html"
    return links


def _put(page: str, out: str) -> None:
    """Write a page, and say where on stdout."""
    if out == STDOUT:
        sys.stdout.write(page)
        return
    try:
        Path(out).write_text(page, encoding="utf-8")
    except OSError as error:
        raise EngineError(f"{out} cannot be written: {error.strerror}") from error
    print(out)
