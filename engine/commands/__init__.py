"""The commands, a file each: HELP, `arguments` and `run`. Data goes to stdout, all else to stderr.

What a command needs is imported when it runs, so that `--help` answers at once.
"""

from __future__ import annotations

NAMES = (
    "daily",
    "backfill",
    "collect",
    "coverage",
    "compare",
    "report",
    "explain",
    "demo",
    "status",
    "runs",
    "copy",
    "schema",
    "bench",
)
"""In the order in which `--help` lists them."""
