"""Provider Beta (1Y): the beta that a data provider gives each stock, else our own regression's."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.analytics.job_result import JobResult, exposure_rows, job_status, portfolio_rows
from engine.analytics.panels import CLASSLESS_STOCK, LIVE, STOCK, OpenPositions, Portfolios, PortfolioSums
from engine.core.job_catalog import NO_PUBLIC_POSITIONS, PROVIDER_BETA, PROVIDER_NO_BETAS
from engine.core.money import CENT_SCALE
from engine.numerics.arrays import Bools, Floats
from engine.numerics.rounding import round_half_away

FACTOR = "Provider Beta (1Y)"
(COLUMN,) = PROVIDER_BETA.columns()
STORED_SCALE = 6
"""Decimals of position_market_betas.beta, from which the fall-back is read back."""


def provider_beta(
    positions: OpenPositions,
    portfolios: Portfolios,
    dates: pl.Series,
    profiles: pl.DataFrame,
    market_betas: pl.DataFrame,
    previous: pl.DataFrame,
    factor_id: str,
) -> JobResult:
    """Compute betas of the open PUBLIC positions of type LONG and SHORT from company profiles.

        beta_p = (sum_i V_i beta_i) / E

    beta_i is the profile's beta of the position's symbol; where that is absent or 0, the position's newest
    stored market beta, of this session or of an earlier one, as rounded. A position counts if its beta is
    neither absent nor 0 and its stored value V_i is neither null nor 0. V_i and the equity E are in USD as
    stored. Profiles have no date: every session uses today's. No cap. Source: document 02 §4.2.

    Args:
        positions: N of them; values [N, D].
        portfolios: P of them; equity [P, D].
        dates: [D] the window's sessions.
        profiles: symbol, beta.
        market_betas: rows of position_market_betas of this run, not rounded yet.
        previous: each position's newest such row before the window.
        factor_id: of the definition `Provider Beta (1Y)`, existing or to be created.

    Returns:
        factor_exposures; beta_provider_1y in the snapshot.
    """
    classless = positions.where(LIVE & CLASSLESS_STOCK)
    positions = positions.where(LIVE & STOCK)
    sums = PortfolioSums(positions.owner, len(portfolios.ids))
    newest, _ = _newest_market_betas(positions, dates, market_betas, previous)
    weighted, counted = _weighted(positions.stored.T, _profile_betas(positions, profiles, newest))
    status = job_status(
        PROVIDER_BETA,
        sums,
        portfolios,
        positions,
        counted,
        no_positions=NO_PUBLIC_POSITIONS,
        no_betas=PROVIDER_NO_BETAS,
        classless=classless,
    )
    done, equity = status.done, portfolios.equity.T
    beta = np.divide(sums.sum(weighted), equity, out=np.zeros_like(equity), where=done)
    exposures = exposure_rows(portfolios, dates, [factor_id], beta[:, None], done[:, None])
    return JobResult(
        tables={"factor_exposures": exposures},
        status=status.rows(portfolios, dates),
        snapshot=_snapshot(portfolios, dates, beta, done),
    )


def opening_provider_beta(
    positions: OpenPositions,
    portfolios: Portfolios,
    dates: pl.Series,
    profiles: pl.DataFrame,
    market_betas: pl.DataFrame,
    previous: pl.DataFrame,
    days: pl.DataFrame,
    equity: Floats,
    populated: Bools,
) -> pl.DataFrame:
    """Compute the beta of a new snapshot, before the session's own values and betas exist.

    The formula is that of `provider_beta`, with the values and market betas of the session before and with
    the session's unrounded equity. The job overwrites it wherever it succeeds. It stays where only the job
    fails: where the last positions that counted have become worth 0.00, or their newest market beta or
    the equity rounds to 0. Source: document 01 §4.7.

    Args:
        positions: N of them; values [N, D].
        portfolios: P of them.
        dates: [D] the window's sessions.
        profiles: symbol, beta.
        market_betas: rows of position_market_betas of this run, not rounded yet.
        previous: each position's newest such row before the window.
        days: of `engine.analytics.positions.valuation`: id, session, opening_value (Int128 cents), of
            which the first session's are used.
        equity: [P, D] USD, unrounded.
        populated: [P, D] snapshots that get such a beta: of a session on or after the run date, of a
            portfolio that holds a position (document 01 §4.2).

    Returns:
        portfolio_id, snapshot_date, beta_provider_1y.
    """
    positions = positions.where(LIVE & STOCK)
    sums = PortfolioSums(positions.owner, len(portfolios.ids))
    newest, earliest = _newest_market_betas(positions, dates, market_betas, previous)
    # Of the session before: the row above, and for the first session the one before the window.
    before = np.vstack([earliest, newest[:-1]])[: len(newest)]
    opening = days.filter(pl.col("session") == 0)
    held = _look_up(opening, "id", "opening_value", positions.frame["position_id"]) / 10**CENT_SCALE
    value = np.vstack([held, positions.stored.T[:-1]])[: len(newest)]
    value = np.where(positions.present, value, 0.0)
    weighted, counted = _weighted(value, _profile_betas(positions, profiles, before))
    done = (populated & (equity > 0)).T & (sums.number(counted) > 0)
    beta = np.divide(sums.sum(weighted), equity.T, out=np.zeros(done.shape), where=done)
    return _snapshot(portfolios, dates, beta, done)


def with_openings(snapshot: pl.DataFrame, openings: pl.DataFrame) -> pl.DataFrame:
    """Return the job's snapshot figures, and the opening ones of sessions in which the job has none.

    Args:
        snapshot: portfolio_id, snapshot_date and the beta, of sessions in which the job has one.
        openings: the same columns, of sessions from the run date on; see `opening_provider_beta`.
    """
    left = openings.join(snapshot, on=["portfolio_id", "snapshot_date"], how="anti", maintain_order="left")
    return pl.concat([snapshot, left])


def _snapshot(portfolios: Portfolios, dates: pl.Series, beta: Floats, done: Bools) -> pl.DataFrame:
    """Return the snapshot column of the cells [D, P] that are done."""
    rows = portfolio_rows(portfolios, dates, done, "snapshot_date")
    return rows.with_columns(pl.Series(COLUMN, beta[done]))


def _weighted(value: Floats, beta: Floats) -> tuple[Floats, Bools]:
    """Return V beta [D, N], 0 for a position that does not count, and which positions count."""
    counted = ~np.isnan(value) & (value != 0.0) & ~np.isnan(beta) & (beta != 0.0)
    return np.where(counted, value * beta, 0.0), counted


def _profile_betas(positions: OpenPositions, profiles: pl.DataFrame, fall_back: Floats) -> Floats:
    """Return the profile's beta of each position, else the fall-back: [D, N]."""
    profiled = _look_up(profiles, "symbol", "beta", positions.frame["symbol"])
    return np.where(np.isnan(profiled) | (profiled == 0.0), fall_back, profiled)


def _newest_market_betas(
    positions: OpenPositions, dates: pl.Series, rows: pl.DataFrame, previous: pl.DataFrame
) -> tuple[Floats, Floats]:
    """Return each position's newest stored market beta: [D, N] up to each session, [N] before the window."""
    number = pl.DataFrame({"position_id": positions.frame["position_id"]}).with_row_index("position")
    session = pl.DataFrame({"calc_date": dates}).with_row_index("session")
    placed = rows.join(number, on="position_id").join(session, on="calc_date")
    betas = np.full((len(dates), number.height), np.nan)
    at = placed["session"].to_numpy(), placed["position"].to_numpy()
    # The legacy batch reads the beta back from its table, where it is rounded.
    betas[at] = round_half_away(placed["beta"].to_numpy(), STORED_SCALE)
    before = _look_up(previous, "position_id", "beta", positions.frame["position_id"])
    sessions = np.where(np.isnan(betas), -1, np.arange(len(dates))[:, None])
    latest = np.maximum.accumulate(sessions, axis=0)
    filled = np.take_along_axis(betas, np.maximum(latest, 0), axis=0)
    return np.where(latest >= 0, filled, before), before


def _look_up(rows: pl.DataFrame, key: str, name: str, wanted: pl.Series) -> Floats:
    """Return the float column `name` of the row of each wanted key, NaN where there is none: [N]."""
    values = rows.select(pl.col(key), pl.col(name).cast(pl.Float64)).unique(key, keep="first")
    joined = pl.DataFrame({key: wanted}).join(values, on=key, how="left", maintain_order="left")
    return joined[name].fill_null(np.nan).to_numpy()
