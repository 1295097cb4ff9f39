"""Time a store alone, as a process of its own: python -m engine.benchmarks.limit_process WHAT URL ...

    statements URL --start D --end D --run-date D    print the statements that the engine sends to a store
    read URL --start D --end D --run-date D          send them, and drop the answers
    write-KIND SOURCE TARGET                         put the source's output rows into the target
    count URL                                        count the output rows of a store

Prints JSON: the statements, or a `StoreTime`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from engine.benchmarks.limits import OUTPUTS, StoreTime
from engine.core.store_url import StoreURL
from engine.core.window import Window
from loaders import open_reader
from loaders.adapted import with_adapted
from loaders.arrow_stream import ArrowStream
from loaders.duckdb.reader import DuckDBReader
from loaders.reader import Reader
from loaders.window import load_window
from sql import Name, Names, statement

ROWS_PER_BLOCK = 1_000_000


class Stopwatch:
    """Accumulates the seconds of `with` blocks, by the clock and of this process' processor."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def __enter__(self) -> None:
        self.wall -= time.perf_counter()
        self.cpu -= time.process_time()

    def __exit__(self, *_: object) -> None:
        self.wall += time.perf_counter()
        self.cpu += time.process_time()


def main(words: Sequence[str]) -> None:
    """Run one of the commands of this module's documentation, and print its result."""
    match words:
        case ["statements", url, "--start", start, "--end", end, "--run-date", run_date]:
            print(json.dumps(_statements(url, start, end, run_date)))
            return
        case ["read", url, "--start", start, "--end", end, "--run-date", run_date]:
            result = _read(url, _statements(url, start, end, run_date))
        case ["write-duckdb", source, target]:
            result = _write(source, _DuckDB(StoreURL.parse(target).path))
        case ["write-parquet", source, target]:
            result = _write(source, _Parquet(StoreURL.parse(target).path))
        case ["count", url]:
            result = StoreTime(0.0, 0.0, _count(url))
        case _:
            raise SystemExit(f"there is no such command: {words}")
    print(json.dumps(vars(result)))


def _statements(url: str, *days: str) -> list[str]:
    """Load a window, and record the statements that the store receives."""
    sent: list[str] = []
    start, end, run_date = map(date.fromisoformat, days)
    with open_reader(url) as reader:
        query = reader.query

        def recorded(text: str) -> pl.DataFrame:
            sent.append(text)
            return query(text)

        reader.query = recorded  # type: ignore[method-assign]
        load_window(reader, Window(start, end, run_date), None)
    return sent


def _read(url: str, statements: Sequence[str]) -> StoreTime:
    watch = Stopwatch()
    with watch, open_reader(url) as reader:
        for text in statements:
            reader.query(text)
    return StoreTime(watch.wall, watch.cpu)


def _count(url: str) -> int:
    with open_reader(url) as reader:
        texts = (statement("bench/count", table=Name(name)) for name in OUTPUTS)
        return sum(int(reader.query(text).item()) for text in texts)


def _write(source: str, sink: _DuckDB | _Parquet) -> StoreTime:
    """Write the rows of every output table, block by block; reading them does not count."""
    watch, rows = Stopwatch(), 0
    with open_reader(source) as reader:
        for table, frame in _blocks(reader):
            with watch:
                sink.put(table, frame)
            rows += frame.height
    with watch:
        sink.close()
    return StoreTime(watch.wall, watch.cpu, rows)


def _blocks(reader: Reader) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the rows of the output tables in the store's own types, a block at a time."""
    assert isinstance(reader, DuckDBReader)  # which reads Parquet folders as well
    for table in OUTPUTS:
        text = statement("bench/rows", table=Name(table))
        rows = reader.connection.sql(with_adapted(text, lambda: reader.adapted))
        for batch in rows.to_arrow_reader(ROWS_PER_BLOCK):
            yield table, pl.DataFrame(batch)


class _DuckDB:
    """INSERT in one transaction; closing the file writes its checkpoint."""

    def __init__(self, path: Path) -> None:
        self.connection = duckdb.connect(path)
        self.connection.begin()

    def put(self, table: str, frame: pl.DataFrame) -> None:
        self.connection.register("block", ArrowStream(frame))
        columns = Names(tuple(frame.columns))
        self.connection.execute(
            statement(
                "write/insert", table=Name(table), columns=columns, values=columns, source=Name("block")
            )
        )

    def close(self) -> None:
        self.connection.commit()
        self.connection.close()


class _Parquet:
    """A file for each block."""

    def __init__(self, path: Path) -> None:
        self.folder, self.blocks = path, 0

    def put(self, table: str, frame: pl.DataFrame) -> None:
        self.blocks += 1
        frame.write_parquet(self.folder / f"{table}.{self.blocks}.parquet")

    def close(self) -> None:
        """Do nothing: every file is closed already."""


if __name__ == "__main__":
    main(sys.argv[1:])
