"""Attribution of each session's P&L to factors, specific return and residual, by position and portfolio."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from engine.analytics.factors.joint import FUNDS
from engine.analytics.panels import PricePanel, day_numbers
from engine.core.funds import FUND_FACTORS
from engine.core.job_catalog import RIDGE_FACTORS
from engine.core.money import GRAIN_SCALE, GRAINS_A_CENT, half_away, integer
from engine.numerics.arrays import Bools, Floats, Ints

TABLE, POSITIONS = "engine_pnl_attribution", "engine_position_attribution"
FACTORS = tuple(FUND_FACTORS[fund].lower().replace(" ", "_") for fund in FUNDS)
"""Columns of `POSITIONS` and components of `TABLE`, in the order of the joint model's funds."""
COMPONENTS = (*FACTORS, "specific", "residual")
TABLES = (TABLE, POSITIONS)


class ExAnteBetas(NamedTuple):
    """Betas of symbols before each session, from closes up to the session before.

    Attributes:
        values: [D, K, S + 1] to the K factors of the joint model, the market first; NaN where there is none;
            the last symbol stands for those without closes.
        panel: closes; its targets are the D sessions.
        before: [D] the rows of the panel of the sessions that the betas are of.
    """

    values: Floats
    panel: PricePanel
    before: Ints


def factor_moves(betas: ExAnteBetas) -> Floats:
    """Return the factors' returns in each session, [D, K], NaN where a fund lacks a close.

        f_m = r_m;  f_k = r_k - g_k r_m

    r are the funds' returns since the session before, g_k the slope of a fund's returns on SPY's over the 120
    calendar days up to it, between the sessions on which all funds with closes have one.

    Args:
        betas: their panel and sessions.
    """
    panel = betas.panel
    funds = panel.closes_of(FUNDS)
    now = np.searchsorted(panel.days, panel.targets)
    moves = funds[now] / funds[betas.before] - 1.0
    first = np.searchsorted(panel.days, panel.days[betas.before] - RIDGE_FACTORS.look_back)
    slopes = np.stack([_slopes(funds[a : b + 1]) for a, b in zip(first, betas.before, strict=True)])
    moves[:, 1:] -= slopes[:, 1:] * moves[:, :1]
    return np.asarray(moves)


def _slopes(funds: Floats) -> Floats:
    """Return each fund's slope on the first one, [K], NaN for funds without closes."""
    some: Bools = np.asarray(np.isfinite(funds).any(axis=0))
    rows = funds[np.isfinite(funds[:, some]).all(axis=1)]
    slopes = np.full(funds.shape[1], np.nan)
    if some[0] and len(rows) > RIDGE_FACTORS.minimum:
        returns = rows[1:, some] / rows[:-1, some] - 1.0
        off = returns - returns.mean(axis=0)
        size = float(off[:, 0] @ off[:, 0])
        slopes[some] = off.T @ off[:, 0] / size if size > 0 else np.nan
    return slopes


def attribution(lots: pl.DataFrame, betas: ExAnteBetas, pnl: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Attribute each session's P&L to the factors of the joint model, to specific return, and to a residual.

        factor k: V b_k f_k    specific: V r - sum_k V b_k f_k    residual: P&L - V r

    V is a lot's value at its newest close up to the session before, r its return since, b its betas of the
    session before and f the factors' returns in the session (`factor_moves`). A lot without a market beta or
    without a close in the session is residual altogether, as are trades inside the session, ends at another
    price than the close, and income. A factor without a beta or a return counts as 0. A position's parts are
    of 10**-8 USD and add up to its P&L; a portfolio's are rounded to the cent, and its residual takes what is
    left of daily_pnl.

    Args:
        lots: portfolio_id, position_id, symbol, date, start_value, whole_move, pnl and income (Int128
            grains), of `engine.analytics.equity.lot_pnl.lot_pnl`.
        betas: of the panel's symbols.
        pnl: portfolio_id, date, daily_pnl (Int128 cents).

    Returns:
        Rows of both tables.
    """
    parts = _grains(lots, _parts(lots, betas))
    names = [pl.col(name) for name in COMPONENTS]
    moved = lots.select("portfolio_id", "position_id", calculation_date="date").with_columns(parts)
    moved = moved.filter(pl.any_horizontal(name != 0 for name in names))
    summed = moved.group_by("portfolio_id", "calculation_date").agg(
        half_away(pl.col(name).sum(), GRAINS_A_CENT).alias(name) for name in COMPONENTS[:-1]
    )
    booked = pnl.select("portfolio_id", "daily_pnl", calculation_date="date").drop_nulls()
    own = booked.join(
        summed, on=["portfolio_id", "calculation_date"], how="left", maintain_order="left"
    ).with_columns(pl.col(COMPONENTS[:-1]).fill_null(integer(0)))
    rest = pl.col("daily_pnl") - pl.sum_horizontal(COMPONENTS[:-1])
    long = own.with_columns(residual=rest).unpivot(
        COMPONENTS, index=["portfolio_id", "calculation_date"], variable_name="component", value_name="amount"
    )
    return {TABLE: long, POSITIONS: moved}


def _parts(rows: pl.DataFrame, betas: ExAnteBetas) -> Floats:
    """Return the factors' and the specific part of each row in USD: [n, K + 1]."""
    days = day_numbers(rows["date"])
    session = np.searchsorted(betas.panel.targets, days)
    beta = betas.values[session, :, betas.panel.columns(rows["symbol"])]
    value, move = (
        rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy() / 10.0**GRAIN_SCALE
        for name in ("start_value", "whole_move")
    )
    modelled = np.isfinite(beta[:, 0]) & np.isfinite(value) & np.isfinite(move)
    factors = np.nan_to_num(value[:, None] * beta * factor_moves(betas)[session])
    specific = np.nan_to_num(move) - factors.sum(axis=1)
    return np.where(modelled[:, None], np.column_stack((factors, specific)), 0.0)


def _grains(rows: pl.DataFrame, parts: Floats) -> list[pl.Series]:
    """Return the components in grains (Int128); the residual makes them add up to the P&L."""
    grains = np.rint(parts * 10.0**GRAIN_SCALE)
    named = [
        pl.Series(name, grains[:, number]).cast(pl.Int128) for number, name in enumerate(COMPONENTS[:-1])
    ]
    known = rows.select((pl.col("pnl") + pl.col("income")).alias("all")).with_columns(named)
    rest = known.select(residual=pl.col("all") - pl.sum_horizontal(COMPONENTS[:-1]))
    return [*named, rest["residual"]]
