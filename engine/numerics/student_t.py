"""Two-sided tail of Student's t distribution for whole degrees of freedom."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.numerics.arrays import Floats, Int32s, Ints
from engine.numerics.padded_products import COLUMN_GROUP, round_up

LARGEST_T = 1e100
"""Stands for larger |t|, infinite ones too: its square does not overflow, its tail is 0 to 1e-99."""

CHUNK = 8192
"""Numbers evaluated at a time: their powers stay in the cache."""


def two_sided_tail(t: Floats, df: int | Int32s | Ints) -> Floats:
    """P(|T| >= |t|) of Student's t with df degrees of freedom, to 1e-12 absolute.

    t: float64 of any shape; df: whole, >= 1, broadcast against t. With theta = atan(|t| / sqrt(df)) the
    tail is 1 - A, A a finite series in cos^2 theta (Abramowitz and Stegun 26.7.3 and 26.7.4). NaN where
    t is NaN or df < 1.
    """
    size = np.minimum(np.abs(np.asarray(t, dtype=np.float64)), LARGEST_T)
    degrees = np.asarray(df)
    hypotenuse = degrees + size * size
    with np.errstate(divide="ignore", invalid="ignore"):
        return tail_of_angle(size / np.sqrt(hypotenuse), degrees / hypotenuse, degrees)


def tail_of_angle(sine: Floats, cosine2: Floats, df: Int32s | Ints) -> Floats:
    """`two_sided_tail` where sin theta and cos^2 theta are known.

    sine, cosine2: float64 of one shape; df: whole numbers broadcast against them. In a regression with
    one regressor sin theta is the absolute correlation and cos^2 theta is 1 - R^2.
    """
    # By what is asked, never by what the numbers are: a figure must not depend on those beside it.
    if df.ndim == 0:
        return _tail(sine.ravel(), cosine2.ravel(), int(df)).reshape(sine.shape)
    own: Ints = np.broadcast_to(df, sine.shape).ravel().astype(np.int64)
    return _tails(sine.ravel(), cosine2.ravel(), own).reshape(sine.shape)


def _tail(sine: Floats, cosine2: Floats, df: int) -> Floats:
    """Tails [n] with the same degrees of freedom."""
    tail = np.full(sine.shape, np.nan)
    if df >= 1:
        for start in range(0, sine.size, CHUNK):
            part = slice(start, start + CHUNK)
            tail[part] = _tail_of(sine[part], cosine2[part], df % 2, _polynomial(cosine2[part], df))
    return tail


def _tails(sine: Floats, cosine2: Floats, df: Ints) -> Floats:
    """Tails [n] with degrees of freedom of their own."""
    tail = np.full(sine.shape, np.nan)
    for odd in (0, 1):
        mine = np.flatnonzero((df >= 1) & (df % 2 == odd))
        mine = mine[np.argsort(-df[mine], kind="stable")]
        for start in range(0, mine.size, CHUNK):
            part = mine[start : start + CHUNK]
            x = cosine2[part]
            tail[part] = _tail_of(sine[part], x, odd, _polynomials(x, df[part], odd))
    return tail


def _tail_of(sine: Floats, cosine2: Floats, odd: int, polynomial: Floats) -> Floats:
    """1 - A, from its finite series.

    Even: A = sin (1 + 1/2 cos^2 + 1*3/(2*4) cos^4 + ... up to cos^(df-2)); 26.7.4.
    Odd: A = 2/pi (theta + sin cos (1 + 2/3 cos^2 + 2*4/(3*5) cos^4 + ... up to cos^(df-3))); 26.7.3.
    """
    if odd:
        cosine = np.sqrt(cosine2)
        body = (np.arctan2(sine, cosine) + sine * cosine * polynomial) * (2.0 / np.pi)
    else:
        body = sine * polynomial
    return np.clip(1.0 - body, 0.0, 1.0)


def _polynomials(x: Floats, df: Ints, odd: int) -> Floats:
    """Each number's own sum of a_k x^k by Horner; df: even or odd, descending.

    A step is taken by those alone whose series reaches so far, the first ones.
    """
    terms = df // 2
    series = _series(int(terms[0]), odd).tolist()
    reached = np.searchsorted(-terms, -np.arange(len(series)), side="left").tolist()
    total = np.zeros_like(x)
    for k in range(len(series) - 1, -1, -1):
        part = total[: reached[k]]
        part *= x[: reached[k]]
        part += series[k]
    return total


def _polynomial(x: Floats, df: int) -> Floats:
    """Sum of a_k x^k by Paterson and Stockmeyer: rows of coefficients times low powers, then Horner."""
    if df == 1:
        return np.zeros_like(x)
    rows = _coefficients(df)
    powers = np.zeros((rows.shape[1] + 1, round_up(x.size, COLUMN_GROUP)))
    powers[0] = 1.0
    powers[1, : x.size] = x
    for k in range(2, len(powers)):
        np.multiply(powers[k - 1], powers[1], out=powers[k])
    parts = rows @ powers[:-1]
    total: Floats = parts[-1]
    for part in parts[-2::-1]:
        total *= powers[-1]
        total += part
    return total[: x.size]


@lru_cache(maxsize=1024)
def _coefficients(df: int) -> Floats:
    """The series' coefficients, in rows of about the square root of their number, zero-padded."""
    series = _series(df // 2, df % 2)
    width = int(np.ceil(np.sqrt(series.size)))
    rows = np.zeros((-(-series.size // width), width))
    rows.ravel()[: series.size] = series
    return rows


def _series(terms: int, odd: int) -> Floats:
    """The first coefficients of the even, or of the odd, series."""
    k = np.arange(1.0, terms)
    return np.cumprod(np.concatenate((np.ones(min(terms, 1)), (2 * k - 1 + odd) / (2 * k + odd))))
