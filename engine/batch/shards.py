"""Shards: blocks of portfolios, sized so that one fits the memory."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate, groupby, pairwise
from math import ceil

import polars as pl

from engine.core.errors import EngineError, UsageError
from loaders.reader import Reader

BYTES_A_SESSION = 2**19
"""What computing and writing one session of one portfolio of 30 positions takes at most: about 1,300
rows, held as figures, as stored rows and as the text that is sent."""
SHARE = 0.5
"""Of the free memory, what a run may take."""
USUAL = 30
"""Positions of a portfolio of weight 1. There the rows of positions cost about as much as those of pairs."""
LARGEST = 6_000
"""Portfolios times sessions in a shard, 49 over half a year: enough that what all share costs little, few
enough that writing begins soon."""


class MemoryShortError(EngineError, MemoryError):
    """A shard that does not fit the memory: where it is computed it is halved, down to one portfolio."""

    hint = "Ask for smaller shards with --shard-size, or run where more memory is free"

    def __init__(self, portfolios: int) -> None:
        super().__init__(f"{portfolios} portfolios at once do not fit the memory")


def live_portfolios(reader: Reader, wanted: Sequence[object] | None) -> tuple[list[str], list[str]]:
    """The ids of the portfolios asked for, ascending: those to compute, and the deleted ones.

    Deleted ones come along only when all are asked for: their positions are marked to market.

    Raises:
        UsageError: one that was asked for is not there, or is deleted.
    """
    rows = reader.read("portfolios", ["id", "deleted_at"]).drop_nulls("id")
    dead = pl.col("deleted_at").is_not_null()
    live: list[str] = rows.filter(~dead)["id"].unique().sort().to_list()
    if wanted is None:
        return live, rows.filter(dead)["id"].unique().sort().to_list()
    chosen = {str(portfolio) for portfolio in wanted}
    for unknown in sorted(chosen - set(live)):
        raise UsageError(f"store {reader.url}, table portfolios has no row {unknown} that is not deleted")
    return sorted(chosen), []


def alike(portfolios: Sequence[str], known: Mapping[str, object]) -> list[list[str]]:
    """The portfolios in runs that have one history, so that no figure depends on who shares a shard.

    Args:
        known: by portfolio, what it has already.
    """
    return [list(run) for _, run in groupby(portfolios, lambda owner: known[owner])]


def shard_count(
    weight: float, portfolios: int, sessions: int, memory: int | None, held: int, wide: int
) -> int:
    """Shards: each fits the memory beside the others in it, and there are some for everybody.

    Args:
        weight: of all the portfolios: see `weights`.
        memory: bytes that the run may take on a machine; default half of what is free.
        held: shards that a machine has in memory at the same time, computed or written.
        wide: shards that can be in work at the same time.
    """
    budget = memory or int(_free_memory() * SHARE)
    fitting = budget // (held * sessions * BYTES_A_SESSION)
    most = max(1, min(fitting, LARGEST // sessions))
    return max(1, min(portfolios, max(ceil(weight / most), wide)))


def weights(portfolios: Sequence[str], positions: pl.DataFrame) -> list[float]:
    """What each portfolio costs, in portfolios of 30 positions: for n positions (n^2 + 30 n) / (30^2 + 30^2).

    Args:
        positions: portfolio_id; a row for each position.
    """
    held = dict(positions.group_by("portfolio_id").len().iter_rows())
    return [max(1, n) * (n + USUAL) / (2 * USUAL**2) for n in (held.get(owner, 0) for owner in portfolios)]


def by_weight(portfolios: Sequence[str], weight: Sequence[float], shards: int) -> list[list[str]]:
    """The portfolios in so many blocks, of about one weight, none empty; the first ones rather larger."""
    ends = [0.0, *accumulate(weight)]
    cuts = [0]
    for shard in range(1, shards):
        share = ends[-1] * shard / shards
        above = min(bisect_right(ends, share), len(portfolios))
        nearest = above if ends[above] - share <= share - ends[above - 1] else above - 1
        cuts.append(min(max(nearest, cuts[-1] + 1), len(portfolios) - (shards - shard)))
    return [list(portfolios[i:j]) for i, j in pairwise([*cuts, len(portfolios)])]


def blocks(portfolios: Sequence[str], size: int) -> list[list[str]]:
    """The portfolios in blocks of `size`."""
    return [list(portfolios[i : i + size]) for i in range(0, len(portfolios), size)]


def _free_memory() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def within_memory(portfolios: int) -> Iterator[None]:
    """Turn a lack of memory into its own error."""
    try:
        yield
    except MemoryError as error:
        raise MemoryShortError(portfolios) from error
