"""What a stress test shakes: each portfolio's dollars by factor and by rates, session by session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.analytics.factors.definitions import written_order
from engine.analytics.portfolio_sums import group_lots
from engine.analytics.positions.lots import LIVE, Lots, Portfolios
from engine.core.job_catalog import EXPOSURE_ROWS, RATE_BETA_DAYS
from engine.core.rules import RateWeights
from engine.numerics.arrays import Bools, Floats, Ints


@dataclass(frozen=True)
class FactorDollars:
    """Exposures of P portfolios in D sessions.

    dollars: factor name -> [P, D] USD, 0 where the portfolio has no exposure to it.
    order: [F, P, D] numbers of the factors, the one with the newest row first, as they are summed.
    known: [P, D] whether it has any exposure at all.
    """

    dollars: Mapping[str, Floats]
    order: Ints
    known: Bools


@dataclass(frozen=True)
class RateDollars:
    """The exposure to rates.

    dollars: [P, D] USD, NaN where there is none. used, left_out: [P, D] lots with and without
    a beta.
    """

    dollars: Floats
    used: Ints
    left_out: Ints


def loss_base(portfolios: Portfolios) -> Floats:
    """[P, D] USD that a loss is limited by: the net exposure, 1 where it is not above 0.

    Source: document 03 §4.3.
    """
    return np.where(portfolios.net > 0, portfolios.net, 1.0)


def factor_dollars(
    portfolios: Portfolios, dates: pl.Series, exposures: pl.DataFrame, factor_definitions: pl.DataFrame
) -> FactorDollars:
    """The newest exposure to each factor, of a portfolio's newest 50 rows up to the session.

        dollars = exposure_dollar, or net exposure x exposure_value where that is null or 0

    However old. A row's place among the newest is the number of the portfolio's rows of later
    dates up to the session, and of those of its own date that were written up to it: as they are
    stamped, and under one stamp in `written_order`. Source: document 03 §4.3 and §4.4.

    Args:
        dates: [D] the window's sessions.
        exposures: portfolio_id, factor_id, calculation_date, exposure_value, exposure_dollar,
            created_at, as stored: of the window and of before.
        factor_definitions: id, name.
    """
    factors = written_order(factor_definitions)
    rows = _numbered(exposures, "portfolio_id", portfolios.ids)
    rows = _numbered(rows, "factor_id", factors["factor_id"])
    rows = rows.sort("portfolio_id_number", "calculation_date", "created_at", "factor_id_number")
    days, at = _day_axis(rows["calculation_date"], dates)
    row: Ints = np.full((factors.height, len(portfolios.ids), len(days)), -1)
    place = (
        rows["factor_id_number"],
        rows["portfolio_id_number"],
        days.search_sorted(rows["calculation_date"]),
    )
    row[tuple(axis.to_numpy() for axis in place)] = np.arange(rows.height)
    found, order = _newest(row, _places_in_date(rows), at)
    value, dollar = (_floats(rows[name], found) for name in ("exposure_value", "exposure_dollar"))
    usd = np.where(np.isnan(dollar) | (dollar == 0), loss_base(portfolios) * value, dollar)
    usd = np.where(found >= 0, usd, 0.0)
    dollars = dict(zip(factors["name"], usd, strict=True))
    return FactorDollars(dollars, order, np.asarray((found >= 0).any(axis=0)))


def rate_dollars(
    lots: Lots, portfolios: Portfolios, dates: pl.Series, rate_betas: pl.DataFrame, weights: RateWeights
) -> RateDollars:
    """Equity times the rate beta of the open lots.

        dollars = E sum_i beta_i |V_i| / E,  beta_i the newest of [D - 7 days, D]

    E: equity as stored, above 0; V_i = quantity x last price x m', recomputed and unrounded, in
    USD; with `weights` "signed" it keeps its sign. Source: document 03 §4.3.

    Args:
        dates: [D] the window's sessions.
        rate_betas: position_id, calculation_date, ir_beta, as stored: of the window and of before.
    """
    live = lots.where(LIVE)
    groups = group_lots(live, portfolios)
    beta = _recent_betas(live, dates, rate_betas).T
    value = (np.abs(live.recomputed) if weights == "absolute" else live.recomputed).T
    equity = portfolios.equity.T[:, groups.owner]
    weighed = ~np.isnan(beta) & (equity > 0)
    weight = np.divide(value, equity, out=np.zeros_like(value), where=weighed)
    total = groups.sum(np.where(weighed, beta, 0.0) * weight)
    used, all_lots = groups.tally(weighed), groups.tally(np.ones_like(weighed))
    dollars = np.where(used > 0, portfolios.equity.T * total, np.nan)
    return RateDollars(dollars.T, used.T, (all_lots - used).T)


def _places_in_date(rows: pl.DataFrame) -> Ints:
    """[R] 1, 2, ... among the rows of the same portfolio and date."""
    places = pl.int_range(1, pl.len() + 1).over("portfolio_id_number", "calculation_date")
    return rows.select(places).to_series().to_numpy()


def _newest(row: Ints, place_in_date: Ints, at: Ints) -> tuple[Ints, Ints]:
    """The row number in use of each factor, portfolio and session: [F, P, T] -> [F, P, D], -1: none.

    Then the factors' numbers [F, P, D] by the place of that row among the newest.

    place_in_date: [R] of each row among those of its portfolio and date. at: [D] the newest of the
    T days up to each session, -1 where all are later.
    """
    if not row.shape[-1]:
        none = np.full((*row.shape[:-1], len(at)), -1)
        return none, none.argsort(axis=0)
    present = row >= 0
    up_to = present.sum(axis=0).cumsum(axis=-1)
    newest = _last(present)[..., at]
    there = np.maximum(newest, 0)
    found = np.take_along_axis(row, there, axis=-1)
    place = up_to[:, at] - np.take_along_axis(up_to[None], there, axis=-1) + place_in_date[found]
    used = (newest >= 0) & (at >= 0) & (place <= EXPOSURE_ROWS)
    return np.where(used, found, -1), place.argsort(axis=0)


def _recent_betas(live: Lots, dates: pl.Series, rate_betas: pl.DataFrame) -> Floats:
    """[N, D] the newest beta of each lot that is at most a week old, NaN where there is none."""
    rows = _numbered(rate_betas, "position_id", live.frame["position_id"])
    days, at = _day_axis(rows["calculation_date"], dates)
    row: Ints = np.full((live.frame.height, len(days)), -1)
    if not row.size:
        return np.full((live.frame.height, len(dates)), np.nan)
    day = days.search_sorted(rows["calculation_date"]).to_numpy()
    row[rows["position_id_number"].to_numpy(), day] = np.arange(rows.height)
    newest = _last(row >= 0)[:, at]
    there = np.maximum(newest, 0)
    age = dates.to_physical().to_numpy() - days.to_physical().to_numpy()[there]
    used = (newest >= 0) & (at >= 0) & (age <= RATE_BETA_DAYS)
    return _floats(rows["ir_beta"], np.where(used, np.take_along_axis(row, there, axis=-1), -1))


def _numbered(rows: pl.DataFrame, column: str, ids: pl.Series) -> pl.DataFrame:
    """The rows whose `column` is one of `ids`, with its place among them."""
    places = pl.DataFrame({column: ids}).with_row_index(f"{column}_number")
    return rows.join(places, on=column, how="inner", maintain_order="left")


def _day_axis(stored: pl.Series, dates: pl.Series) -> tuple[pl.Series, Ints]:
    """The days that have rows, and the place among them of the newest one up to each session."""
    days = stored.unique().sort()
    return days, days.search_sorted(dates, side="right").to_numpy().astype(np.int64) - 1


def _last(present: Bools) -> Ints:
    """The newest present day up to each day, along the last axis; -1 where there is none."""
    days = np.where(present, np.arange(present.shape[-1]), -1)
    return np.maximum.accumulate(days, axis=-1)


def _floats(values: pl.Series, rows: Ints) -> Floats:
    """values[rows], NaN where a row is -1 or its value null."""
    numbers = np.append(values.cast(pl.Float64).fill_null(np.nan).to_numpy(), np.nan)
    picked: Floats = numbers[rows]
    return picked
