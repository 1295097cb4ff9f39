"""Betas to several factors at once: of each symbol on each track, looked up by every lot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from engine.analytics.factors.alignment import Chained, Tracks, chain, count_in, join, tracks, within
from engine.analytics.positions.lots import Lots
from engine.analytics.price_panel import Panel
from engine.core.job_catalog import Job
from engine.core.rules import Alignment
from engine.numerics.arrays import Bools, Floats, Ints

CAP = 5.0


@dataclass(frozen=True)
class Model:
    """Factors made of funds, and how symbols are regressed on them.

    job: of its look-back and its minimum of common sessions. factors: K names. funds: M symbols.
    factor_returns: fund returns [T, M] -> factor returns [T, K].
    fit: (x [R, k], y [R, m], first [D], stop [D]) -> coefficients [D, k, m], NaN where undefined.
    """

    job: Job
    factors: tuple[str, ...]
    funds: tuple[str, ...]
    factor_returns: Callable[[Floats], Floats]
    fit: Callable[[Floats, Floats, Ints, Ints], Floats]


@dataclass(frozen=True)
class FactorFrame:
    """The factors' returns, over the sessions that all funds with any price have.

    sessions: [D'] of the window, those whose look-back has prices of the same funds.
    present: [K] the factors that have returns. chained: their returns [T, K'].
    """

    sessions: Ints
    present: Bools
    chained: Chained


@dataclass(frozen=True)
class FundCoverage:
    """What a look-back holds of the funds: whether any return; whether any of every fund."""

    any_return: Bools
    every_fund: Bools


def factor_frames(panel: Panel, model: Model) -> tuple[list[FactorFrame], FundCoverage]:
    """The factor frames of all sessions; usually one."""
    close = np.full((len(panel.days), len(model.funds)), np.nan)
    for number, fund in enumerate(model.funds):
        if fund in panel.index:
            close[:, number] = panel.close[:, panel.index[fund]]
    first, stop = panel.bounds(model.job.look_back)
    there = count_in(np.isfinite(close), first, stop) > 0
    frames, any_return = [], np.zeros(len(first), dtype=np.bool_)
    for funds in np.unique(there[there.any(axis=1)], axis=0):
        sessions = np.flatnonzero((there == funds).all(axis=1))
        chained = chain(close, np.isfinite(close[:, funds]).all(axis=1))
        rows = np.flatnonzero(chained.previous >= 0)
        start, end = within(rows, chained.previous[rows], first[sessions], stop[sessions])
        any_return[sessions] = end > start
        present = np.isfinite(model.factor_returns(np.where(funds, 0.0, np.nan)[None])[0])
        returns = model.factor_returns(chained.returns)[:, present]
        frames.append(FactorFrame(sessions, present, Chained(returns, chained.previous)))
    return frames, FundCoverage(any_return, np.asarray(there.all(axis=1)))


def style_betas(
    panel: Panel, lots: Lots, model: Model, frames: list[FactorFrame], alignment: Alignment
) -> Floats:
    """Each lot's betas [D, K, N], capped to [-5, 5], NaN where there is none.

    The regressions of a symbol take the common sessions of the factors' and the track's returns,
    at least `model.job.minimum` of them; the track is that of the lot's portfolio, or with `alignment`
    "symbol" the symbol's own. A symbol without a price in the look-back has no beta.
    """
    columns = panel.columns(lots.frame["symbol"])
    known, symbol = np.unique(columns[columns >= 0], return_inverse=True)
    close, lot = panel.close[:, known], np.flatnonzero(columns >= 0)
    present = np.isfinite(close)
    owner = lots.frame["portfolio"].to_numpy()[lot].astype(np.int64) if alignment == "portfolio" else symbol
    holds = np.zeros((owner.max(initial=-1) + 1, known.size), dtype=np.bool_)
    holds[owner, symbol] = True
    first, stop = panel.bounds(model.job.look_back)
    aligned = tracks(present, holds, first, stop)
    priced = count_in(present, first, stop) > 0
    betas = np.full((len(first), len(model.factors), len(columns)), np.nan)
    for part in _parts(aligned, holds):
        chained = chain(close[:, part.symbols], aligned.rows[part.track])
        fitted = _fit(model, frames, chained, part.sessions, (first, stop))
        fitted = np.where(priced[part.sessions, None][:, :, part.symbols], fitted, np.nan)
        _hand_out(betas, part, aligned, fitted, lot, owner, symbol)
    return np.clip(betas, -CAP, CAP, out=betas)


@dataclass(frozen=True)
class _Part:
    """What is computed on a track: a run of sessions, and the symbols of those who follow it."""

    track: int
    sessions: slice
    classes: Bools
    symbols: Ints


def _parts(aligned: Tracks, holds: Bools) -> Iterator[_Part]:
    for track in range(len(aligned.rows)):
        follows = aligned.followed == track
        sessions, classes = np.flatnonzero(follows.any(axis=1)), follows.any(axis=0)
        symbols = np.flatnonzero(holds[classes].any(axis=0))
        if sessions.size and symbols.size:
            yield _Part(track, slice(int(sessions[0]), int(sessions[-1]) + 1), classes, symbols)


def _fit(
    model: Model,
    frames: list[FactorFrame],
    y: Chained,
    sessions: slice,
    bounds: tuple[Ints, Ints],
) -> Floats:
    """Coefficients [D', K, m] of a run of sessions, NaN where there are too few common sessions."""
    fitted = np.full((sessions.stop - sessions.start, len(model.factors), y.returns.shape[1]), np.nan)
    for frame in frames:
        inside = frame.sessions[(frame.sessions >= sessions.start) & (frame.sessions < sessions.stop)]
        rows, previous = join(frame.chained, y)
        start, end = within(rows, previous, bounds[0][inside], bounds[1][inside])
        enough = end - start >= model.job.minimum
        if not enough.any() or not frame.present.any():
            continue
        x, values = frame.chained.returns[rows], y.returns[rows]
        values = np.where(np.isfinite(values), values, 0.0)
        found = model.fit(x, values, start[enough], end[enough])
        fitted[np.ix_(inside[enough] - sessions.start, np.flatnonzero(frame.present))] = found
    return fitted


def _hand_out(
    betas: Floats,
    part: _Part,
    aligned: Tracks,
    fitted: Floats,
    lot: Ints,
    owner: Ints,
    symbol: Ints,
) -> None:
    """Give the lots on the track their symbols' betas, in the sessions in which they follow it."""
    mine = np.flatnonzero(part.classes[owner])
    at = np.searchsorted(part.symbols, symbol[mine])
    follows = aligned.followed[part.sessions][:, owner[mine]] == part.track
    cells = betas[part.sessions, :, lot[mine]]
    np.copyto(cells, fitted[:, :, at], where=follows[:, None])
    betas[part.sessions, :, lot[mine]] = cells
