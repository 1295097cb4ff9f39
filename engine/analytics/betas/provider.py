"""Provider Beta (1Y): what a data provider says of each stock, else our own regression."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.analytics.job_result import Outcome
from engine.analytics.job_status import judge
from engine.analytics.portfolio_sums import CENT_SCALE, STOCK, exposure_rows, group_lots, portfolio_rows
from engine.analytics.positions.lots import LIVE, Lots, Portfolios
from engine.core.job_catalog import NO_PUBLIC_POSITIONS, PROVIDER_BETA, PROVIDER_NO_BETAS
from engine.numerics.arrays import Bools, Floats
from engine.numerics.rounding import round_half_away

FACTOR = "Provider Beta (1Y)"
(COLUMN,) = PROVIDER_BETA.columns()
STORED_SCALE = 6
"""Decimals of position_market_betas.beta, from which the fall-back is read back."""


def provider_beta(
    lots: Lots,
    portfolios: Portfolios,
    dates: pl.Series,
    profiles: pl.DataFrame,
    market_betas: pl.DataFrame,
    previous: pl.DataFrame,
    factor_id: str,
) -> Outcome:
    """Betas of the open PUBLIC lots of type LONG and SHORT, from company profiles.

        beta_p = (sum_i V_i beta_i) / E

    beta_i is the profile's beta of the lot's symbol; where that is absent or 0, the lot's newest
    stored market beta, of this session or of an earlier one, as rounded. Lots count whose beta
    is there and not 0, and whose stored value V_i is neither null nor 0. E is the equity as
    stored, V_i and E in USD. Profiles bear no date: every session sees today's. No cap.
    Source: document 02 §4.2.

    Args:
        dates: [D] the window's sessions.
        profiles: symbol, beta.
        market_betas: rows of position_market_betas of this run, not rounded yet.
        previous: each position's newest such row before the window.
        factor_id: of the definition `Provider Beta (1Y)`, made or to be made.

    Returns:
        factor_exposures; beta_provider_1y in the snapshot. Reasons: equity_not_positive,
        no_betas (failures); no_public_positions (skip).
    """
    lots = lots.where(LIVE & STOCK)
    groups = group_lots(lots, portfolios)
    newest, _ = _newest_market_betas(lots, dates, market_betas, previous)
    weighted, counted = _weighted(lots.stored.T, _chosen(lots, profiles, newest))
    verdict = judge(
        PROVIDER_BETA,
        groups,
        portfolios,
        counted,
        no_lots=NO_PUBLIC_POSITIONS,
        no_betas=PROVIDER_NO_BETAS,
    )
    done, equity = verdict.done, portfolios.equity.T
    beta = np.divide(groups.sum(weighted), equity, out=np.zeros_like(equity), where=done)
    return Outcome(
        tables={
            "factor_exposures": exposure_rows(portfolios, dates, [factor_id], beta[:, None], done[:, None])
        },
        snapshot=_snapshot(portfolios, dates, beta, done),
        status=verdict.status(portfolios, dates),
    )


def opening_provider_beta(
    lots: Lots,
    portfolios: Portfolios,
    dates: pl.Series,
    profiles: pl.DataFrame,
    market_betas: pl.DataFrame,
    previous: pl.DataFrame,
    days: pl.DataFrame,
    equity: Floats,
    populated: Bools,
) -> pl.DataFrame:
    """The beta that a snapshot is made with, before the session's values and betas are known.

    The figures of `provider_beta`, with the values and the market betas that the session finds
    and with the session's unrounded equity. The job overwrites it wherever it succeeds itself;
    it stays where only the job fails: where the last lots that counted have become worth 0.00,
    or their newest market beta rounds to 0, or the equity does. Source: document 01 §4.7.

    Args:
        days: of `engine.analytics.positions.valuation`: id, session, opening_value (Int128 cents), of
            which the first session's are taken.
        equity: [P, D] USD, unrounded.
        populated: [P, D] snapshots that are made with it: of a session on or after the run
            date, of a portfolio that holds a position (document 01 §4.2).

    Returns:
        portfolio_id, snapshot_date, beta_provider_1y.
    """
    lots = lots.where(LIVE & STOCK)
    groups = group_lots(lots, portfolios)
    newest, earliest = _newest_market_betas(lots, dates, market_betas, previous)
    before = np.vstack([earliest, newest[:-1]])[: len(newest)]
    found_cents = days.filter(pl.col("session") == 0)
    held = _aligned(found_cents, "id", "opening_value", lots.frame["position_id"]) / 10**CENT_SCALE
    value = np.vstack([held, lots.stored.T[:-1]])[: len(newest)]
    weighted, counted = _weighted(value, _chosen(lots, profiles, before))
    done = (populated & (equity > 0)).T & (groups.tally(counted) > 0)
    beta = np.divide(groups.sum(weighted), equity.T, out=np.zeros(done.shape), where=done)
    return _snapshot(portfolios, dates, beta, done)


def with_openings(snapshot: pl.DataFrame, openings: pl.DataFrame) -> pl.DataFrame:
    """The job's figures, and the opening ones where it has none."""
    left = openings.join(snapshot, on=["portfolio_id", "snapshot_date"], how="anti", maintain_order="left")
    return pl.concat([snapshot, left])


def _snapshot(portfolios: Portfolios, dates: pl.Series, beta: Floats, done: Bools) -> pl.DataFrame:
    rows = portfolio_rows(portfolios, dates, done, "snapshot_date")
    return rows.with_columns(pl.Series(COLUMN, beta[done]))


def _weighted(value: Floats, beta: Floats) -> tuple[Floats, Bools]:
    """V beta [D, N], 0 for a lot that does not count; and which count."""
    counted = ~np.isnan(value) & (value != 0.0) & ~np.isnan(beta) & (beta != 0.0)
    return np.where(counted, value * beta, 0.0), counted


def _chosen(lots: Lots, profiles: pl.DataFrame, fall_back: Floats) -> Floats:
    """[D, N] the profile's beta, else the fall-back."""
    profiled = _aligned(profiles, "symbol", "beta", lots.frame["symbol"])
    return np.where(np.isnan(profiled) | (profiled == 0.0), fall_back, profiled)


def _newest_market_betas(
    lots: Lots, dates: pl.Series, rows: pl.DataFrame, previous: pl.DataFrame
) -> tuple[Floats, Floats]:
    """Each lot's newest stored market beta: [D, N] up to each session, and [N] before the window."""
    number = pl.DataFrame({"position_id": lots.frame["position_id"]}).with_row_index("lot")
    session = pl.DataFrame({"calc_date": dates}).with_row_index("session")
    placed = rows.join(number, on="position_id").join(session, on="calc_date")
    betas = np.full((len(dates), number.height), np.nan)
    at = placed["session"].to_numpy(), placed["lot"].to_numpy()
    betas[at] = round_half_away(placed["beta"].to_numpy(), STORED_SCALE)
    before = _aligned(previous, "position_id", "beta", lots.frame["position_id"])
    sessions = np.where(np.isnan(betas), -1, np.arange(len(dates))[:, None])
    latest = np.maximum.accumulate(sessions, axis=0)
    filled = np.take_along_axis(betas, np.maximum(latest, 0), axis=0)
    return np.where(latest >= 0, filled, before), before


def _aligned(rows: pl.DataFrame, key: str, name: str, wanted: pl.Series) -> Floats:
    """A column of floats looked up by key, NaN where there is none: [N]."""
    known = rows.select(pl.col(key), pl.col(name).cast(pl.Float64)).unique(key, keep="first")
    found = pl.DataFrame({key: wanted}).join(known, on=key, how="left", maintain_order="left")
    return found[name].fill_null(np.nan).to_numpy()
