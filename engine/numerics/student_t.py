"""Two-sided tail probability of Student's t distribution for whole degrees of freedom.

`scipy.special.stdtr` gives the same tails, to 1e-12. It is not used because it takes 3 to 9 times as long a
number, and because importing it and NumPy takes three times as long as importing NumPy alone: see
`python -m tests.benchmarks.student_tails`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from engine.numerics.arrays import Floats, Int32s, Ints

LARGEST_T = 1e100
"""Stands for every larger |t|, infinity included: its square does not overflow, its tail is 0 to 1e-99."""

CHUNK = 16384
"""Numbers evaluated at a time, so that they stay in the processor's cache."""


def two_sided_tail(t: Floats, df: int | Int32s | Ints) -> Floats:
    """Return P(|T| >= |t|) of Student's t with df degrees of freedom, to 1e-12 absolute.

    Args:
        t: values of any shape.
        df: whole degrees of freedom, broadcast against t.

    Returns:
        Probabilities in the shape of t; NaN where t is NaN or df < 1.
    """
    size = np.minimum(np.abs(np.asarray(t, dtype=np.float64)), LARGEST_T)
    degrees = np.asarray(df)
    hypotenuse = degrees + size * size
    with np.errstate(divide="ignore", invalid="ignore"):
        return tail_of_angle(size / np.sqrt(hypotenuse), degrees / hypotenuse, degrees)


def tail_of_angle(sine: Floats, cosine2: Floats, df: Int32s | Ints) -> Floats:
    """Return the tail where sin theta and cos^2 theta are known, theta = atan(|t| / sqrt(df)).

        even df: 1 - sin (1 + 1/2 cos^2 + 1*3/(2*4) cos^4 + ... up to cos^(df-2))
        odd df:  1 - 2/pi (theta + sin cos (1 + 2/3 cos^2 + 2*4/(3*5) cos^4 + ... up to cos^(df-3)))

    In a regression with one regressor sin theta is the absolute correlation and cos^2 theta is 1 - R^2,
    so that t itself need not be computed. Source: Abramowitz and Stegun 26.7.3 and 26.7.4.

    Args:
        sine: sin theta, any shape.
        cosine2: cos^2 theta, the same shape.
        df: whole degrees of freedom, broadcast against them.

    Returns:
        Probabilities in the shape of sine; NaN where a value is NaN or df < 1.
    """
    tail = np.full(sine.size, np.nan)
    flat_sine, flat_cosine2 = sine.ravel(), cosine2.ravel()
    for part, counts, odd in _parts(df, sine.shape):
        tail[part] = _tails(flat_sine[part], flat_cosine2[part], counts, odd)
    return tail.reshape(sine.shape)


def _parts(df: Int32s | Ints, shape: tuple[int, ...]) -> Iterator[tuple[slice | Ints, list[int], int]]:
    """Yield indices of numbers, how many of them have a k-th term for k = 0, 1, ..., and df % 2."""
    if df.ndim == 0:
        # Slices need no copies: correlations ask for millions of tails with one df.
        size = math.prod(shape) if df >= 1 else 0
        for start in range(0, size, CHUNK):
            yield slice(start, start + CHUNK), [CHUNK] * int(df // 2), int(df % 2)
        return
    degrees: Ints = np.broadcast_to(df, shape).ravel().astype(np.int64)
    for odd in (0, 1):
        order = np.flatnonzero((degrees >= 1) & (degrees % 2 == odd))
        order = order[np.argsort(-degrees[order], kind="stable")]
        for start in range(0, order.size, CHUNK):
            part = order[start : start + CHUNK]
            terms = degrees[part] // 2
            yield part, np.searchsorted(-terms, -np.arange(terms[0]), side="left").tolist(), odd


def _tails(sine: Floats, cosine2: Floats, counts: list[int], odd: int) -> Floats:
    """Return the tails [n] by Horner's scheme; only the first counts[k] numbers have a k-th term."""
    k = np.arange(1, len(counts))
    coefficients = np.cumprod(np.append(1.0, (2 * k - 1 + odd) / (2 * k + odd)))[: len(counts)]
    total = np.zeros_like(cosine2)
    for coefficient, count in zip(coefficients[::-1].tolist(), counts[::-1], strict=True):
        part = total[:count]
        part *= cosine2[:count]
        part += coefficient
    if odd:
        cosine = np.sqrt(cosine2)
        body = (np.arctan2(sine, cosine) + sine * cosine * total) * (2.0 / np.pi)
    else:
        body = sine * total
    return np.clip(1.0 - body, 0.0, 1.0)
