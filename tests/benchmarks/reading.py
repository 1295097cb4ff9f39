"""Ways to read Postgres, alternating: python -m tests.benchmarks.reading [--symbols N] [--rounds N]

A small query, for latency, and a whole table of prices. Also needs connectorx:
`pip install connectorx`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from urllib.parse import quote

import connectorx
import polars as pl

from engine.batch.copy import write_frames
from engine.benchmarks import local_postgres
from engine.core.progress import Quiet
from loaders import open_reader
from loaders.demo import demo_world
from loaders.postgres.connect import connect

PRICES = "select symbol, date, close::text as close from market_data_cache"
SMALL = "select id::text as id, name from portfolios"
TYPES = {PRICES: [pl.String, pl.Date, pl.String], SMALL: [pl.String, pl.String]}
NULL = "\\N"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--symbols", type=int, default=1_500, metavar="N", help="[1500]")
    options.add_argument("--rounds", type=int, default=4, metavar="N", help="[4]")
    arguments = options.parse_args()
    pl.Config.set_engine_affinity("in-memory")
    with local_postgres.running() as server:
        url = server.url("postgres")
        write_frames(url, demo_world(5, 20, arguments.symbols), 50_000, Quiet())
        address = f"postgresql://postgres:@{quote(server.socket, safe='')}/postgres"
        with open_reader(url) as reader, connect(url) as session:
            ways: dict[str, Callable[[str], pl.DataFrame]] = {
                "adbc, one connection": reader.query,
                "connectorx, a connection each": lambda text: connectorx.read_sql(
                    address, text, return_type="polars"
                ),
                "COPY through psycopg, one connection": lambda text: copied(session, text),
            }
            measure(ways, arguments.rounds)


def copied(session: object, text: str) -> pl.DataFrame:
    """Return the rows of a query through COPY as CSV."""
    command = f"copy ({text}) to stdout (format csv, null '{NULL}')"
    with session.cursor().copy(command.encode()) as rows:  # type: ignore[attr-defined]
        data = b"".join(rows)
    kinds = dict(enumerate(TYPES[text]))
    return pl.read_csv(
        data, has_header=False, null_values=[NULL], schema={f"c{i}": k for i, k in kinds.items()}
    )


def measure(ways: dict[str, Callable[[str], pl.DataFrame]], rounds: int) -> None:
    """Print the best round of each way."""
    best: dict[tuple[str, str], float] = {}
    rows = 0
    for _ in range(rounds):
        for name, read in ways.items():
            for text in (SMALL, PRICES):
                start = time.perf_counter()
                rows = read(text).height
                best[name, text] = min(best.get((name, text), 1e9), time.perf_counter() - start)
    print(f"{'':40}{'small query, ms':>16}{f'{rows:,} prices, s':>24}")
    for name in ways:
        print(f"{name:40}{best[name, SMALL] * 1e3:>16.1f}{best[name, PRICES]:>24.2f}")


if __name__ == "__main__":
    main()
