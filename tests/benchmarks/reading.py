"""Ways to read Postgres, in turn: python -m tests.benchmarks.reading [--rounds N]

A small query, for latency; a whole table of prices; and all inputs of half a year, as a run loads them. The
engine reads over one connection of ADBC. connectorx opens connections of its own, of which each reads a part
of the days of prices; all of them see the state that the engine's connection sees. Frames are equal, or the
program ends with an error. Needs connectorx: `pip install '.[benchmark]'`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial
from statistics import median
from unittest.mock import patch
from urllib.parse import quote

import connectorx
import polars as pl

from engine.batch.copy import write_frames
from engine.benchmarks import local_postgres
from engine.benchmarks.workloads import FIRST, LAST
from engine.core.progress import Quiet
from engine.core.window import Window
from engine.pipeline.inputs import Inputs
from loaders import open_reader
from loaders.demo import demo_world
from loaders.postgres.connect import connect
from loaders.postgres.reader import PostgresReader
from loaders.window import load_window
from sql import statement

PRICES = "select symbol, date, close::text as close from market_data_cache"
SMALL = "select id::text as id, name from portfolios"
LOADED = "from market_data_cache\nwhere (date between"
"""A part of the statement that reads a run's closes, and of no other."""
BEGINNING = date(2024, 1, 1)
"""First day of the demo's prices."""
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
        address = f"postgresql://postgres:@{quote(server.socket, safe='')}/postgres"
        with open_reader(url) as reader, connect(url) as session:
            assert isinstance(reader, PostgresReader)
            ways = {
                "adbc": reader.answer,
                **{named(n): partial(in_parts, reader, address, n) for n in CONNECTIONS},
                "COPY through psycopg": lambda text: copied(session, text),
            }
            for text, what in ((SMALL, "a small query"), (PRICES, "all prices")):
                report(what, {name: partial(way, text) for name, way in ways.items()}, known.rounds, frames)
        loads = {"adbc": partial(loaded, url)} | {
            named(n): partial(loaded, url, partial(by_connectorx, address, n)) for n in CONNECTIONS
        }
        report("all inputs", loads, known.rounds, lambda inputs: inputs.owned | {"closes": inputs.closes})


def named(connections: int) -> str:
    return f"connectorx, {connections} connection{'s' * (connections > 1)}"


def in_parts(reader: PostgresReader, address: str, connections: int, text: str) -> pl.DataFrame:
    """Return the rows of a query through connectorx, those of prices over several connections.

    Args:
        reader: Whose transaction's state the connections see.
        address: The server's, as connectorx takes it.
        connections: Number of parts of about as many days.
        text: The query.
    """
    state = PostgresReader.query(reader, "select pg_export_snapshot()").item()
    before = [statement("session/read").partition("\n")[2], f"set transaction snapshot '{state}'"]
    texts = [text]
    if "market_data_cache" in text:
        cuts = [BEGINNING + (LAST - BEGINNING) * part // connections for part in range(1, connections)]
        starts = ["true", *(f"date >= '{cut}'" for cut in cuts)]
        ends = [*(f"date < '{cut}'" for cut in cuts), "true"]
        texts = [f"select * from ({text}) part where {a} and {b}" for a, b in zip(starts, ends, strict=True)]
    return connectorx.read_sql(address, texts, return_type="polars", pre_execution_query=before)


def by_connectorx(
    address: str, connections: int, adbc: Callable[..., pl.DataFrame], reader: PostgresReader, text: str
) -> pl.DataFrame:
    """`PostgresReader.answer` with connectorx for the closes of a run, which are most of its input."""
    if LOADED not in text:
        return adbc(reader, text)
    with patch.object(PostgresReader, "answer", adbc):
        return in_parts(reader, address, connections, text)


def loaded(url: str, answer: Callable[..., pl.DataFrame] | None = None) -> Inputs:
    """Load half a year; `answer` stands for the reader's own."""
    adbc = PostgresReader.answer
    way = adbc if answer is None else lambda reader, text: answer(adbc, reader, text)
    with patch.object(PostgresReader, "answer", way), open_reader(url) as reader:
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
