"""Contents of a store after runs of any kind: `python -m tests.stores.same_content [duckdb|parquet]`.

One line for each way to compute a window: the hash of all tables' rows, whatever their order. All have to
be equal; the exit code is 1 where they are not.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from engine.core.calendar import sessions
from tests.small_stores import content, without_clock
from tests.stores.support import GOLDEN, ROOT, copied, files, golden, in_place

DAYS = sessions(date(2025, 3, 3), date(2025, 3, 14))
RUN_DATE = date(2026, 11, 23)
Way = Callable[[str, Path], None]
"""Runs on a fresh store; the second argument is a folder for scratch files."""


def content_hash(url: str) -> str:
    """Of every row of every table but the ledger, order-free, without stamps of the clock."""
    digest = hashlib.sha256()
    for name, found in content(url).items():
        still = without_clock(name, found)
        rows = still.select(sorted(still.columns)).sort(pl.all())
        digest.update(f"{name} {rows.schema}".encode())
        digest.update(rows.write_csv(float_precision=17).encode())
    return digest.hexdigest()[:16]


def run(url: str, *more: str, start: date = DAYS[0], end: date = DAYS[-1], threads: int = 1) -> None:
    """The command, in a process of its own."""
    subprocess.run(
        in_place(url, start, end, RUN_DATE, *more),
        env={
            **os.environ,
            "POLARS_MAX_THREADS": f"{threads}",
            "PYTHONPATH": f"{ROOT}",
            "ENGINE_RUN_RESULTS": os.devnull,
        },
        stdout=subprocess.DEVNULL,
        check=True,
    )


def again(times: int) -> Way:
    """The window so many times more."""

    def way(url: str, _: Path) -> None:
        for _ in range(times + 1):
            run(url)

    return way


def in_two(at: int, *, backwards: bool) -> Way:
    """The window in two, at a session."""

    def way(url: str, _: Path) -> None:
        parts = [(DAYS[0], DAYS[at - 1]), (DAYS[at], DAYS[-1])]
        for start, end in reversed(parts) if backwards else parts:
            run(url, start=start, end=end)

    return way


def ways() -> Iterator[tuple[str, Way]]:
    """Every way to compute the window, by name."""
    yield "once", again(0)
    yield "five reruns", again(5)
    for at in range(1, len(DAYS)):
        yield f"in two, {at} + {len(DAYS) - at} sessions", in_two(at, backwards=False)
        yield f"in two, {len(DAYS) - at} sessions first, then {at}", in_two(at, backwards=True)
    for size in (1, 2, 7):
        yield f"shards of {size}", lambda url, _, size=size: run(url, "--shard-size", f"{size}")
    yield "two threads", lambda url, _: run(url, threads=2)


def fresh(kind: str, folder: Path, *, shuffled: bool = False) -> str:
    """A store of the golden inputs, its rows in another order if so wished."""
    source = golden("mixed")
    if shuffled:
        (folder / "shuffled").mkdir()
        for name, rows in files(GOLDEN / "mixed" / "inputs").items():
            rows.sample(fraction=1, shuffle=True, seed=5).write_parquet(
                folder / "shuffled" / f"{name}.parquet"
            )
        source = f"parquet:///{folder / 'shuffled'}"
    url = f"duckdb:///{folder}/x.duckdb" if kind == "duckdb" else f"parquet:///{folder}/x"
    copied(source, url)
    return url


def found(kind: str) -> Iterator[tuple[str, str]]:
    """Each way with the hash that it leaves."""
    for name, way in ways():
        with TemporaryDirectory() as folder:
            url = fresh(kind, Path(folder))
            way(url, Path(folder))
            yield name, content_hash(url)
    with TemporaryDirectory() as folder:
        url = fresh(kind, Path(folder), shuffled=True)
        run(url)
        yield "shuffled inputs", content_hash(url)


def main(kind: str = "duckdb") -> int:
    """Print the table; 0 if all hashes are equal."""
    hashes = set()
    for name, value in found(kind):
        hashes.add(value)
        print(f"{value}  {name}", flush=True)
    print(f"{len(hashes)} different")
    return int(len(hashes) != 1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
