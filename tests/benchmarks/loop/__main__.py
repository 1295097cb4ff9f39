"""Time the loop: python -m tests.benchmarks.loop URL EXPECTED --start D --end D --run-date D --way WAY

URL: a Postgres store with inputs, to be written. EXPECTED: a store in which the engine has computed
the same sessions from the same inputs. Prints seconds, statements, rows and the comparison as JSON.
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
    """Run the loop; preparing is not timed: the legacy batch, too, loads its prices once."""
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
    known = options.parse_args()
    pl.Config.set_engine_affinity("in-memory")
    found = asyncio.run(looped(known.url, sessions(known.start, known.end), known.run_date, known.way))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    comparison = checked(known.expected, known.url, known.start, known.end)
    each = found["statements"] / found["portfolio_days"]
    told = f"{each:.0f} statements a portfolio and session; {comparison.told}"
    if found["errors"]:
        told += f"; {len(found['errors'])} dates failed: {', '.join(sorted(set(found['errors'])))}"
    print(json.dumps({**found, "peak_mib": peak, "rows": comparison.rows, "told": told}))


if __name__ == "__main__":
    main()
