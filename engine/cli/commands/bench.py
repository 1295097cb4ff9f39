"""`bench`: what the engine takes on this machine, beside the old way and the bare limit."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from engine.cli.commands.options import names, positive
from engine.cli.settings import Config
from engine.core.progress import reporter

FILE = "bench_results.json"


def arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    size = command.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="tiny worlds: only to see that it works")
    size.add_argument("--full", action="store_true", help="1,000 portfolios of a half-year, too")
    command.add_argument("--only", type=names, metavar="SECTION,...", help="[all]")
    command.add_argument("--rounds", type=positive, metavar="N", help="of each kind of run [5]")
    command.add_argument("--postgres", metavar="URL", help="a server to make databases on [the wheel's]")
    command.add_argument("--json", metavar="FILE", default=FILE, help=f"where to store it [{FILE}]")
    command.add_argument("--against", metavar="FILE", help="another run's file to print ratios to")
    command.add_argument("--quiet", action="store_true", help="no progress on stderr")


def run(options: Namespace, settings: Config) -> int:
    """Carry it out; its exit code."""
    from engine.benchmarks.ratios import against, ratios
    from engine.benchmarks.results_text import to_text
    from engine.benchmarks.runner import bench, earlier, known
    from engine.benchmarks.workloads import quick, usual

    wanted = known(options.only)
    old = earlier(options.against) if options.against else {}
    sizes = quick(options.rounds) if options.quick else usual(options.rounds, options.full)
    with reporter(options.quiet) as progress:
        findings = bench(sizes, wanted, options.postgres, progress)
    merits = ratios(findings.measures)
    Path(options.json).write_text(findings.to_json(merits) + "\n", encoding="utf-8")
    print(to_text(findings, merits, against(findings.measures, old)))
    return 1 if findings.failures else 0
