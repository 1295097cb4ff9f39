"""Time and memory of what-ifs: `python -m tests.benchmarks.whatif URL [--portfolio P] [--rounds N]`.

URL is any store with prices up to the end of the demo's half-year, such as the inputs of the golden set
`demo`. All what-ifs alternate in each round. Memory is the peak of the process.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from statistics import median

import polars as pl

import engine
from engine.analyst.whatif import add_position, add_scenarios, drop_position, resize_position, shock_prices
from engine.benchmarks.workloads import FIRST, LAST
from engine.pipeline.inputs import Inputs
from engine.pipeline.results import Results
from tests.benchmarks.peak_memory import peak
from tests.benchmarks.reference_window import RUN_DATE

WhatIf = Callable[[], Results]


def whatifs(inputs: Inputs) -> dict[str, WhatIf]:
    held = inputs.positions.filter(pl.col("exit_date").is_null() & (pl.col("symbol") != "SPY"))
    symbol = str(held.filter(pl.col("symbol").is_in(inputs.closes["symbol"].implode()))["symbol"].min())
    shorter = replace(inputs.window, end=date(2025, 9, 30))
    added = engine.Scenarios((engine.scenario("squeeze", {"Market": -0.1, "Quality": -0.2}),), half_life=20)
    compute = engine.compute
    return {
        "as it is": lambda: compute(inputs),
        "a position dropped": lambda: compute(drop_position(inputs, symbol)),
        "a position halved": lambda: compute(resize_position(inputs, symbol, factor=0.5)),
        "a position added": lambda: compute(add_position(inputs, "SPY", 100)),
        "all prices 10 % lower in the last month": lambda: compute(
            shock_prices(inputs, -0.1, since=LAST - timedelta(days=30))
        ),
        "an additional scenario, half-life 20": lambda: compute(
            add_scenarios(inputs, added), scenarios=added
        ),
        "corrected rules": lambda: compute(inputs, rules=engine.Rules.corrected()),
        "up to the end of September": lambda: compute(inputs, shorter),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("url", metavar="URL")
    options.add_argument("--portfolio", metavar="P", help="[the one with the most positions]")
    options.add_argument("--rounds", type=int, default=5, metavar="N", help="[5]")
    options.add_argument("--run-date", type=date.fromisoformat, default=RUN_DATE, metavar="D")
    arguments = options.parse_args()
    pl.Config.set_engine_affinity("in-memory")
    start = time.perf_counter()
    store = engine.open(arguments.url)
    owners = store.read("positions")["portfolio_id"].value_counts(sort=True)
    owner = arguments.portfolio or owners["portfolio_id"][0]
    inputs = store.inputs(FIRST, LAST, owner, run_date=arguments.run_date)
    lots, sessions = inputs.positions.height, len(inputs.window.sessions)
    print(f"portfolio {owner}: {lots} positions, {sessions} sessions")
    row("load", [time.perf_counter() - start], 0)
    variants = whatifs(inputs)
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    rows = {}
    for _ in range(arguments.rounds):
        for name, whatif in variants.items():
            start = time.perf_counter()
            rows[name] = whatif().rows
            seconds[name].append(time.perf_counter() - start)
    for name, spent in seconds.items():
        row(name, spent, rows[name])
    before, after = variants["as it is"](), variants["a position halved"]()
    start = time.perf_counter()
    changed = engine.what_changed(before, after)
    row(f"what changed: {changed.summary.height} figures", [time.perf_counter() - start], 0)


def row(name: str, spent: list[float], rows: int) -> None:
    print(f"{name:<42}{min(spent):>8.2f} s best{median(spent):>8.2f} s median{rows:>10,} rows{peak():>7} MiB")


if __name__ == "__main__":
    main()
