"""`bench`: measure the engine on this machine, against the legacy way and the store alone."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from engine.cli.commands.options import names, positive, write_file
from engine.cli.printing import show
from engine.cli.settings import Config
from engine.core.progress import reporter

FILE = "bench_results.json"

EXAMPLE = "engine bench --quick --only daily"


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    size = command.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="tiny data, only to see that it works")
    size.add_argument("--full", action="store_true", help="also 1,000 portfolios over half a year: hours")
    command.add_argument("--only", type=names, metavar="SECTION,...", help="run only these sections [all]")
    command.add_argument("--rounds", type=positive, metavar="N", help="rounds of each kind of run [5]")
    command.add_argument("--postgres", metavar="URL", help="server to make databases on [the wheel's]")
    command.add_argument("--json", metavar="FILE", default=FILE, help=f"file for the results [{FILE}]")
    command.add_argument("--against", metavar="FILE", help="results of another run, to print ratios to")
    command.add_argument("--quiet", action="store_true", help="no progress on stderr")


def run(options: Namespace, settings: Config) -> int:
    """Run the command.

    Args:
        options: sections, size, rounds, the server, files for results and for comparison.
        settings: not used; the benchmark makes its own stores.

    Returns:
        The exit code: 1 where a child process failed, else 0.
    """
    from engine.benchmarks.ratios import against, ratios
    from engine.benchmarks.results_text import to_text
    from engine.benchmarks.runner import bench, earlier_measures, selected_sections
    from engine.benchmarks.workloads import quick, usual

    selected = selected_sections(options.only)
    old = earlier_measures(options.against) if options.against else {}
    plan = quick(options.rounds) if options.quick else usual(options.rounds, options.full)
    with reporter(options.quiet) as progress:
        results = bench(plan, selected, options.postgres, progress)
    merits = ratios(results.measures)
    write_file(options.json, results.to_json(merits) + "\n")
    show(to_text(results, merits, against(results.measures, old)))
    return 1 if results.failures else 0
