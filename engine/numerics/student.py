"""Two-sided tail of Student's t distribution for whole degrees of freedom."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.numerics.arrays import Floats, Int32s, Ints
from engine.numerics.blas import COLUMN_GROUP, round_up

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
    df_all = np.broadcast_to(np.asarray(df), size.shape)
    hypotenuse = df_all + size * size
    with np.errstate(divide="ignore", invalid="ignore"):
        return tail_of_angle(size / np.sqrt(hypotenuse), df_all / hypotenuse, df_all)


def tail_of_angle(sine: Floats, cosine2: Floats, df: Int32s | Ints) -> Floats:
    """`two_sided_tail` where sin theta and cos^2 theta are known.

    sine, cosine2: float64 of one shape; df: whole numbers broadcast against them. In a regression with
    one regressor sin theta is the absolute correlation and cos^2 theta is 1 - R^2.
    """
    tail = np.full(sine.shape, np.nan)
    for value in np.unique(df).tolist():
        if value < 1:
            continue
        if df.size == 1 or (df == value).all():
            return _tail(sine.ravel(), cosine2.ravel(), value).reshape(sine.shape)
        where = np.broadcast_to(df == value, sine.shape)
        tail[where] = _tail(sine[where], cosine2[where], value)
    return tail


def _tail(sine: Floats, cosine2: Floats, df: int) -> Floats:
    tail = np.empty_like(sine)
    for start in range(0, sine.size, CHUNK):
        part = slice(start, start + CHUNK)
        body = _even_body if df % 2 == 0 else _odd_body
        np.subtract(1.0, body(sine[part], cosine2[part], df), out=tail[part])
    return np.clip(tail, 0.0, 1.0, out=tail)


def _even_body(sine: Floats, cosine2: Floats, df: int) -> Floats:
    """A = sin (1 + 1/2 cos^2 + 1*3/(2*4) cos^4 + ... up to cos^(df-2)); 26.7.4."""
    return sine * _polynomial(cosine2, df)


def _odd_body(sine: Floats, cosine2: Floats, df: int) -> Floats:
    """A = 2/pi (theta + sin cos (1 + 2/3 cos^2 + 2*4/(3*5) cos^4 + ... up to cos^(df-3))); 26.7.3."""
    cosine = np.sqrt(cosine2)
    theta = np.arctan2(sine, cosine)
    if df > 1:
        theta += sine * cosine * _polynomial(cosine2, df)
    return theta * (2.0 / np.pi)


def _polynomial(x: Floats, df: int) -> Floats:
    """Sum of a_k x^k by Paterson and Stockmeyer: rows of coefficients times low powers, then Horner."""
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
    odd = df % 2
    k = np.arange(1, df // 2)
    series = np.cumprod(np.concatenate(([1.0], (2 * k - 1 + odd) / (2 * k + odd))))
    width = int(np.ceil(np.sqrt(series.size)))
    rows = np.zeros((-(-series.size // width), width))
    rows.ravel()[: series.size] = series
    return rows
