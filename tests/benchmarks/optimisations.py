"""Gain of each optimisation of stored rows: python -m tests.benchmarks.optimisations GOLDEN_DEMO

GOLDEN_DEMO is the folder of the golden set `demo`. Its figures are computed once; then each plain way and
its fast way run in turn, in pairs. The gain is the median difference of the pairs, as a share of the
processor time of a whole run into DuckDB. An optimisation stays in the engine if it brings 5 % of a run here
or of 48 portfolios (docs/benchmarks.md), or if its code is no longer than the plain way's. The fast ways
that did not are kept here, to be measured again: "(gone)".
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from unittest.mock import patch

import duckdb
import numpy as np
import polars as pl

import engine
from engine.analytics.panels import day_numbers
from engine.analytics.positions import prices
from engine.batch.copy import copy
from engine.benchmarks.processes import engine_command, run
from engine.benchmarks.workloads import FIRST, LAST
from engine.core import stored_rows
from engine.core.progress import Quiet
from engine.core.row_ids import GROUPS, IdForm, Lanes, row_ids
from engine.core.schema import TABLES
from engine.core.sort_keys import plain_texts, sorted_by_key
from engine.numerics import coefficients
from engine.numerics.arrays import Bools, Floats, Ints
from engine.pipeline.results import StoredTables
from loaders.arrow_stream import ArrowStream
from tests.benchmarks.reference_window import RUN_DATE
from writers import Scope, open_writer
from writers.writer import BATCH_ROWS

OUTPUTS = [name for name, table in TABLES.items() if table.role == "output"]
PAIRS = TABLES["pairwise_correlations"]
SPAN = 1 << 20
"""More days than lie between any two dates."""


@dataclass(frozen=True)
class Optimisation:
    """A plain way and a fast way to the same result."""

    name: str
    plain: Callable[[], object]
    fast: Callable[[], object]


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time of a call, which other processes disturb less than its wall time."""
    start = time.process_time()
    work()
    return time.process_time() - start


def in_turn(one: Optimisation, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of the plain and of the fast way; every other pair begins with the fast one."""
    plain, fast = [], []
    for number in range(-1, rounds):
        ways = [(one.plain, plain), (one.fast, fast)]
        for work, spent in reversed(ways) if number % 2 else ways:
            spent.append(seconds(work))
    return plain[1:], fast[1:]  # the first pair warms up


def write(tables: StoredTables, ids: IdForm, folder: Path) -> None:
    """Make the rows of the output tables and insert them into a new DuckDB file.

    Args:
        tables: The run's tables, no row made yet.
        ids: The form of ids.
        folder: Where the file is made, and deleted.
    """
    chosen = tables.select(OUTPUTS, ids)
    path = folder / "written.duckdb"
    with open_writer(f"duckdb:///{path}", BATCH_ROWS) as writer, writer.transaction():
        writer.create_missing()
        writer.replace(chosen, Scope((), FIRST, LAST))
    path.unlink()


def quotes_by_span(symbols: pl.Series, closes: pl.DataFrame, sessions: list) -> pl.DataFrame:
    """`engine.analytics.positions.prices.quotes` by binary search for symbol number * SPAN + day number."""
    names = closes["symbol"].unique(maintain_order=True)
    symbol = np.append(closes["symbol"].rle_id().to_numpy().astype(np.int64), len(names))
    day = np.append(closes["date"].to_physical().to_numpy().astype(np.int64), 0)
    ticks = np.append(closes["close"].to_physical().cast(pl.Int64).to_numpy(), 0)
    key, days = symbol * SPAN + day, day_numbers(sessions)

    def places(wanted: pl.Series) -> tuple[Ints, Bools, Bools]:
        numbered = pl.DataFrame({"symbol": names}).with_row_index("number")
        asked = pl.DataFrame({"symbol": wanted}).join(
            numbered, on="symbol", how="left", maintain_order="left"
        )
        number = np.repeat(asked["number"].cast(pl.Int64).fill_null(-1).to_numpy(), days.size)
        target = number * SPAN + np.tile(days, len(wanted))
        at = np.searchsorted(key, target)
        return at, key[at] == target, symbol[at - 1] == number

    def where(values: Ints, known: Bools) -> pl.Expr:
        return pl.when(pl.lit(pl.Series(known))).then(pl.lit(pl.Series(values)))

    exact, there, _ = places(symbols)
    upper, that_day, before = places(symbols.str.to_uppercase())
    priced = there & (ticks[exact] > 0)
    age = np.tile(days, len(symbols)) - day[upper - 1]
    older = ticks[upper - 1]
    mark = np.where(priced, ticks[exact], older)
    asked = pl.DataFrame({"symbol": symbols}).join(
        prices.session_frame(sessions), how="cross", maintain_order="left_right"
    )
    return asked.select(
        "symbol",
        "session",
        close=where(ticks[exact], priced),
        previous_close=where(older, before & (age <= prices.PNL.look_back)),
        newest_close=where(np.where(that_day, ticks[upper], older), that_day | before),
        mark=where(mark, (priced | (before & (age <= prices.MARKET_VALUES.look_back))) & (mark > 0)),
    )


def spelled_by_lines(ids: Lanes) -> pl.Series:
    """Ids as texts, by `read_lines` of one buffer with a line for each."""
    digits = np.frombuffer(ids.T.astype(">u8").tobytes().hex().encode(), dtype=np.uint8).reshape(-1, 32)
    lines = np.full((len(digits), 37), ord("-"), dtype=np.uint8)
    for dashes, (start, stop) in enumerate(GROUPS):
        lines[:, start + dashes : stop + dashes] = digits[:, start:stop]
    lines[:, 36] = ord("\n")
    return pl.read_lines(lines.tobytes(), name="id")["id"].rechunk()


def spell(pairs: pl.DataFrame, lines: bool) -> pl.Series:
    """Ids of pairs as texts: by `read_lines`, or as the engine spells them."""
    keys = [pairs[name] for name in PAIRS.key]
    if not lines:
        return row_ids(PAIRS.name, *keys)
    with patch("engine.core.row_ids._texts", spelled_by_lines):
        return row_ids(PAIRS.name, *keys)


def projected_one_by_one(x: Floats, first: Ints, stop: Ints, penalty: float) -> list[Floats]:
    """`engine.numerics.coefficients._projections`, a window at a time."""
    windows = zip(first.tolist(), stop.tolist(), strict=True)
    return [coefficients._projections(x, *np.array([[a], [b]]), penalty)[0] for a, b in windows]


def projected_once(fits: Sequence[tuple]) -> list[Floats]:
    """The matrices of all fits, of each distinct window once, those of one length together."""
    windows = [
        (x[a:b], penalty) for x, first, stop, penalty in fits for a, b in zip(first, stop, strict=True)
    ]
    place: dict[tuple, int] = {}
    number = [place.setdefault((x.tobytes(), x.shape), len(place)) for x, _ in windows]
    distinct = dict(zip(number, windows, strict=True))
    found: dict[int, Floats] = {}
    for shape in {x.shape for x, _ in distinct.values()}:
        alike = [at for at, (x, _) in distinct.items() if x.shape == shape]
        ends = np.arange(len(alike) + 1) * shape[0]
        stacked = np.concatenate([distinct[at][0] for at in alike])
        solved = coefficients._projections(stacked, ends[:-1], ends[1:], distinct[alike[0]][1])
        found |= zip(alike, solved, strict=True)
    return [found[at] for at in number]


def ingest(frames: Sequence[tuple[str, pl.DataFrame]]) -> None:
    """Insert the text columns of frames into tables of a DuckDB in memory."""
    with duckdb.connect() as store:
        for name, rows in frames:
            columns = ", ".join(f"{column} varchar" for column in rows.columns)
            store.execute(f"create table {name} ({columns})")
            store.register("rows", ArrowStream(rows))
            store.execute(f"insert into {name} select * from rows")


def texts_of(rows: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame([plain_texts(column) for column in rows])


def optimisations(golden: Path, folder: Path) -> Sequence[Optimisation]:
    """The rows of the table, from the figures of one run."""
    asked: list[tuple] = []
    fits: list[tuple] = []
    inputs = engine.open(f"parquet:///{golden / 'inputs'}").inputs(FIRST, LAST, run_date=RUN_DATE)
    project = coefficients._projections
    with (
        patch("engine.pipeline.compute.quotes", lambda *of: asked.append(of) or prices.quotes(*of)),
        patch.object(coefficients, "_projections", lambda *of: fits.append(of) or project(*of)),
    ):
        tables = engine.compute(inputs).tables
    unsorted: list[tuple[str, pl.DataFrame]] = []
    with (
        patch.object(stored_rows, "check_key", lambda *_: None),
        patch(
            "engine.pipeline.results.stored_rows",
            lambda table, rows, *more: unsorted.append((table.name, rows)) or rows,
        ),
    ):
        dict(tables.select(OUTPUTS))
    keyed = [(name, rows) for name, rows in unsorted if rows.height]
    for name, rows in keyed:
        texts = [plain_texts(column) for column in sorted_by_key(rows, TABLES[name].key)]
        assert pl.DataFrame(texts).equals(rows.sort(TABLES[name].key)), name
    pairs = dict(keyed)[PAIRS.name]
    texts_of_pairs = pairs.with_columns(plain_texts(pairs[name]) for name in PAIRS.key)
    spanned = quotes_by_span(*asked[0][:3])
    assert spanned.equals(prices.quotes(*asked[0]).select(spanned.columns))
    assert spell(pairs, lines=True).equals(spell(pairs, lines=False))
    together = [matrix for fit in fits for matrix in project(*fit)]
    assert all(map(np.array_equal, together, projected_once(fits)))
    coded = [(name, rows.select(pl.col(pl.Enum))) for name, rows in sorted_rows(keyed)]
    coded = [(name, rows) for name, rows in coded if rows.width]
    return [
        Optimisation(
            "ids as two numbers instead of texts",
            lambda: write(tables, "text", folder),
            lambda: write(tables, "words", folder),
        ),
        Optimisation(
            "sorting by packed integers",
            lambda: [rows.sort(TABLES[name].key) for name, rows in keyed],
            lambda: sorted_rows(keyed),
        ),
        Optimisation(
            "key texts enumerated before they repeat",
            lambda: sorted_by_key(texts_of_pairs, PAIRS.key),
            lambda: sorted_by_key(pairs, PAIRS.key),
        ),
        Optimisation(
            "ids as texts: a chain of casts",
            lambda: spell(pairs, lines=True),
            lambda: spell(pairs, lines=False),
        ),
        Optimisation(
            "ridge windows of one length together",
            lambda: [projected_one_by_one(*fit) for fit in fits],
            lambda: [project(*fit) for fit in fits],
        ),
        Optimisation(
            "each distinct ridge window once (gone)",
            lambda: [project(*fit) for fit in fits],
            lambda: projected_once(fits),
        ),
        Optimisation(
            "key texts coded for DuckDB (gone)",
            lambda: ingest([(name, texts_of(rows)) for name, rows in coded]),
            lambda: ingest(coded),
        ),
        Optimisation(
            "prices looked up by span keys (gone)",
            lambda: prices.quotes(*asked[0]),
            lambda: quotes_by_span(*asked[0][:3]),
        ),
    ]


def sorted_rows(keyed: Sequence[tuple[str, pl.DataFrame]]) -> list[tuple[str, pl.DataFrame]]:
    """Rows by table in the order of their keys."""
    return [(name, sorted_by_key(rows, TABLES[name].key)) for name, rows in keyed]


def whole_run(golden: Path, folder: Path, rounds: int) -> float:
    """Return the median processor time of `engine backfill` over the reference window in a DuckDB file."""
    prepared, trial = folder / "prepared.duckdb", folder / "trial.duckdb"
    copy(f"parquet:///{golden / 'inputs'}", f"duckdb:///{prepared}", BATCH_ROWS, Quiet())
    days = ["--start", f"{FIRST}", "--end", f"{LAST}", "--run-date", f"{RUN_DATE}", "--quiet"]
    took = []
    for _ in range(rounds):
        shutil.copy(prepared, trial)
        took.append(run(engine_command("backfill", "--from", f"duckdb:///{trial}", *days), folder).cpu)
    return median(took)


def options(description: str | None) -> argparse.Namespace:
    """The golden set `demo` and the number of pairs, of the command line."""
    known = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    known.add_argument("golden", type=Path, metavar="GOLDEN_DEMO")
    known.add_argument("--rounds", type=int, default=15, metavar="N", help="[15]")
    return known.parse_args()


def print_gains(whole: float, rows: Sequence[Optimisation], rounds: int) -> None:
    """Print a line for each optimisation.

    Args:
        whole: Processor time of a whole run (s).
        rows: The optimisations.
        rounds: Pairs of each.
    """
    print(f"whole run: {whole:.3f} s of processor time\n")
    print(f"{'':<40}{'plain ms':>10}{'fast ms':>10}{'ratio':>8}{'% of a run':>12}")
    for one in rows:
        plain, fast = in_turn(one, rounds)
        gain = median(a - b for a, b in zip(plain, fast, strict=True)) / whole
        slow, quick = median(plain), median(fast)
        print(f"{one.name:<40}{slow * 1e3:>10.1f}{quick * 1e3:>10.1f}{slow / quick:>8.2f}{gain:>12.1%}")


def main() -> None:
    known = options(__doc__)
    pl.Config.set_engine_affinity("in-memory")
    with TemporaryDirectory(prefix="optimisations-") as name:
        folder, golden = Path(name), known.golden.resolve()
        whole = whole_run(golden, folder, known.rounds)
        print_gains(whole, optimisations(golden, folder), known.rounds)


if __name__ == "__main__":
    main()
