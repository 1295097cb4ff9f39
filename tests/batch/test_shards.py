"""Shards: portfolios of one history, as many as the memory holds, some for each connection that writes."""

from __future__ import annotations

import polars as pl
import pytest

from engine.batch.shards import (
    BYTES_A_SESSION,
    blocks_by_weight,
    equal_blocks,
    group_by_history,
    shard_count,
    weights,
)

HALF_A_YEAR = 121
GIB = 2**30


def test_portfolios_of_other_histories_are_apart() -> None:
    known = {"a": (), "b": (), "c": (1,), "d": ()}
    assert group_by_history(["a", "b", "c", "d"], known) == [["a", "b"], ["c"], ["d"]]


def test_blocks_keep_the_order_and_lose_nobody() -> None:
    assert equal_blocks(list("abcde"), 2) == [["a", "b"], ["c", "d"], ["e"]]
    assert equal_blocks([], 3) == []


@pytest.mark.parametrize(
    ("weight", "portfolios", "sessions", "memory", "held", "wide", "shards"),
    [
        (5.0, 5, HALF_A_YEAR, 100 * GIB, 2, 1, 1),
        (5.0, 5, HALF_A_YEAR, 100 * GIB, 3, 2, 2),
        (1_000.0, 1_000, HALF_A_YEAR, 100 * GIB, 2, 1, 21),  # 6,000 / 121 is 49 in each
        (20.0, 1_000, HALF_A_YEAR, 100 * GIB, 2, 1, 1),  # a thousand small ones
        (50.0, 2, HALF_A_YEAR, 100 * GIB, 2, 1, 2),  # two large ones
        (0.1, 1, HALF_A_YEAR, 100 * GIB, 3, 2, 1),
        (1_000.0, 1_000, 1, 100 * GIB, 2, 1, 1),
        (1_000.0, 1_000, HALF_A_YEAR, 2 * HALF_A_YEAR * BYTES_A_SESSION * 7, 2, 1, 143),
        (1_000.0, 1_000, HALF_A_YEAR, 3 * HALF_A_YEAR * BYTES_A_SESSION * 7, 3, 2, 143),
        (1_000.0, 1_000, HALF_A_YEAR, 100 * GIB, 4, 400, 400),
        (1_000.0, 1_000, HALF_A_YEAR, 1, 2, 1, 1_000),
    ],
)
def test_a_shard_fits_the_memory_beside_the_others_in_it(
    weight: float, portfolios: int, sessions: int, memory: int, held: int, wide: int, shards: int
) -> None:
    assert shard_count(weight, portfolios, sessions, memory, held, wide) == shards


def test_a_portfolio_weighs_what_its_positions_and_their_pairs_do() -> None:
    owners = ["a"] * 30 + ["b"] * 60
    found = weights(["a", "b", "c"], pl.DataFrame({"portfolio_id": owners}))
    assert found == [1.0, 3.0, 1 / 60]  # (900 + 900) / 1800, (3600 + 1800) / 1800, and next to nothing


@pytest.mark.parametrize(
    ("weight", "shards", "sizes"),
    [
        ([1, 1, 1, 1], 2, [2, 2]),
        ([1, 1, 1, 1, 1], 2, [3, 2]),
        ([0.4, 0.3, 0.2, 1, 1], 2, [4, 1]),  # 1.9 to 1 rather than 0.9 to 2
        ([9, 1, 1, 1], 3, [1, 1, 2]),
        ([1, 1, 9], 3, [1, 1, 1]),
        ([0, 0, 0], 2, [2, 1]),
    ],
)
def test_blocks_are_of_about_one_weight(weight: list[float], shards: int, sizes: list[int]) -> None:
    names = list("abcde")[: len(weight)]
    found = blocks_by_weight(names, weight, shards)
    assert [len(block) for block in found] == sizes
    assert [name for block in found for name in block] == names
