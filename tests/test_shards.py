"""Shards: portfolios of one history, as many as the memory holds, some for each connection that writes."""

from __future__ import annotations

import pytest

from engine.shards import BYTES_A_SESSION, alike, blocks, shard_size

HALF_A_YEAR = 121
GIB = 2**30


def test_portfolios_of_other_histories_are_apart() -> None:
    known = {"a": (), "b": (), "c": (1,), "d": ()}
    assert alike(["a", "b", "c", "d"], known) == [["a", "b"], ["c"], ["d"]]


def test_blocks_keep_the_order_and_lose_nobody() -> None:
    assert blocks(list("abcde"), 2) == [["a", "b"], ["c", "d"], ["e"]]
    assert blocks([], 3) == []


@pytest.mark.parametrize(
    ("portfolios", "sessions", "memory", "held", "wide", "size"),
    [
        (5, HALF_A_YEAR, 100 * GIB, 2, 1, 5),
        (5, HALF_A_YEAR, 100 * GIB, 3, 2, 3),
        (1_000, HALF_A_YEAR, 100 * GIB, 2, 1, 48),  # 21 shards; 49 would leave 20 for the last one
        (100, HALF_A_YEAR, 100 * GIB, 3, 2, 34),
        (0, HALF_A_YEAR, 100 * GIB, 2, 1, 1),
        (1_000, 1, 100 * GIB, 2, 1, 1_000),
        (1_000, HALF_A_YEAR, 2 * HALF_A_YEAR * BYTES_A_SESSION * 7, 2, 1, 7),
        (1_000, HALF_A_YEAR, 3 * HALF_A_YEAR * BYTES_A_SESSION * 7, 3, 2, 7),
        (1_000, HALF_A_YEAR, 100 * GIB, 4, 400, 3),
        (1_000, HALF_A_YEAR, 1, 2, 1, 1),
    ],
)
def test_a_shard_fits_the_memory_beside_the_others_in_it(
    portfolios: int, sessions: int, memory: int, held: int, wide: int, size: int
) -> None:
    assert shard_size(portfolios, sessions, memory, held, wide) == size
