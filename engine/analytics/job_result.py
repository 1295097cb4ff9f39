"""Result of one analytics job: rows by table, snapshot columns, and its rows of analytics_status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import NamedTuple, Self

import numpy as np
import polars as pl

from engine.analytics.panels import OpenPositions, Portfolios, PortfolioSums
from engine.core.instruments import is_private
from engine.core.job_catalog import EQUITY_NOT_POSITIVE, AnalyticsJob, Reason
from engine.numerics.arrays import Bools, Floats, Ints

CENT = Decimal("0.01")
PRODUCT = Context(prec=28, rounding=ROUND_HALF_EVEN)
"""Python's default context, in which the legacy batch multiplies: 28 significant digits."""
STORED = Context(prec=64, rounding=ROUND_HALF_UP)
"""Rounding of an SQL numeric column."""
TIE = 1e-9
"""A coverage this far below the floor counts as the floor: sums of doubles are not exact."""
TIE_MARGIN_ULPS = 8.0
"""beta x equity in cents misses the value of the decimal texts' product by about 4 ulp at most: two texts and
two products, each with a relative error of 2^-53, which is at most one ulp."""


@dataclass(frozen=True)
class JobResult:
    """A job's figures, not rounded yet.

    Attributes:
        tables: rows by table, in the tables' own column names without ids and time stamps; figures are
            Float64. Every frame has portfolio_id, also where its table has not.
        status: portfolio_id, calculation_date, job, status, reason, positions_used, positions_left_out,
            coverage: a row for each portfolio and session.
        snapshot: portfolio_id, snapshot_date and the columns of portfolio_snapshots that the job fills,
            figures as Float64; only rows whose job succeeded.
    """

    tables: Mapping[str, pl.DataFrame]
    status: pl.DataFrame
    snapshot: pl.DataFrame | None = field(default=None)

    def with_tables(self, tables: Mapping[str, pl.DataFrame]) -> Self:
        """Return the result with further tables.

        Args:
            tables: rows by table.
        """
        return replace(self, tables={**self.tables, **tables})


def first_reasons(job: AnalyticsJob, cases: Mapping[Reason, Bools | bool], shape: tuple[int, ...]) -> Ints:
    """Return the number of the first reason for which a cell has no figure, 0 where it has one.

    Args:
        job: its reasons are numbered from 1, in the order of the catalog.
        cases: where each of its reasons holds, of a shape that broadcasts to `shape`.
        shape: of the result.

    Raises:
        ValueError: If the cases are not those of the job's reasons.
    """
    if cases.keys() != set(job.obstacles):
        raise ValueError(f"job {job.name}: the cases are not those of its reasons in the job catalog")
    holds = [np.broadcast_to(cases[reason], shape) for reason in job.obstacles]
    return np.select(holds, [np.int64(number + 1) for number in range(len(holds))], np.int64(0))


def covered(used: Floats, due: Floats) -> Floats:
    """Return used / due, NaN where nothing is due.

    Args:
        used: USD of the lots that entered a figure.
        due: USD of all lots that it is about, of the same shape.
    """
    return np.asarray(np.divide(used, due, out=np.full(due.shape, np.nan), where=due > 0))


def status_rows(
    job: AnalyticsJob,
    portfolios: Portfolios,
    dates: pl.Series,
    reasons: Ints,
    used: Ints,
    left_out: Ints,
    coverage: Floats,
    doubts: Mapping[Reason, Bools | bool] | None = None,
) -> pl.DataFrame:
    """Return the status rows of a job.

    Args:
        job: the job.
        portfolios: P of them.
        dates: [D] the window's sessions.
        reasons: [P, D] of `first_reasons`.
        used: [P, D] positions that count in the figure.
        left_out: [P, D] positions that the job looked at and could not use.
        coverage: [P, D] of `covered`.
        doubts: where its other partial reasons hold, besides too low a coverage.
    """
    owner, session = np.divmod(np.arange(reasons.size), max(dates.len(), 1))
    statuses = pl.Series("status", ["ok", *(reason.status for reason in job.reasons)])
    codes = pl.Series("reason", [None, *(reason.code for reason in job.reasons)], dtype=pl.String)
    number = _with_doubts(job, reasons, coverage, doubts or {}).ravel()
    rested = np.where((reasons > 0) & ~np.isnan(coverage), 0.0, coverage)
    # Texts are gathered by number: there is a row for each portfolio, session and job.
    return pl.DataFrame(
        {
            "portfolio_id": portfolios.ids.gather(owner),
            "calculation_date": dates.gather(session),
            "status": statuses.gather(number),
            "reason": codes.gather(number),
            "job": pl.repeat(job.name, number.size, eager=True),
            "positions_used": used.ravel().astype(np.int32),
            "positions_left_out": left_out.ravel().astype(np.int32),
            "coverage": pl.Series(rested.ravel(), nan_to_null=True),
        }
    )


def _with_doubts(
    job: AnalyticsJob, reasons: Ints, coverage: Floats, doubts: Mapping[Reason, Bools | bool]
) -> Ints:
    """Return the numbers of the reasons, with the first doubt in cells that have a figure."""
    numbers = reasons
    for number, reason in reversed([*enumerate(job.reasons, 1)][len(job.obstacles) :]):
        holds = doubts[reason] if reason in doubts else coverage < job.floor - TIE
        numbers = np.where((reasons == 0) & holds, np.int64(number), numbers)
    return numbers


class JobStatus(NamedTuple):
    """The portfolios and sessions in which a job of weighted betas has figures.

    Attributes:
        job: the job.
        reasons: [D, P] of `first_reasons`, 0 where the job is done.
        used: [D, P] positions that count in the figure.
        left_out: [D, P] positions that the job looked at and could not use.
        coverage: [D, P] of `covered`.
    """

    job: AnalyticsJob
    reasons: Ints
    used: Ints
    left_out: Ints
    coverage: Floats

    @property
    def done(self) -> Bools:
        """Return whether the job has figures, [D, P]."""
        return np.asarray(self.reasons == 0)

    def rows(
        self,
        portfolios: Portfolios,
        dates: pl.Series,
        doubts: Mapping[Reason, Bools | bool] | None = None,
    ) -> pl.DataFrame:
        """Return the rows of analytics_status.

        Args:
            portfolios: P of them.
            dates: [D] the window's sessions.
            doubts: [P, D] where partial reasons hold, besides too low a coverage.
        """
        counts = (self.reasons.T, self.used.T, self.left_out.T)
        return status_rows(self.job, portfolios, dates, *counts, self.coverage.T, doubts)


def job_status(
    job: AnalyticsJob,
    sums: PortfolioSums,
    portfolios: Portfolios,
    positions: OpenPositions,
    counted: Bools,
    *,
    no_positions: Reason,
    no_betas: Reason,
    further: Mapping[Reason, Bools | bool] | None = None,
    classless: OpenPositions | None = None,
) -> JobStatus:
    """Find where a job has figures: equity is above 0, there are positions, and one of them counts.

    An equity of null is not positive.

    Args:
        job: the job; its reasons are those below and `EQUITY_NOT_POSITIVE`.
        sums: over the N positions that the job looks at.
        portfolios: P of them.
        positions: these N; class PRIVATE, which no market prices, is in no coverage.
        counted: [D, N] the positions that contribute to the figure.
        no_positions: the reason of a portfolio without positions.
        no_betas: the reason of a portfolio of which no position counts.
        further: [D, P] or [D, 1] conditions of the job's other reasons.
        classless: positions without a class, which the job would look at if they had one.

    Returns:
        The first reason in each cell, and the positions used and left out.
    """
    used, every = sums.number(counted), sums.number(positions.present)
    value = np.where(private_positions(positions), 0.0, np.abs(np.nan_to_num(positions.value.T)))
    rested, due = sums.sum(np.where(counted, value, 0.0)), sums.sum(value)
    no_equity = ~(portfolios.equity.T > 0)
    cases = {EQUITY_NOT_POSITIVE: no_equity, no_positions: every == 0, no_betas: used == 0}
    reasons = first_reasons(job, {**cases, **(further or {})}, used.shape)
    # A job without figures has used no position: all count as left out.
    used[reasons > 0] = 0
    if classless is not None and classless.frame.height:
        others = PortfolioSums(classless.owner, sums.count)
        lacking = np.abs(classless.value.T)
        every, due = every + others.number(classless.present), due + others.sum(lacking)
    return JobStatus(job, reasons, used, every - used, covered(rested, due))


def private_positions(positions: OpenPositions) -> Bools:
    """Return which positions are of class PRIVATE: [N]."""
    return positions.frame.select(is_private()).to_series().to_numpy()


def portfolio_rows(portfolios: Portfolios, dates: pl.Series, chosen: Bools, date: str) -> pl.DataFrame:
    """Return portfolio_id and the column `date` of the chosen cells [D, P], session by session.

    Args:
        portfolios: P of them.
        dates: [D] the window's sessions.
        chosen: [D, P] cells.
        date: name of the column with the session.
    """
    session, portfolio = np.nonzero(chosen)
    return pl.DataFrame([portfolios.ids[portfolio].alias("portfolio_id"), dates[session].alias(date)])


def exposure_rows(
    portfolios: Portfolios,
    dates: pl.Series,
    factor_ids: Sequence[str | None],
    betas: Floats,
    written: Bools,
) -> pl.DataFrame:
    """Return rows of factor_exposures: exposure_value is the beta, exposure_dollar = beta x equity.

    A factor without an id has no rows.

    Args:
        portfolios: P of them.
        dates: [D] the window's sessions.
        factor_ids: of K factors.
        betas: [D, K, P] ratios, unrounded.
        written: [D, K, P] the cells that become rows.
    """
    has_id = np.array([name is not None for name in factor_ids])
    session, factor, portfolio = np.nonzero(written & has_id[:, None])
    beta = betas[session, factor, portfolio]
    ids = pl.Series("factor_id", factor_ids, dtype=pl.String)
    return pl.DataFrame(
        [
            portfolios.ids[portfolio].alias("portfolio_id"),
            ids[factor],
            dates[session].alias("calculation_date"),
            pl.Series("exposure_value", beta),
            pl.Series("exposure_dollar", dollars(beta, portfolios.equity[portfolio, session])),
        ]
    )


def dollars(beta: Floats, equity: Floats) -> Floats:
    """Return beta x equity [n], multiplied as decimal texts and rounded half away from zero to the cent.

    Products far enough from a tie are rounded as floats, the others as Decimals. NaN and infinities stay,
    -0.0 becomes 0.0. Source: document 02 §6.

    Args:
        beta: [n] ratios, unrounded.
        equity: [n] USD.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        product = beta * equity
        cents = np.abs(product) * 100.0
        from_tie = np.abs(cents - np.floor(cents) - 0.5)
        # From 2^50 on too few bits are left for the fraction to be trusted.
        unclear = (from_tie <= TIE_MARGIN_ULPS * np.spacing(cents)) | (cents >= 2.0**50)
        unclear &= np.isfinite(product)
        rounded = np.copysign(np.where(np.isfinite(cents), np.rint(cents) / 100.0, product), product)
    for row in np.flatnonzero(unclear).tolist():
        exact = PRODUCT.multiply(Decimal(repr(float(beta[row]))), Decimal(repr(float(equity[row]))))
        rounded[row] = float(exact.quantize(CENT, context=STORED))
    return np.asarray(rounded + 0.0)
