"""Tests of value-at-risk forecasts from their exceptions: Kupiec, Christoffersen, and the traffic light.

An exception is a session whose loss exceeds the forecast; with level a it should have probability 1 - a, and
exceptions should not come in runs. All statistics are likelihood ratios.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from engine.numerics.arrays import Bools, Ints

YELLOW, RED = 0.95, 0.9999
"""Probability of up to this many exceptions, from which a zone begins (Basel Committee, 1996)."""


class Backtest(NamedTuple):
    """Tests of n consecutive forecasts.

    Attributes:
        sessions: n.
        exceptions: sessions whose loss exceeded the forecast.
        coverage: Kupiec's likelihood ratio of the number of exceptions, chi-square with 1 degree of freedom.
        coverage_p: its p-value.
        independence: Christoffersen's ratio of exceptions that follow exceptions; NaN where no exception
            has a successor: nothing can be told.
        independence_p: its p-value, of 1 degree of freedom.
        joint_p: p-value of the sum of both, of 2 degrees of freedom.
        zone: green, yellow or red.
    """

    sessions: int
    exceptions: int
    coverage: float
    coverage_p: float
    independence: float
    independence_p: float
    joint_p: float
    zone: str


class Counts(NamedTuple):
    """Counts of consecutive sessions that a backtest is computed from.

    Attributes:
        sessions: n.
        exceptions: among them.
        followed, alone: sessions after an exception with and without another one.
        first: exceptions after a session without one.
    """

    sessions: int
    exceptions: int
    followed: int
    alone: int
    first: int


def rolling_counts(exceeded: Bools, span: int) -> list[Counts]:
    """Return the counts of the last `span` sessions up to each session, or of all where there are fewer.

    Args:
        exceeded: [n] whether each session has an exception, oldest first.
        span: sessions.
    """
    before, after = np.concatenate(([False], exceeded[:-1])), exceeded
    follows = np.arange(exceeded.size) > 0
    flags = np.stack((exceeded, before & after, before & ~after & follows, ~before & after & follows))
    running = np.pad(np.cumsum(flags, axis=1), ((0, 0), (1, 0)))
    stop = np.arange(1, exceeded.size + 1)
    start = np.maximum(stop - span, 0)
    # The first session of a span is the successor of none in it.
    starts = np.stack((start, *[np.minimum(start + 1, stop)] * 3))
    sums: Ints = running[:, stop] - np.take_along_axis(running, starts, axis=1)
    return [Counts(*row) for row in np.vstack((stop - start, sums)).T.tolist()]


@cache
def backtest(counts: Counts, level: float) -> Backtest:
    """Test the exceptions of consecutive forecasts.

        coverage = 2 ln[(1 - x/n)^(n-x) (x/n)^x] - 2 ln[a^(n-x) (1-a)^x]
        independence = 2 ln L(p01, p11) - 2 ln L(p, p),  p = (n01 + n11) / (n - 1)

    n_ij count the sessions in state j (1: exception) after state i, p_ij = n_ij / (n_i0 + n_i1) and
    L(p, q) = (1-p)^n00 p^n01 (1-q)^n10 q^n11. Sources: Kupiec (1995), Christoffersen (1998).

    Args:
        counts: of the sessions, at least one.
        level: of the forecasts, such as 0.99.

    Returns:
        The statistics, their p-values and the zone.
    """
    n, x = counts.sessions, counts.exceptions
    coverage = max(2.0 * (_likelihood(n - x, x, x / n) - _likelihood(n - x, x, 1.0 - level)), 0.0)
    n01, n11, n10 = counts.first, counts.followed, counts.alone
    n00 = n - 1 - n01 - n11 - n10
    independence = float("nan")
    if n10 + n11 and n00 + n01:
        share = (n01 + n11) / (n - 1)
        chained = _likelihood(n00, n01, n01 / (n00 + n01)) + _likelihood(n10, n11, n11 / (n10 + n11))
        independence = max(2.0 * (chained - _likelihood(n00 + n10, n01 + n11, share)), 0.0)
    return Backtest(
        sessions=n,
        exceptions=x,
        coverage=coverage,
        coverage_p=math.erfc(math.sqrt(coverage / 2.0)),
        independence=independence,
        independence_p=math.erfc(math.sqrt(independence / 2.0)),
        joint_p=math.exp(-(coverage + independence) / 2.0),
        zone=zone(n, x, level),
    )


def zone(sessions: int, exceptions: int, level: float) -> str:
    """Return the zone of the Basel traffic light: green, yellow or red.

    Yellow begins where the probability of that many exceptions or fewer is 95 %, red where it is 99.99 %, if
    each session has one with probability 1 - level. Of 250 sessions at 99 %: from 5 and from 10. Without an
    exception the zone is green: over few sessions even none has a probability of 95 %.

    Args:
        sessions: n.
        exceptions: among them.
        level: of the forecasts.
    """
    if not exceptions:
        return "green"
    rate = 1.0 - level
    fewer = sum(math.comb(sessions, k) * rate**k * level ** (sessions - k) for k in range(exceptions + 1))
    return "red" if fewer >= RED else "yellow" if fewer >= YELLOW else "green"


def _likelihood(misses: int, hits: int, rate: float) -> float:
    """Return the logarithm of (1 - rate)^misses rate^hits, with 0^0 = 1."""
    missed = misses * math.log1p(-rate) if misses else 0.0
    return missed + (hits * math.log(rate) if hits else 0.0)
