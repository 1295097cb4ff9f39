"""Tails of return series, against numpy's quantiles and by hand."""

from __future__ import annotations

import numpy as np

from engine.numerics.tails import LEVELS, Tails, lower_tails


def test_quantiles_are_numpy_s_and_means_are_of_what_lies_below() -> None:
    values = np.random.default_rng(2).standard_t(3, (252, 40))
    n = np.array([252, 251, 250, 120, 101, 100, 63, 62, *range(200, 232)])
    tails = lower_tails(values, n)
    for column, count in enumerate(n):
        own = values[252 - count :, column]
        for number, level in enumerate(LEVELS):
            if count < (100 if level == 0.99 else 63):
                assert np.isnan([tails.quantile[column, number], tails.mean[column, number]]).all()
                continue
            quantile = np.quantile(own, 1 - level)
            np.testing.assert_allclose(tails.quantile[column, number], quantile, rtol=1e-12)
            np.testing.assert_allclose(tails.mean[column, number], own[own <= quantile].mean(), rtol=1e-12)
    np.testing.assert_array_equal(tails.n, n)


def test_by_hand() -> None:
    # 1 to 100: the 5 % quantile lies at place 99 x 0.05 = 4.95, between 5 and 6.
    tails = lower_tails(np.arange(1.0, 101.0)[:, None], np.array([100]))
    np.testing.assert_allclose(tails.quantile, [[5.95, 1.99]], rtol=1e-12)
    np.testing.assert_allclose(tails.mean, [[3.0, 1.0]], rtol=1e-12)


def test_short_and_empty_series_have_none() -> None:
    tails = lower_tails(np.zeros((0, 2)), np.zeros(2, dtype=np.int64))
    assert np.isnan(tails.quantile).all()
    assert np.isnan(lower_tails(np.ones((62, 1)), np.array([62])).quantile).all()


def test_tails_are_put_in_their_rows() -> None:
    every = Tails.blank((3, 2))
    every.put(slice(1, 2), lower_tails(np.ones((200, 2)), np.array([200, 10])))
    assert every.n.tolist() == [[0, 0], [200, 10], [0, 0]]
    assert every.quantile[1, 0].tolist() == [1.0, 1.0]
    assert np.isnan(every.quantile[[0, 2]]).all()
