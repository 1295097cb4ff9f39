"""Simple returns of pairs of series over the rows that both have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.numerics.arrays import Bools, Floats, Int32s, Ints


@dataclass(frozen=True, slots=True)
class PairReturns:
    """Returns of S series against one other, each pair over its own aligned rows.

    y, x: float64 [T,S], simple returns since the row `previous`, NaN where there is none.
    previous: int32 [T,S], the pair's previous aligned row; -1 where the row has no return.
    base_x: float64 [T], base_previous: int32 [T]: the same of the other series over its own rows, which
    are the rows of every pair without gaps.
    x may be a read-only view.
    """

    y: Floats
    x: Floats
    previous: Int32s
    base_x: Floats
    base_previous: Int32s

    def columns(self, chosen: Ints) -> PairReturns:
        """The chosen pairs only, in that order."""
        return PairReturns(
            self.y[:, chosen], self.x[:, chosen], self.previous[:, chosen], self.base_x, self.base_previous
        )


def aligned_returns(y_close: Floats, x_close: Floats) -> PairReturns:
    """Returns close_t / close_p - 1 over the rows where both closes are finite.

    y_close: [T,S]; x_close: [T]. p is the pair's previous aligned row, so that a return may span rows in
    which one of the two is missing. The first aligned row of a pair has no return.
    """
    base = np.isfinite(x_close)
    aligned = np.isfinite(y_close) & base[:, None]
    base_previous = _previous(base[:, None])[:, 0]
    rows = np.flatnonzero(base_previous >= 0)
    y: Floats = np.full(y_close.shape, np.nan)
    base_x: Floats = np.full(x_close.shape, np.nan)
    y[rows] = _simple(y_close[rows], y_close[base_previous[rows]])
    base_x[rows] = _simple(x_close[rows], x_close[base_previous[rows]])
    complete = PairReturns(
        y=y,
        x=np.broadcast_to(base_x[:, None], y.shape),
        previous=np.repeat(base_previous[:, None], y.shape[1], axis=1),
        base_x=base_x,
        base_previous=base_previous,
    )
    gappy = np.flatnonzero((aligned != base[:, None]).any(axis=0))
    return _with_gaps(complete, y_close, x_close, aligned, gappy) if gappy.size else complete


def _with_gaps(
    returns: PairReturns, y_close: Floats, x_close: Floats, aligned: Bools, columns: Ints
) -> PairReturns:
    """Redo the columns that have gaps."""
    previous = _previous(aligned[:, columns])
    start = np.maximum(previous, 0)
    y_gappy = y_close[:, columns]
    y, x, all_previous = returns.y, returns.x.copy(), returns.previous
    y_part = _simple(y_gappy, np.take_along_axis(y_gappy, start, axis=0))
    y[:, columns] = np.where(previous >= 0, y_part, np.nan)
    x[:, columns] = np.where(previous >= 0, _simple(x_close[:, None], x_close[start]), np.nan)
    all_previous[:, columns] = previous
    return PairReturns(y, x, all_previous, returns.base_x, returns.base_previous)


def _previous(aligned: Bools) -> Int32s:
    """The aligned row before each aligned row of [T,c]; -1 if there is none or the row isn't aligned."""
    rows = np.where(aligned, np.arange(len(aligned), dtype=np.int32)[:, None], np.int32(-1))
    previous = np.full_like(rows, -1)
    latest = np.maximum.accumulate(rows, axis=0)[:-1]
    previous[1:] = np.where(aligned[1:], latest, np.int32(-1))
    return previous


def _simple(close: Floats, before: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(close / before - 1.0)
