"""Speed and memory of a collection: python -m tests.benchmarks.collection [--symbols N] [--store KIND]

A Yahoo server on the loopback interface runs as a process of its own and serves charts from files.
Each collection is a process from start to exit, without a rate limit: first two years of every
symbol, then nothing new, one more session, a gap in every symbol, and a split of every tenth.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from engine.batch.copy import create
from tests.builders import portfolio, position
from tests.market.server import yahoo_server
from tests.market.support import USER, put, rows
from tests.market.world import Listing, World, invented
from tests.stores.support import ROOT, folder_of, run_sql

FIRST, LAST, NEXT, SPLIT = date(2023, 7, 3), date(2025, 6, 27), date(2025, 6, 30), date(2025, 7, 1)
GAP = date(2024, 9, 17)
ALWAYS = ("--rate", "100000", "--threshold", "0", "--json", "--quiet")


class OnDisk(World):
    """A market whose charts are files, before and after the split."""

    def __init__(self, folder: Path) -> None:
        super().__init__(SPLIT)
        self.folder = folder
        self.listings = {path.stem: Listing(path.stem, [FIRST], [1.0]) for path in folder.glob("*.json")}

    def chart(self, listing: Listing, start: datetime, end: datetime) -> dict[str, Any]:
        # Requests reach one day further than the window, so the window of the day before ends on the split.
        after = end.timestamp() > datetime(SPLIT.year, SPLIT.month, SPLIT.day + 1, 12).timestamp()
        path = self.folder / ("split" if after else ".") / f"{listing.symbol}.json"
        whole = json.loads((path if path.exists() else self.folder / path.name).read_text())
        result = whole["chart"]["result"][0]
        stamps = result["timestamp"]
        part = slice(bisect_left(stamps, start.timestamp()), bisect_left(stamps, end.timestamp()))
        quote, adjusted = result["indicators"]["quote"][0], result["indicators"]["adjclose"][0]
        result["timestamp"] = stamps[part]
        result["indicators"] = {
            "quote": [{name: values[part] for name, values in quote.items()}],
            "adjclose": [{"adjclose": adjusted["adjclose"][part]}],
        }
        return whole  # type: ignore[no-any-return]


def write_world(folder: Path, symbols: list[str]) -> None:
    """Write a file for each symbol, and a second one for each symbol that is split."""
    (folder / "split").mkdir(parents=True)
    for i, symbol in enumerate(symbols):
        listing = invented(symbol, FIRST, SPLIT)
        world = World(SPLIT, {symbol: listing})
        span = datetime(2000, 1, 1), datetime(2100, 1, 1)
        (folder / f"{symbol}.json").write_text(json.dumps(world.chart(listing, *span)))
        if i % 10 == 0:
            listing.split(SPLIT, 4.0)
            (folder / "split" / f"{symbol}.json").write_text(json.dumps(world.chart(listing, *span)))


def serve(folder: Path) -> None:
    """Serve a folder's charts until killed; print the environment of clients."""
    with yahoo_server(OnDisk(folder / "charts"), folder) as server:
        print(json.dumps(server.environment), flush=True)
        signal.pause()


@contextmanager
def server_of(folder: Path) -> Iterator[dict[str, str]]:
    """Run a server process; yield the environment of its clients."""
    command = [sys.executable, "-m", "tests.benchmarks.collection", "--serve", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def collected(url: str, end: date, folder: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Run one collection as a process; return its record with its wall time."""
    arguments = ("collect", "prices", "--from", url, "--start", str(FIRST), "--end", str(end), *ALWAYS)
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "engine", *arguments],
        cwd=folder,
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    record: dict[str, Any] = json.loads((folder / "run_results.json").read_text())
    return record | {"process_seconds": time.perf_counter() - began}


def delete_session(url: str) -> None:
    """Delete one session of every symbol."""
    if url.startswith("parquet"):
        path = folder_of(url) / "market_data_cache.parquet"
        held = rows(url, "market_data_cache")
        held.filter(held["date"] != GAP).write_parquet(path)
    else:
        run_sql(url, f"delete from market_data_cache where date = '{GAP}'")


def line(name: str, record: dict[str, Any]) -> str:
    """Return one line of the table."""
    seconds, asked = record["process_seconds"], record["asked"]
    stored = record["rows"].get("market_data_cache", 0)
    rate = f"{asked / seconds:,.0f}" if asked else ""
    return (
        f"| {name} | {asked:,} | {stored:,} | {seconds:.1f} | {rate} | {stored / seconds:,.0f} "
        f"| {record['peak_memory_mib']:,} | {record['coverage']:.2%} |"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--symbols", type=int, default=2_000, metavar="N", help="[2000]")
    options.add_argument("--store", choices=("duckdb", "parquet"), default="duckdb", help="[duckdb]")
    options.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    with tempfile.TemporaryDirectory(prefix="collection-") as text:
        folder = Path(text)
        for row in measured(folder, arguments.symbols, arguments.store):
            print(row, flush=True)


def measured(folder: Path, symbols: int, kind: str) -> Iterator[str]:
    """Yield the table, line by line."""
    from engine.market_data.universe import FUNDS

    names = [f"S{i:04}" for i in range(symbols - len(FUNDS))]
    write_world(folder / "charts", [*FUNDS, *names])
    url = f"{kind}:///{folder}/store{'.duckdb' if kind == 'duckdb' else ''}"
    create(url)
    put(url, {"users": [USER], "portfolios": [portfolio()], "positions": [position(name) for name in names]})
    yield f"{symbols:,} symbols from {FIRST}, {kind}; load average {os.getloadavg()[0]:.1f} before.\n"
    yield "| collection | asked | rows | seconds | symbols/s | rows/s | peak MiB | coverage |"
    yield "|---|---|---|---|---|---|---|---|"
    with server_of(folder) as environment:
        yield line("two years", collected(url, LAST, folder, environment))
        yield line("again", collected(url, LAST, folder, environment))
        yield line("one more session", collected(url, NEXT, folder, environment))
        delete_session(url)
        yield line("a gap in each", collected(url, NEXT, folder, environment))
        yield line("a split of every tenth", collected(url, SPLIT, folder, environment))


if __name__ == "__main__":
    main()
