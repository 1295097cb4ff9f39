"""Ways to read Postgres, in turn: python -m tests.benchmarks.reading [--rounds N]

A small query, for latency; a whole table of prices; and all inputs of half a year, as a run loads them, by
both ways of the setting `postgres_reader`. Frames are equal, or the program ends with an error. Needs
connectorx: `pip install '.[connectorx]'`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from statistics import median

import connectorx
import polars as pl

from engine.batch.copy import write_frames
from engine.benchmarks import local_postgres
from engine.benchmarks.workloads import FIRST, LAST
from engine.core.progress import Quiet
from engine.core.store_url import StoreURL
from engine.core.window import Window
from engine.pipeline.inputs import Inputs
from loaders import open_reader
from loaders.demo import demo_world
from loaders.postgres.connect import connect
from loaders.postgres.parts import PartsReader
from loaders.postgres.reader import PostgresReader
from loaders.reader import Reader
from loaders.window import load_window

PRICES = "select symbol, date, close::text as close from market_data_cache"
SMALL = "select id::text as id, name from portfolios"
EXTENT = "select min(date) as first, max(date) as last from market_data_cache"
TYPES = {PRICES: [pl.String, pl.Date, pl.String], SMALL: [pl.String, pl.String]}
NULL = "\\N"
CONNECTIONS = (1, 2, 4)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--portfolios", type=int, default=100, metavar="N", help="[100]")
    options.add_argument("--symbols", type=int, default=1_500, metavar="N", help="[1500]")
    options.add_argument("--rounds", type=int, default=7, metavar="N", help="[7]")
    known = options.parse_args()
    pl.Config.set_engine_affinity("in-memory")
    with local_postgres.running() as server:
        url = server.url("postgres")
        write_frames(url, demo_world(known.portfolios, 30, known.symbols), 50_000, Quiet())
        with open_reader(url) as reader, connect(url) as session, parts(url, 1) as one:
            assert isinstance(reader, PostgresReader)
            small = {
                "adbc": partial(reader.answer, SMALL),
                "connectorx": partial(connectorx.read_sql, one.address, SMALL, return_type="polars"),
                "COPY through psycopg": partial(copied, session, SMALL),
            }
            report("a small query", small, known.rounds, frames)
            days = reader.answer(EXTENT).row(0)
            prices = {
                "adbc": partial(reader.answer, PRICES),
                **{named(n): partial(parts(url, n).in_days, PRICES, *days) for n in CONNECTIONS},
                "COPY through psycopg": partial(copied, session, PRICES),
            }
            report("all prices", prices, known.rounds, frames)
        loads = {"adbc": partial(loaded, partial(open_reader, url))} | {
            named(n): partial(loaded, partial(parts, url, n)) for n in CONNECTIONS
        }
        report("all inputs", loads, known.rounds, lambda inputs: inputs.owned | {"closes": inputs.closes})


def named(connections: int) -> str:
    return f"connectorx, {connections} connection{'s' * (connections > 1)}"


def parts(url: str, connections: int) -> PartsReader:
    return PartsReader(StoreURL.parse(url), connections)


def loaded(opened: Callable[[], Reader]) -> Inputs:
    """Load half a year."""
    with opened() as reader:
        return load_window(reader, Window(FIRST, LAST, LAST + timedelta(days=1)), None)


def copied(session: object, text: str) -> pl.DataFrame:
    """Return the rows of a query through COPY as CSV."""
    command = f"copy ({text}) to stdout (format csv, null '{NULL}')"
    with session.cursor().copy(command.encode()) as rows:  # type: ignore[attr-defined]
        data = b"".join(rows)
    kinds = {f"column_{i + 1}": kind for i, kind in enumerate(TYPES[text])}
    return pl.read_csv(data, has_header=False, null_values=[NULL], schema=kinds)


def frames(rows: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    return {"rows": rows.rename(dict(zip(rows.columns, map(str, range(rows.width)), strict=True)))}


def report(
    what: str,
    ways: Mapping[str, Callable[[], object]],
    rounds: int,
    tables: Callable[..., Mapping[str, pl.DataFrame]],
) -> None:
    """Print the best round of each way, and the median of its ratios to the first one.

    Args:
        what: Is read.
        ways: By name; all of them read the same.
        rounds: In turn.
        tables: Frames of a way's answer, to compare with the first one's.
    """
    answers = [tables(way()) for way in ways.values()]
    for name, answer in zip(ways, answers, strict=True):
        for table, rows in answer.items():
            assert rows.sort(rows.columns).equals(answers[0][table].sort(rows.columns)), f"{name}: {table}"
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            spent[name].append(time.perf_counter() - start)
    heading = f"{what}, {max(rows.height for rows in answers[0].values()):,} rows"
    print(f"\n{heading:<40}best s   to adbc")
    for name, seconds in spent.items():
        ratio = median(own / adbc for own, adbc in zip(seconds, spent["adbc"], strict=True))
        print(f"{name:<38}{min(seconds):>8.4f}{ratio:>10.2f}")


if __name__ == "__main__":
    main()
