"""The commands, a file each with `EXAMPLE`, `arguments` and `run`. Data goes to stdout, all else to stderr.

A command's module is imported when the command is called, and what it needs when it runs, so that
`--help` answers at once.
"""

from __future__ import annotations

from importlib import import_module
from keyword import iskeyword
from types import ModuleType

COMMANDS = {
    "daily": "collect market data and compute every missing session",
    "backfill": "compute and write the sessions of a window",
    "collect": "collect prices, profiles or fundamentals of held symbols",
    "coverage": "show which closes a store lacks, and why",
    "compare": "compare two stores cell by cell",
    "report": "write the report of a portfolio, of all, or of a run, as a page",
    "effect": "show which figures a rule, or a set of rules, changes",
    "score": "compare forecasts of volatility on the closes of a store",
    "explain": "show how a stored figure was computed",
    "import": "put positions, trades, prices and flows from files into a store",
    "demo": "create a store with invented data",
    "status": "show what a store holds and which sessions are missing",
    "runs": "show a store's runs, their shards, and what is running",
    "copy": "copy every known table to another store",
    "schema": "show the tables, create or upgrade them",
    "layout": "show or change how a store keeps its largest tables",
    "bench": "measure the engine on this machine",
}
"""Purpose of each command, in the order of `--help`."""
COMPUTING = ("daily", "backfill")
"""Commands of which most frames are small: handing them to threads costs more than the threads save; see
`python -m tests.benchmarks.polars_threads`. The others compare, copy or read whole tables."""


def module_name(command: str) -> str:
    """Return the name of a command's module: a Python keyword has an underscore behind it.

    Args:
        command: its name in `COMMANDS`.
    """
    return f"{__name__}.{command}{'_' if iskeyword(command) else ''}"


def command_module(command: str) -> ModuleType:
    """Return a command's module."""
    return import_module(module_name(command))
