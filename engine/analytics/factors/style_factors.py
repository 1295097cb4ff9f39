"""Common part of the spread and the ridge factors: betas of positions to several funds, and of portfolios."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl

from engine.analytics.factors.alignment import (
    ChainedReturns,
    SessionSets,
    aligned_sessions,
    chained_returns,
    common_rows,
    common_samples,
    window_slices,
)
from engine.analytics.factors.joint import JointBetas, fresh
from engine.analytics.job_result import JobResult, exposure_rows, job_status
from engine.analytics.panels import (
    CLASSLESS_STOCK,
    STOCK,
    OpenPositions,
    Portfolios,
    PortfolioSums,
    PricePanel,
)
from engine.core.job_catalog import NO_ACTIVE_DEFINITION, NO_PUBLIC_POSITIONS, AnalyticsJob, Reason
from engine.core.rules import Alignment, StaleFigures
from engine.numerics.arrays import Bools, Floats, Ints, count_in_windows

CAP = 5.0
"""Largest size of a position's beta."""
QUALITY = "full_history"
"""The only flag: a fit on fewer sessions is not made (document 02 §4.4)."""


class FactorModel(NamedTuple):
    """Factors made of funds, and how symbols are regressed on them.

    Attributes:
        job: of its look-back and its minimum of common sessions.
        factors: K names.
        funds: M symbols.
        factor_returns: fund returns [T, M] -> factor returns [T, K].
        fit: (x [R, k], y [R, m], first [D], stop [D]) -> coefficients [D, k, m], NaN where undefined.
        missing: from what prices there are of the funds, what ends the job for a whole session: [D] by
            reason.
        no_betas: the reason of a portfolio of which no position has a beta.
    """

    job: AnalyticsJob
    factors: tuple[str, ...]
    funds: tuple[str, ...]
    factor_returns: Callable[[Floats], Floats]
    fit: Callable[[Floats, Floats, Ints, Ints], Floats]
    missing: Callable[[FundCoverage], Mapping[Reason, Bools]]
    no_betas: Reason


class FundCoverage(NamedTuple):
    """The funds' prices in the look-back of each session.

    Attributes:
        any_return: [D] whether the funds with any price have a common return.
        every_fund: [D] whether every fund has a price.
    """

    any_return: Bools
    every_fund: Bools


class FactorReturns(NamedTuple):
    """Returns of the factors over the sessions that all funds with any price have.

    Attributes:
        sessions: [d] of the window: those whose look-back has prices of the same funds.
        present: [K] the factors that have returns.
        chained: returns [T, k] of these.
    """

    sessions: Ints
    present: Bools
    chained: ChainedReturns


def style_factors(
    panel: PricePanel,
    positions: OpenPositions,
    portfolios: Portfolios,
    dates: pl.Series,
    factor_ids: Mapping[str, str],
    alignment: Alignment,
    model: FactorModel,
    stale: StaleFigures,
    joint: JointBetas | None = None,
) -> JobResult:
    """Compute betas of the open PUBLIC positions of type LONG and SHORT, soft-deleted ones too.

        beta_pf = sum_i beta_if (V_i / E)

    over the positions i that have a beta to factor f, `position_betas`; V_i are their signed values and E
    the equity, both in USD as stored. Source: document 02 §4.4 and §4.5.

    Args:
        panel: closes of T sessions.
        positions: N of them; values [N, D].
        portfolios: P of them; equity [P, D].
        dates: [D] the window's sessions.
        factor_ids: by name, of the active definitions. Other factors have no rows; the job succeeds if one
            has.
        alignment: see `engine.core.rules.Rules`.
        model: the factors and the regression.
        stale: see `engine.core.rules.Rules`.
        joint: betas of the joint model, which stand for the regression's.

    Returns:
        position_factor_exposures, factor_exposures.
    """
    classless = positions.where(CLASSLESS_STOCK)
    positions = positions.where(STOCK)
    sums = PortfolioSums(positions.owner, len(portfolios.ids))
    factors, coverage = factor_returns(panel, model)
    betas = (
        _separate(panel, positions, model, factors, alignment, stale)
        if joint is None
        else joint.styles(positions)
    )
    fitted = ~np.isnan(betas) & positions.valued[:, None]
    ids = [factor_ids.get(factor) for factor in model.factors]
    missing: dict[Reason, Bools | bool] = {
        reason: holds[:, None] for reason, holds in model.missing(coverage).items()
    }
    status = job_status(
        model.job,
        sums,
        portfolios,
        positions,
        np.asarray(fitted.any(axis=1)),
        no_positions=NO_PUBLIC_POSITIONS,
        no_betas=model.no_betas,
        further={**missing, NO_ACTIVE_DEFINITION: not any(ids)},
        classless=classless,
    )
    written = fitted & status.done[:, None, sums.owner]
    # Without positive equity the job fails and nothing is written; NaN avoids a division by 0.
    equity = np.where(portfolios.equity > 0, portfolios.equity, np.nan)
    weight = (positions.value / equity[sums.owner]).T
    totals = sums.sum(np.where(written, betas * weight[:, None], 0.0))
    tables = {
        "position_factor_exposures": _position_rows(positions, dates, ids, betas, written),
        "factor_exposures": exposure_rows(portfolios, dates, ids, totals, sums.number(written) > 0),
    }
    return JobResult(tables, status.rows(portfolios, dates))


def _separate(
    panel: PricePanel,
    positions: OpenPositions,
    model: FactorModel,
    factors: list[FactorReturns],
    alignment: Alignment,
    stale: StaleFigures,
) -> Floats:
    """Return the betas of the model's own regression, without stale ones where these are refused."""
    if alignment == "common":
        betas = common_betas(panel, positions, model)
    elif alignment == "portfolio" and positions.held is not None:
        betas = held_betas(panel, positions, model)
    else:
        betas = position_betas(panel, positions, model, factors, alignment)
    if stale == "used":
        return betas
    quoted = fresh(panel, panel.closes_of(model.funds), *panel.bounds(model.job.look_back))
    return np.where(quoted[:, None, panel.columns(positions.frame["symbol"])], betas, np.nan)


def common_betas(panel: PricePanel, positions: OpenPositions, model: FactorModel) -> Floats:
    """Return each position's betas [D, K, N], capped to [-5, 5], from closes on common sessions.

    Returns are taken between the sessions on which the symbol and all funds with any close in the look-back
    have one, at least the job's minimum of them; each symbol has its own, `common_samples`.

    Args:
        panel: closes of T sessions.
        positions: N of them.
        model: the regression, its look-back and its minimum of common sessions.
    """
    columns = panel.columns(positions.frame["symbol"])
    distinct = np.unique(columns[columns >= 0])
    first, stop = panel.bounds(model.job.look_back)
    betas = np.full((len(first), len(model.factors), len(panel.symbols) + 1), np.nan)
    for sample in common_samples(panel.close[:, distinct], panel.closes_of(model.funds), first, stop):
        enough = sample.end - sample.start >= model.job.minimum
        present = _present(model, sample.funds)
        if not (enough.any() and present.any()):
            continue
        returns = np.full((len(sample.x), len(model.funds)), np.nan)
        returns[:, sample.funds] = sample.x
        x = model.factor_returns(returns)[:, present]
        fitted = model.fit(x, sample.y, sample.start[enough], sample.end[enough])
        fitted = np.where(sample.uses[enough, None], fitted, np.nan)
        at = np.ix_(sample.sessions[enough], np.flatnonzero(present), distinct[sample.symbols])
        betas[at] = np.where(np.isnan(fitted), betas[at], fitted)
    return np.clip(betas, -CAP, CAP, out=betas)[:, :, columns]


def _present(model: FactorModel, funds: Bools) -> Bools:
    """Return which factors [K] exist: their returns are finite when those of the funds with prices are."""
    return np.asarray(np.isfinite(model.factor_returns(np.where(funds, 0.0, np.nan)[None])[0]))


def factor_returns(panel: PricePanel, model: FactorModel) -> tuple[list[FactorReturns], FundCoverage]:
    """Return the factors' returns for each set of funds that have prices, usually one, and the coverage.

    Args:
        panel: closes of T sessions; a fund that it lacks has no price.
        model: its funds, and how factors are made of them.
    """
    close = panel.closes_of(model.funds)
    first, stop = panel.bounds(model.job.look_back)
    priced = count_in_windows(np.isfinite(close), first, stop) > 0
    parts, any_return = [], np.zeros(len(first), dtype=np.bool_)
    for funds in np.unique(priced[priced.any(axis=1)], axis=0):
        sessions = np.flatnonzero((priced == funds).all(axis=1))
        chained = chained_returns(close, np.asarray(np.isfinite(close[:, funds]).all(axis=1)))
        rows = np.flatnonzero(chained.previous >= 0)
        start, end = window_slices(rows, chained.previous[rows], first[sessions], stop[sessions])
        any_return[sessions] = end > start
        present = _present(model, funds)
        returns = model.factor_returns(chained.returns)[:, present]
        parts.append(FactorReturns(sessions, present, ChainedReturns(returns, chained.previous)))
    return parts, FundCoverage(any_return, np.asarray(priced.all(axis=1)))


def position_betas(
    panel: PricePanel,
    positions: OpenPositions,
    model: FactorModel,
    factors: list[FactorReturns],
    alignment: Alignment,
) -> Floats:
    """Return each position's betas [D, K, N], capped to [-5, 5], NaN where there is none.

    A symbol's regression takes the sessions in which both the factors and the symbol's group have returns,
    at least the job's minimum of them. The group is the position's portfolio, or with `alignment` "symbol"
    the symbol alone. A symbol without a price in the look-back has no beta.

    Args:
        panel: closes of T sessions.
        positions: N of them.
        model: the regression, its look-back and its minimum of common sessions.
        factors: of `factor_returns`.
        alignment: see `engine.core.rules.Rules`.
    """
    columns = panel.columns(positions.frame["symbol"])
    priced_columns, symbol = np.unique(columns[columns >= 0], return_inverse=True)
    close, position = panel.close[:, priced_columns], np.flatnonzero(columns >= 0)
    present = np.isfinite(close)
    group = positions.owner[position] if alignment == "portfolio" else symbol
    holds = np.zeros((group.max(initial=-1) + 1, priced_columns.size), dtype=np.bool_)
    holds[group, symbol] = True
    first, stop = panel.bounds(model.job.look_back)
    aligned = aligned_sessions(present, holds, first, stop)
    priced = count_in_windows(present, first, stop) > 0
    betas = np.full((len(first), len(model.factors), len(columns)), np.nan)
    for part in _parts(aligned, holds):
        chained = chained_returns(close[:, part.symbols], aligned.rows[part.number])
        fitted = _fit(model, factors, chained, part.sessions, (first, stop))
        fitted = np.where(priced[part.sessions, None][:, :, part.symbols], fitted, np.nan)
        # Only positions whose group uses this set, in the sessions in which it does.
        own = np.flatnonzero(part.groups[group])
        uses = aligned.of_group[part.sessions][:, group[own]] == part.number
        cells = betas[part.sessions, :, position[own]]
        np.copyto(cells, fitted[:, :, np.searchsorted(part.symbols, symbol[own])], where=uses[:, None])
        betas[part.sessions, :, position[own]] = cells
    return np.clip(betas, -CAP, CAP, out=betas)


def held_betas(panel: PricePanel, positions: OpenPositions, model: FactorModel) -> Floats:
    """Return each position's betas [D, K, N] where a session's group is what its portfolio holds in it.

    Args:
        panel: closes of T sessions.
        positions: N of them, with the sessions in which they are held.
        model: the regression, its look-back and its minimum of common sessions.
    """
    held = positions.present
    betas = np.full((len(held), len(model.factors), held.shape[1]), np.nan)
    books, book = np.unique(held, axis=0, return_inverse=True)
    for number, members in enumerate(books):
        days = np.flatnonzero(book.ravel() == number)
        part, own = replace(panel, targets=panel.targets[days]), positions.where(pl.lit(pl.Series(members)))
        factors, _ = factor_returns(part, model)
        found = position_betas(part, own, model, factors, "portfolio")
        betas[np.ix_(days, np.arange(len(model.factors)), np.flatnonzero(members))] = found
    return betas


class _Part(NamedTuple):
    """One set of aligned sessions: a run of the window's sessions, and the groups and symbols that use it."""

    number: int
    sessions: slice
    groups: Bools
    symbols: Ints


def _parts(aligned: SessionSets, holds: Bools) -> Iterator[_Part]:
    """Yield the sets that any group with symbols uses."""
    for number in range(len(aligned.rows)):
        uses = aligned.of_group == number
        sessions, groups = np.flatnonzero(uses.any(axis=1)), uses.any(axis=0)
        symbols = np.flatnonzero(holds[groups].any(axis=0))
        if sessions.size and symbols.size:
            yield _Part(number, slice(int(sessions[0]), int(sessions[-1]) + 1), groups, symbols)


def _fit(
    model: FactorModel,
    factors: list[FactorReturns],
    y: ChainedReturns,
    sessions: slice,
    bounds: tuple[Ints, Ints],
) -> Floats:
    """Return coefficients [d, K, m] of a run of sessions, NaN where there are too few common sessions."""
    fitted = np.full((sessions.stop - sessions.start, len(model.factors), y.returns.shape[1]), np.nan)
    for part in factors:
        inside = part.sessions[(part.sessions >= sessions.start) & (part.sessions < sessions.stop)]
        rows, previous = common_rows(part.chained, y)
        start, end = window_slices(rows, previous, bounds[0][inside], bounds[1][inside])
        enough = end - start >= model.job.minimum
        if not enough.any() or not part.present.any():
            continue
        x, values = part.chained.returns[rows], y.returns[rows]
        # Symbols without a price are NaN here and would spoil the product; the caller masks them.
        values = np.where(np.isfinite(values), values, 0.0)
        coefficients = model.fit(x, values, start[enough], end[enough])
        fitted[np.ix_(inside[enough] - sessions.start, np.flatnonzero(part.present))] = coefficients
    return fitted


def _position_rows(
    positions: OpenPositions,
    dates: pl.Series,
    factor_ids: Sequence[str | None],
    betas: Floats,
    written: Bools,
) -> pl.DataFrame:
    """Return rows of position_factor_exposures for the cells [D, K, N] that are written."""
    ids = pl.Series("factor_id", factor_ids, dtype=pl.String)
    has_id = ids.is_not_null().to_numpy()
    session, factor, position = np.nonzero(written & has_id[:, None])
    return pl.DataFrame(
        [
            positions.frame["portfolio_id"][position],
            positions.frame["position_id"][position],
            ids[factor],
            dates[session].alias("calculation_date"),
            pl.Series("exposure_value", betas[session, factor, position]),
        ]
    ).with_columns(quality_flag=pl.lit(QUALITY))
