"""Time the loop: python -m tests.benchmarks.loop URL EXPECTED --start D --end D --run-date D --way WAY

URL: a Postgres store with inputs, which is written. EXPECTED: a store with the engine's results for
the same sessions and inputs. Prints seconds, statements, rows and the comparison as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import time
from datetime import date
from decimal import localcontext
from typing import Any

import polars as pl

from engine.core.calendar import sessions
from tests.benchmarks.loop.batch import prepared
from tests.benchmarks.loop.checked import checked
from tests.benchmarks.loop.orm import database
from tests.reference.rounding import LEGACY_CONTEXT

WAYS = {"in turn": "in_turn", "asyncio": "at_once"}


async def looped(url: str, days: list[date], run_date: date, way: str) -> dict[str, Any]:
    """Run the loop and return its times; loading prices is not timed."""
    db = await database(url)
    batch = await prepared(db, days, run_date)
    db.statements = 0
    start, cpu = time.perf_counter(), time.process_time()
    with localcontext(LEGACY_CONTEXT):
        errors = await getattr(batch, WAYS[way])()
    spent = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    await db.engine.dispose()
    return {
        **spent,
        "statements": db.statements,
        "errors": [type(error).__name__ for error in errors],
        "portfolio_days": len(batch.portfolios) * len(days),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("url")
    options.add_argument("expected")
    for name in ("start", "end", "run-date"):
        options.add_argument(f"--{name}", type=date.fromisoformat, required=True, metavar="D")
    options.add_argument("--way", choices=list(WAYS), default="in turn")
    arguments = options.parse_args()
    pl.Config.set_engine_affinity("in-memory")
    run = asyncio.run(
        looped(arguments.url, sessions(arguments.start, arguments.end), arguments.run_date, arguments.way)
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    comparison = checked(arguments.expected, arguments.url, arguments.start, arguments.end)
    each = run["statements"] / run["portfolio_days"]
    note = f"{each:.0f} statements per portfolio and session; {comparison.note}"
    if run["errors"]:
        note += f"; {len(run['errors'])} dates failed: {', '.join(sorted(set(run['errors'])))}"
    print(json.dumps({**run, "peak_mib": peak, "rows": comparison.rows, "note": note}))


if __name__ == "__main__":
    main()
