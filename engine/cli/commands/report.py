"""`report`: write the report of a portfolio, of all portfolios, or of a run, as an HTML page."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, Namespace
from pathlib import Path
from uuid import UUID

from engine.cli.commands.options import day, rules, rules_of, write_file
from engine.cli.next_steps import engine_command, suggest
from engine.cli.printing import remark, show, show_done
from engine.cli.settings import Config
from engine.core.errors import UsageError

STDOUT = "-"
NEWEST = "newest"
"""Stands for the id of the newest run."""

EXAMPLE = 'engine report duckdb:///demo.duckdb --portfolio "Demo Growth 3" --out growth.html'


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    command.add_argument("url", metavar="URL", nargs="?", help="store to read")
    command.add_argument(
        "--portfolio",
        metavar="P",
        action="append",
        help="id or name; given twice: both side by side [one page with a row for each]",
    )
    command.add_argument(
        "--run",
        metavar="ID",
        nargs="?",
        const=NEWEST,
        help="a run instead, and the state of the store; its first characters suffice [the newest]",
    )
    command.add_argument("--start", type=day, metavar="D", help="first day [first stored session]")
    command.add_argument("--end", type=day, metavar="D", help="last day [last stored session]")
    rules(command)
    command.add_argument(
        "--out", metavar="FILE.html", default="report.html", help="file to write; - for stdout [report.html]"
    )
    command.add_argument("--pages", action="store_true", help="also write a page for each portfolio")


def run(options: Namespace, settings: Config) -> int:
    """Run the command.

    Args:
        options: store, portfolio or all, window, rules, where to write the page or pages.
        settings: defaults of the store (`database`) and the rules.

    Returns:
        Exit code 0; a failure is raised.

    Raises:
        UsageError: --pages with one portfolio or with stdout, or --portfolio more than twice.
    """
    from engine.reports import fleet_page

    url, out = options.url or settings.database, options.out
    if options.pages and (options.portfolio or out == STDOUT):
        raise UsageError(
            "--pages needs the page of all portfolios in a file: leave out --portfolio and --out -"
        )
    if options.run is not None:
        return _run_page(options, settings, url)
    if options.portfolio:
        _write(_page_of(options, settings, url), out)
        _suggest(options, url)
        return 0
    links, failed = _write_pages(options, settings, url) if options.pages else ({}, 0)
    _write(fleet_page(url, options.start, options.end, links=links), out)
    _suggest(options, url)
    return 1 if failed else 0


def _page_of(options: Namespace, settings: Config, url: str) -> str:
    """Return the page of the named portfolio, or of two of them side by side."""
    from engine.reports import comparison_page, portfolio_page

    chosen = rules_of(options, settings)
    match options.portfolio:
        case [one]:
            return portfolio_page(url, one, options.start, options.end, rules=chosen)
        case [one, other]:
            return comparison_page(url, one, other, options.start, options.end, rules=chosen)
        case several:
            raise UsageError(f"--portfolio is given {len(several)} times: once for a page, twice to compare")


def _run_page(options: Namespace, settings: Config, url: str) -> int:
    """Write the page of a run, with the records that commands keep beside their last one.

    Returns:
        Exit code 0.

    Raises:
        UsageError: an option that chooses portfolios, days or rules is there too.
    """
    from engine.cli.run_results import kept_folder
    from engine.reports import run_page

    if options.portfolio or options.pages or options.start or options.end or options.rules:
        others = "--portfolio, --pages, --start, --end and --rules"
        raise UsageError("--run is a page of its own", f"Leave out {others}")
    run = None if options.run == NEWEST else options.run
    _write(run_page(url, run, records=kept_folder(settings.run_results)), options.out)
    _suggest(options, url)
    return 0


def _suggest(options: Namespace, url: str) -> None:
    """Say on stderr what to do with a page; nothing where the page itself goes to stdout.

    Args:
        options: of the command.
        url: of the store.
    """
    if options.out == STDOUT:
        return
    steps = [("look at it", f"open {shlex.quote(options.out)} in a browser")]
    if options.portfolio:
        steps.append(("see how a figure was computed", engine_command("explain", "--help")))
    elif options.run is not None:
        steps.append(("see what is missing now", engine_command("status", url, "--check")))
    elif not options.pages:
        steps.append(("get a page of each portfolio too", engine_command("report", url, "--pages")))
    suggest(options, steps)


def _write_pages(options: Namespace, settings: Config, url: str) -> tuple[dict[str, str], int]:
    """Write each portfolio's page into a folder named after the fleet's page.

    A portfolio without a snapshot in these days has no page. One whose page fails is named on stderr, and the
    others are written.

    Returns:
        The addresses of the pages by portfolio id, relative to the fleet's page, and the pages that failed.
    """
    import engine
    from engine.core.names import portfolio_label
    from engine.reports.many import portfolio_pages

    fleet = Path(options.out)
    folder = fleet.with_suffix("")
    chosen = rules_of(options, settings)
    links: dict[str, str] = {}
    failed = 0
    names = dict(engine.open(url).portfolios.select("id", "name").iter_rows())
    for made in portfolio_pages(
        url, list(names), options.start, options.end, chosen, fleet=f"../{fleet.name}"
    ):
        if made.error:
            remark(f"error: no page of portfolio {portfolio_label(made.key, names)}: {made.error}")
            failed += 1
        if made.page:
            folder.mkdir(parents=True, exist_ok=True)
            _write(made.page, str(folder / f"{UUID(made.key)}.html"))  # a name that no stored text can choose
            links[made.key] = f"{folder.name}/{UUID(made.key)}.html"
    return links, failed


def _write(page: str, out: str) -> None:
    """Write a page to stdout, or to a file whose path is printed."""
    if out == STDOUT:
        show(page, end="")
        return
    write_file(out, page)
    show_done(out)
