"""Exposures that stress tests shock: each portfolio's dollars by factor and by rates, in each session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from engine.analytics.factors.definitions import written_order
from engine.analytics.job_result import covered
from engine.analytics.panels import CLASSLESS, LIVE, PUBLIC, OpenPositions, Portfolios, PortfolioSums
from engine.analytics.stress.durations import yield_sensitivities
from engine.core.job_catalog import EXPOSURE_ROWS, RATE_BETA_DAYS
from engine.core.rules import LossFloor, RateWeights, StaleFigures, UnmeasuredFactors
from engine.numerics.arrays import Bools, Floats, Ints

HELD_AS = {"Market": "Market Beta (90D)"}
"""Names of the exposures to which shocks apply, where they differ from the shocked factor's."""


class FactorDollars(NamedTuple):
    """Exposures of P portfolios in D sessions.

    Attributes:
        dollars: factor name -> [P, D] USD, 0 where the portfolio has no exposure to it.
        measured: factor name -> [P, D] whether it has one.
        order: [F, P, D] numbers of the factors in the order of summation: newest row first.
        any: [P, D] whether the portfolio has an exposure to any factor.
    """

    dollars: Mapping[str, Floats]
    measured: Mapping[str, Bools]
    order: Ints
    any: Bools


class RateDollars(NamedTuple):
    """Exposures to rates of P portfolios in D sessions.

    Attributes:
        dollars: [P, D] USD, for a return of TLT of 1 or a change of yield of 1; NaN where there is none.
        used: [P, D] positions with a beta or a duration.
        left_out: [P, D] positions without one.
        coverage: [P, D] of `covered`: the public positions with one.
    """

    dollars: Floats
    used: Ints
    left_out: Ints
    coverage: Floats


def loss_base(portfolios: Portfolios, floor: LossFloor) -> Floats:
    """Return the base of the largest loss.

    "net": the net exposure, 1 where it is not above 0 (document 03 §4.3). "gross": the gross exposure, 0
    where there is none.

    Args:
        portfolios: P of them; net and gross exposure [P, D].
        floor: see `engine.core.rules.Rules`.

    Returns:
        [P, D] USD.
    """
    if floor == "gross":
        return np.where(portfolios.gross > 0, portfolios.gross, 0.0)
    return np.where(portfolios.net > 0, portfolios.net, 1.0)


def factor_dollars(
    portfolios: Portfolios,
    dates: pl.Series,
    exposures: pl.DataFrame,
    factor_definitions: pl.DataFrame,
    unmeasured: UnmeasuredFactors,
    stale: StaleFigures,
) -> FactorDollars:
    """Return the newest exposure to each factor, of a portfolio's newest 50 rows up to the session.

        dollars = exposure_dollar, or net exposure x exposure_value where that is null or 0

    However old, or with `stale` "refused" of the session itself. A row's rank among the newest counts the
    portfolio's rows of later dates up to the session, and those of its own date that were written up to it:
    by created_at, and for equal ones in `written_order`. Rows of factors without a definition count, too.
    With `unmeasured` "absent" dollars of 0 are 0, and null is no exposure. Source: document 03 §4.3 and
    §4.4.

    Args:
        portfolios: P of them; net exposure [P, D].
        dates: [D] the window's sessions.
        exposures: portfolio_id, factor_id, calculation_date, exposure_value, exposure_dollar,
            created_at, as stored: of the window and of before.
        factor_definitions: id, name.
        unmeasured: see `engine.core.rules.Rules`.
        stale: see `engine.core.rules.Rules`.
    """
    known = factor_definitions.select("id", "name")
    unknown = exposures.select(id="factor_id").unique().join(known, on="id", how="anti")
    factors = written_order(pl.concat([known, unknown], how="diagonal"))
    rows = _numbered(exposures, "portfolio_id", portfolios.ids)
    rows = _numbered(rows, "factor_id", factors["factor_id"])
    rows = rows.sort("portfolio_id_number", "calculation_date", "created_at", "factor_id_number")
    days, at = _day_axis(rows["calculation_date"], dates)
    # A matrix of row numbers instead of a join for each session.
    row: Ints = np.full((factors.height, len(portfolios.ids), len(days)), -1)
    cell = (
        rows["factor_id_number"],
        rows["portfolio_id_number"],
        days.search_sorted(rows["calculation_date"]),
    )
    row[tuple(axis.to_numpy() for axis in cell)] = np.arange(rows.height)
    named = factors["name"].is_not_null().to_numpy()
    newest, rank = (found[named] for found in _newest(row, _ranks_in_date(rows), at))
    row, factors = row[named], factors.drop_nulls("name")
    if stale == "refused" and len(days):
        of_session = days.to_physical().to_numpy()[np.maximum(at, 0)] == dates.to_physical().to_numpy()
        at_session = np.take_along_axis(row, np.maximum(at, 0)[None, None], axis=-1)
        newest = np.where(of_session & (newest == at_session), newest, -1)
    value, dollar = (_floats(rows[name], newest) for name in ("exposure_value", "exposure_dollar"))
    if unmeasured == "zero":
        replaced = np.isnan(dollar) | (dollar == 0)
        dollar = np.where(replaced, loss_base(portfolios, "net") * value, dollar)
    else:
        newest = np.where(np.isnan(dollar), -1, newest)
    measured = newest >= 0
    usd = np.where(measured, dollar, 0.0)
    dollars = dict(zip(factors["name"], usd, strict=True))
    by_name = dict(zip(factors["name"], measured, strict=True))
    return FactorDollars(dollars, by_name, rank.argsort(axis=0), np.asarray(measured.any(axis=0)))


def rate_dollars(
    positions: OpenPositions,
    portfolios: Portfolios,
    dates: pl.Series,
    rate_betas: pl.DataFrame,
    weights: RateWeights,
    stale: StaleFigures,
    durations: pl.DataFrame | None = None,
) -> RateDollars:
    """Return equity times the rate beta of the open positions.

        dollars = E sum_i beta_i |V_i| / E,  beta_i the newest of [D - 7 days, D]

    E: equity as stored, above 0; V_i = quantity x last price x m', recomputed and unrounded, in USD; with
    `weights` "signed" it keeps its sign. With `stale` "refused" the beta is the session's own. With
    `durations` the position's sensitivity to yields stands for its beta, `yield_sensitivities`. Source:
    document 03 §4.3.

    Args:
        positions: N of them; values [N, D].
        portfolios: P of them; equity [P, D].
        dates: [D] the window's sessions.
        rate_betas: position_id, calculation_date, ir_beta, as stored: of the window and of before.
        weights: see `engine.core.rules.Rules`.
        stale: see `engine.core.rules.Rules`.
        durations: symbol, asof_date, duration of bond funds, for exposures to yields; None: to returns.
    """
    live = positions.where(LIVE)
    sums = PortfolioSums(live.owner, len(portfolios.ids))
    beta = _recent_betas(live, dates, rate_betas, 0 if stale == "refused" else RATE_BETA_DAYS)
    if durations is not None:
        public = live.frame.select(PUBLIC.fill_null(False)).to_series()
        beta = yield_sensitivities(beta, durations, live.frame["symbol"], public, dates)
    beta = beta.T
    value = (np.abs(live.recomputed) if weights == "absolute" else live.recomputed).T
    equity = portfolios.equity.T[:, sums.owner]
    weighed = ~np.isnan(beta) & (equity > 0) & live.present & np.isfinite(value)
    weight = np.divide(value, equity, out=np.zeros_like(value), where=weighed)
    total = sums.sum(np.where(weighed, beta, 0.0) * weight)
    used, every = sums.number(weighed), sums.number(live.present)
    dollars = np.where(used > 0, portfolios.equity.T * total, np.nan)
    due = live.frame.select((PUBLIC | CLASSLESS).fill_null(False)).to_series().to_numpy()
    worth = np.where(due, np.abs(np.nan_to_num(live.value.T)), 0.0)
    coverage = covered(sums.sum(np.where(weighed, worth, 0.0)), sums.sum(worth))
    return RateDollars(dollars.T, used.T, (every - used).T, coverage.T)


def _ranks_in_date(rows: pl.DataFrame) -> Ints:
    """Return 1, 2, ... among the rows of the same portfolio and date: [R]."""
    ranks = pl.int_range(1, pl.len() + 1).over("portfolio_id_number", "calculation_date")
    return rows.select(ranks).to_series().to_numpy()


def _newest(row: Ints, rank_in_date: Ints, at: Ints) -> tuple[Ints, Ints]:
    """Find the newest row of each factor, portfolio and session.

    Args:
        row: [F, P, T] number of the row of each day, -1 where there is none.
        rank_in_date: [R] of each row among those of its portfolio and date.
        at: [D] the newest of the T days up to each session, -1 where all are later.

    Returns:
        Row numbers [F, P, D], -1 where none counts, and the rank of that row among the newest.
    """
    if not row.shape[-1]:
        none = np.full((*row.shape[:-1], len(at)), -1)
        return none, none
    present = row >= 0
    up_to = present.sum(axis=0).cumsum(axis=-1)
    newest = _last(present)[..., at]
    day = np.maximum(newest, 0)
    number = np.take_along_axis(row, day, axis=-1)
    rank = up_to[:, at] - np.take_along_axis(up_to[None], day, axis=-1) + rank_in_date[number]
    used = (newest >= 0) & (at >= 0) & (rank <= EXPOSURE_ROWS)
    return np.where(used, number, -1), rank


def _recent_betas(live: OpenPositions, dates: pl.Series, rate_betas: pl.DataFrame, days_old: int) -> Floats:
    """Return each position's newest beta of the last `days_old` days, [N, D], NaN where there is none."""
    rows = _numbered(rate_betas, "position_id", live.frame["position_id"])
    days, at = _day_axis(rows["calculation_date"], dates)
    row: Ints = np.full((live.frame.height, len(days)), -1)
    if not row.size:
        return np.full((live.frame.height, len(dates)), np.nan)
    stored = days.search_sorted(rows["calculation_date"]).to_numpy()
    row[rows["position_id_number"].to_numpy(), stored] = np.arange(rows.height)
    newest = _last(row >= 0)[:, at]
    day = np.maximum(newest, 0)
    age = dates.to_physical().to_numpy() - days.to_physical().to_numpy()[day]
    used = (newest >= 0) & (at >= 0) & (age <= days_old)
    return _floats(rows["ir_beta"], np.where(used, np.take_along_axis(row, day, axis=-1), -1))


def _numbered(rows: pl.DataFrame, column: str, ids: pl.Series) -> pl.DataFrame:
    """Return the rows whose `column` is one of `ids`, with its number among them."""
    numbers = pl.DataFrame({column: ids}).with_row_index(f"{column}_number")
    return rows.join(numbers, on=column, how="inner", maintain_order="left")


def _day_axis(stored: pl.Series, dates: pl.Series) -> tuple[pl.Series, Ints]:
    """Return the days that have rows, and the index among them of the newest one up to each session."""
    days = stored.unique().sort()
    return days, days.search_sorted(dates, side="right").to_numpy().astype(np.int64) - 1


def _last(present: Bools) -> Ints:
    """Return the newest present day up to each day, along the last axis; -1 where there is none."""
    days = np.where(present, np.arange(present.shape[-1]), -1)
    return np.maximum.accumulate(days, axis=-1)


def _floats(values: pl.Series, rows: Ints) -> Floats:
    """Return values[rows], NaN where a row is -1 or its value null."""
    # The row -1 reads the NaN at the end.
    numbers = np.append(values.cast(pl.Float64).fill_null(np.nan).to_numpy(), np.nan)
    picked: Floats = numbers[rows]
    return picked
