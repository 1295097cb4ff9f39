"""The commands, a file each: `arguments` and `run`. Data goes to stdout, all else to stderr.

A command is imported when it is called, and what it needs when it runs, so that `--help` answers at once.
"""

from __future__ import annotations

COMMANDS = {
    "daily": "collect the market and compute every session that is missing",
    "backfill": "compute and write the sessions of a window",
    "collect": "collect prices, profiles or fundamentals of what is held",
    "coverage": "say which closes a store lacks, and why",
    "compare": "compare two stores cell by cell",
    "report": "write a portfolio's report, or the fleet's, as a page",
    "explain": "say how a stored figure came about",
    "demo": "make a store with invented data",
    "status": "say what a store holds and what is missing",
    "runs": "show a store's runs, their shards, and who is at work",
    "copy": "copy every known table to another store",
    "schema": "show, or make, the tables",
    "bench": "measure the engine on this machine",
}
"""What each does, in the order in which `--help` lists them."""
