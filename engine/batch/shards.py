"""Shards: blocks of portfolios, sized so that one fits the memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate, groupby, pairwise
from math import ceil

import polars as pl

from engine.batch.memory import free_memory as _free_memory
from engine.core.errors import EngineError, UsageError
from loaders.reader import Reader

BYTES_A_SESSION = 2**19
"""Peak memory to compute and write one session of a portfolio of 30 positions, in bytes: about 1,300 rows,
held as figures, as stored rows and as the text that is sent."""
SHARE = 0.5
"""Fraction of the free memory that a run may use."""
USUAL = 30
"""Positions of a portfolio of weight 1, for which rows of positions cost about as much as rows of pairs."""
LARGEST = 6_000
"""Most portfolios times sessions in a shard (49 portfolios over half a year): enough that the shared part
costs little, few enough that writing begins soon."""


class MemoryShortError(EngineError, MemoryError):
    """A shard does not fit the memory. Computing halves it, down to one portfolio."""

    hint = "Ask for smaller shards with --shard-size, or run where more memory is free"

    def __init__(self, portfolios: int) -> None:
        super().__init__(f"{portfolios} portfolios at once do not fit the memory")


def live_portfolios(reader: Reader, wanted: Sequence[object] | None) -> tuple[list[str], list[str]]:
    """Return the ids of live and of deleted portfolios, ascending.

    Deleted ones are returned only if all portfolios are wanted: their positions are marked to market.

    Args:
        reader: the source.
        wanted: ids; None for all.

    Raises:
        UsageError: a wanted portfolio does not exist, or is deleted.
    """
    rows = reader.portfolios.select("id", "deleted_at").rows()
    live = sorted({key for key, deleted in rows if key is not None and deleted is None})
    if wanted is None:
        return live, sorted({key for key, deleted in rows if key is not None and deleted is not None})
    chosen = {str(portfolio) for portfolio in wanted}
    for unknown in sorted(chosen - set(live)):
        raise UsageError(f"store {reader.url}, table portfolios has no row {unknown} that is not deleted")
    return sorted(chosen), []


def group_by_history(portfolios: Sequence[str], stored: Mapping[str, object]) -> list[list[str]]:
    """Group consecutive portfolios with the same stored sessions.

    All portfolios of a shard then have one history, so that no figure depends on who shares the shard.

    Args:
        portfolios: ids, ascending.
        stored: stored sessions by portfolio.

    Returns:
        Groups of ids, in order.
    """
    return [list(run) for _, run in groupby(portfolios, lambda owner: stored[owner])]


def shard_count(
    weight: float, portfolios: int, sessions: int, memory: int | None, in_memory: int, parallel: int
) -> int:
    """Return the number of shards: those in memory together fit it, and no worker idles.

    Args:
        weight: of all portfolios together: see `weights`.
        portfolios: number of portfolios.
        sessions: number of sessions.
        memory: bytes that the run may use on a machine; default half of what is free.
        in_memory: shards that a machine holds in memory at the same time, computed or written.
        parallel: shards that can be in progress at the same time.
    """
    budget = memory or int(_free_memory() * SHARE)
    fitting = budget // (in_memory * sessions * BYTES_A_SESSION)
    most = max(1, min(fitting, LARGEST // sessions))
    return max(1, min(portfolios, max(ceil(weight / most), parallel)))


def weights(portfolios: Sequence[str], positions: pl.DataFrame) -> list[float]:
    """Return the cost of each portfolio, in portfolios of 30 positions.

        weight = (n^2 + 30 n) / (30^2 + 30^2)   for n positions: rows of pairs and rows of positions

    Args:
        portfolios: ids.
        positions: portfolio_id; a row for each position.

    Returns:
        Weights, in the order of `portfolios`.
    """
    held = dict(positions.group_by("portfolio_id").len().iter_rows())
    return [max(1, n) * (n + USUAL) / (2 * USUAL**2) for n in (held.get(owner, 0) for owner in portfolios)]


def blocks_by_weight(portfolios: Sequence[str], weight: Sequence[float], shards: int) -> list[list[str]]:
    """Split portfolios into blocks of about equal weight, none empty.

    Args:
        portfolios: ids, ascending.
        weight: of each portfolio.
        shards: number of blocks.

    Returns:
        Blocks of ids, in order.
    """
    ends = [0.0, *accumulate(weight)]
    cuts = [0]
    for shard in range(1, shards):
        share = ends[-1] * shard / shards
        above = min(bisect_right(ends, share), len(portfolios))
        nearest = above if ends[above] - share <= share - ends[above - 1] else above - 1
        cuts.append(min(max(nearest, cuts[-1] + 1), len(portfolios) - (shards - shard)))
    return [list(portfolios[i:j]) for i, j in pairwise([*cuts, len(portfolios)])]


def equal_blocks(portfolios: Sequence[str], size: int) -> list[list[str]]:
    """Split portfolios into blocks of one size; the last one may be smaller.

    Args:
        portfolios: ids, in the order of the run.
        size: portfolios in a block, 1 or more.

    Returns:
        The blocks, in order.
    """
    return [list(portfolios[i : i + size]) for i in range(0, len(portfolios), size)]


def require_memory(portfolios: Sequence[str], positions: pl.DataFrame, sessions: int) -> None:
    """Raise an error if a shard needs more memory than is free; a shard of one portfolio is tried anyway.

    An allocation that fails inside a library ends the process, and so does the kernel at a container's limit.

    Args:
        portfolios: ids.
        positions: portfolio_id; a row for each position.
        sessions: number of sessions.

    Raises:
        MemoryShortError: the shard does not fit.
    """
    needed = sum(weights(portfolios, positions)) * sessions * BYTES_A_SESSION
    if len(portfolios) > 1 and needed > _free_memory():
        raise MemoryShortError(len(portfolios))


@contextmanager
def within_memory(portfolios: int) -> Iterator[None]:
    """Turn a MemoryError of the block into one that names the size of the shard.

    Args:
        portfolios: number of portfolios of the shard, for the message.

    Yields:
        Nothing.

    Raises:
        MemoryShortError: the block needs more memory than there is.
    """
    try:
        yield
    except MemoryError as error:
        raise MemoryShortError(portfolios) from error
