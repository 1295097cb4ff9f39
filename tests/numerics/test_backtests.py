"""Backtests of value at risk, against published tables and scipy."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import optimize, stats

from engine.numerics.arrays import Bools
from engine.numerics.backtests import Backtest, rolling_counts, zone
from engine.numerics.backtests import backtest as of_counts


def backtest(exceeded: Bools, level: float) -> Backtest:
    """The tests of all sessions."""
    return of_counts(rolling_counts(exceeded, exceeded.size)[-1], level)


def hits(sessions: int, *at: int) -> Bools:
    found = np.zeros(sessions, dtype=np.bool_)
    found[list(at)] = True
    return found


def spread(sessions: int, exceptions: int) -> Bools:
    """Exceptions far from each other."""
    return hits(sessions, *(2 * number for number in range(exceptions)))


# Jorion, Value at Risk, 3rd edition, table 6.2 (Kupiec, 1995): exceptions N for which a model is not rejected
# at 5 %, the test's statistic being below 3.84.
@pytest.mark.parametrize(
    ("level", "sessions", "least", "most"),
    [
        (0.99, 255, 0, 7),
        (0.99, 510, 1, 11),
        (0.99, 1000, 4, 17),
        (0.95, 255, 6, 21),
        (0.95, 510, 16, 36),
        (0.95, 1000, 37, 65),
        (0.90, 255, 16, 36),
    ],
)
def test_kupiec_s_regions_of_no_rejection(level: float, sessions: int, least: int, most: int) -> None:
    # Jorion's regions are open intervals: N < 7, 1 < N < 11 and so on. The first does not speak of N = 0.
    critical = stats.chi2.ppf(0.95, 1)
    kept = [n for n in range(1, sessions // 3) if backtest(spread(sessions, n), level).coverage < critical]
    open_region = [n for n in range(1, sessions // 3) if least < n < most]
    assert kept == open_region


def log_likelihood(found: Bools, level: float) -> float:
    return float(stats.bernoulli.logpmf(found.astype(int), 1 - level).sum())


@pytest.mark.parametrize("level", [0.95, 0.99])
@pytest.mark.parametrize("seed", range(6))
def test_statistics_are_likelihood_ratios_of_scipy_s(level: float, seed: int) -> None:
    found = np.random.default_rng(seed).random(250) < 0.04
    test, rate = backtest(found, level), found.mean()
    ratio = 2 * (log_likelihood(found, 1 - rate) - log_likelihood(found, level))
    assert test.coverage == pytest.approx(ratio, rel=1e-10)
    assert test.coverage_p == pytest.approx(stats.chi2.sf(ratio, 1), rel=1e-9)
    chain = markov(found)
    assert test.independence == pytest.approx(chain, rel=1e-6, abs=1e-8)
    assert test.independence_p == pytest.approx(stats.chi2.sf(chain, 1), rel=1e-5)
    assert test.joint_p == pytest.approx(stats.chi2.sf(ratio + chain, 2), rel=1e-5)
    assert (test.sessions, test.exceptions) == (250, found.sum())


def markov(found: Bools) -> float:
    """Twice the difference of the maximised likelihoods of a chain and of independent draws."""
    before, after = found[:-1], found[1:].astype(int)

    def best(outcomes: np.ndarray) -> float:
        def loss(rate: float) -> float:
            return -float(stats.bernoulli.logpmf(outcomes, rate).sum())

        edge = min(loss(0.0) if not outcomes.any() else math.inf, loss(1.0) if outcomes.all() else math.inf)
        inner = optimize.minimize_scalar(
            loss, bounds=(1e-9, 1 - 1e-9), method="bounded", options={"xatol": 1e-12}
        )
        return -min(float(inner.fun), edge)

    return 2 * (best(after[before]) + best(after[~before]) - best(after))


def test_runs_of_exceptions_are_rejected_though_their_number_is_right() -> None:
    apart, run = spread(250, 12), hits(250, *range(100, 112))
    assert backtest(apart, 0.95).coverage == backtest(run, 0.95).coverage
    assert backtest(run, 0.95).independence_p < 1e-6 < backtest(apart, 0.95).independence_p


def test_without_exceptions_independence_cannot_be_told() -> None:
    test = backtest(hits(250), 0.99)
    # Kupiec: -2 ln 0.99^250.
    assert test.coverage == pytest.approx(-500 * math.log(0.99), rel=1e-12)
    assert math.isnan(test.independence)
    assert math.isnan(test.joint_p)
    assert test.zone == "green"


# Basel Committee on Banking Supervision, Supervisory framework for the use of backtesting (1996), table 2.
@pytest.mark.parametrize(
    ("exceptions", "colour"),
    [*((n, "green") for n in range(5)), *((n, "yellow") for n in range(5, 10)), (10, "red"), (25, "red")],
)
def test_zones_of_the_basel_committee(exceptions: int, colour: str) -> None:
    assert zone(250, exceptions, 0.99) == colour


def test_zones_at_other_sizes_are_those_of_the_binomial_distribution() -> None:
    for sessions, level in ((100, 0.99), (250, 0.95), (63, 0.95)):
        for exceptions in range(30):
            share = stats.binom.cdf(exceptions, sessions, 1 - level)
            expected = "red" if share >= 0.9999 else "yellow" if share >= 0.95 else "green"
            assert zone(sessions, exceptions, level) == expected


def test_no_exception_is_green_over_few_sessions_too() -> None:
    assert stats.binom.cdf(0, 1, 0.05) >= 0.95
    assert zone(1, 0, 0.95) == zone(5, 0, 0.99) == "green"
    assert zone(1, 1, 0.95) == "red"


def test_counts_of_a_span_are_those_of_its_sessions_alone() -> None:
    found = np.random.default_rng(1).random(90) < 0.3
    rolling = rolling_counts(found, 40)
    for stop, counts in enumerate(rolling, start=1):
        span = found[max(stop - 40, 0) : stop]
        pairs = list(pairwise(span))
        assert (counts.sessions, counts.exceptions) == (span.size, span.sum())
        assert counts.followed == sum(bool(a and b) for a, b in pairs)
        assert counts.alone == sum(bool(a and not b) for a, b in pairs)
        assert counts.first == sum(bool(b and not a) for a, b in pairs)
