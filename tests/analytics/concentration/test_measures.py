"""Concentration by hand: the Herfindahl-Hirschman index and the largest symbols."""

from __future__ import annotations

import polars as pl
import pytest

from engine.analytics.concentration.measures import concentration, quotients


def measured(*values: tuple[int, str, int], owners: int = 1) -> list[dict[str, float | None]]:
    """The measures of positions: owner, symbol, value."""
    rows = [(owner, symbol, value) for owner, symbol, value in values]
    schema = {"owner": pl.UInt32(), "symbol": pl.String(), "value": pl.Int128()}
    return concentration(pl.DataFrame(rows, schema=schema, orient="row"), owners).to_dicts()


def test_the_index_is_the_sum_of_squared_weights() -> None:
    (found,) = measured((0, "A", 50), (0, "B", 30), (0, "C", 10), (0, "D", 10))
    # 10000 x (0.25 + 0.09 + 0.01 + 0.01)
    assert found["hhi"] == pytest.approx(3600, rel=1e-15)
    assert found["effective_num_positions"] == pytest.approx(10_000 / 3600, rel=1e-15)
    assert found["top_3_concentration"] == pytest.approx(0.9, rel=1e-15)
    assert found["top_10_concentration"] == pytest.approx(1.0, rel=1e-15)


def test_positions_of_a_symbol_are_one_and_one_symbol_is_10000() -> None:
    (found,) = measured((0, "A", 25), (0, "A", 75))
    assert list(found.values()) == [10_000.0, 1.0, 1.0, 1.0]


def test_ten_of_twelve_equal_symbols_are_the_largest_ten() -> None:
    (found,) = measured(*((0, f"S{number}", 7) for number in range(12)))
    assert found["effective_num_positions"] == pytest.approx(12, rel=1e-14)
    assert found["top_10_concentration"] == pytest.approx(10 / 12, rel=1e-14)
    assert found["top_3_concentration"] == 0.25


def test_without_value_there_are_no_measures() -> None:
    nothing, worthless, one = measured((1, "A", 0), (2, "B", 5), owners=3)
    assert set(nothing.values()) == set(worthless.values()) == {None}
    assert one["hhi"] == 10_000.0


def test_shares_are_the_nearest_doubles_and_nan_of_nothing() -> None:
    grains, totals = (pl.Series(values, dtype=pl.Int128) for values in ([1, -2, 5, 1], [3, 3, 0, 49]))
    found = quotients(grains, totals).to_list()
    assert [found[0], found[1], found[3]] == [1 / 3, -2 / 3, 1 / 49]
    assert found[2] != found[2]
