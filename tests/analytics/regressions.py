"""The five regression jobs on a golden set or on arrays, for the tests beside this file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import polars.selectors as cs

from engine.analytics.betas.market import market_beta
from engine.analytics.betas.provider import provider_beta
from engine.analytics.betas.rate import rate_beta
from engine.analytics.factors.definitions import factor_ids
from engine.analytics.factors.ridge import ridge_factors
from engine.analytics.factors.spreads import spread_factors
from engine.analytics.job_result import JobResult
from engine.analytics.panels import (
    OpenPositions,
    Portfolios,
    PricePanel,
    build_price_panel,
    open_positions,
    portfolio_arrays,
)
from engine.core.rules import Alignment, RateWeights, Rules
from engine.core.schema import TABLES
from engine.core.stored_rows import stored_figures, stored_rows
from engine.core.window import Window
from engine.pipeline.compute import mark_positions, roll_equity
from engine.pipeline.inputs import Inputs
from loaders import open_reader
from loaders.window import load_window

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
RUN_DATE = date(2026, 11, 23)
WINDOWS = {
    "mixed": Window(date(2025, 3, 3), date(2025, 5, 30), RUN_DATE),
    "edge": Window(date(2025, 4, 7), date(2025, 4, 11), RUN_DATE),
    "mixed_today": Window(RUN_DATE, RUN_DATE, RUN_DATE),
}
SNAPSHOT_COLUMNS = (
    "beta_calculated_90d",
    "beta_calculated_90d_r_squared",
    "beta_calculated_90d_observations",
    "beta_provider_1y",
)


@dataclass(frozen=True)
class Case:
    """Inputs of the five jobs."""

    panel: PricePanel
    lots: OpenPositions
    portfolios: Portfolios
    dates: pl.Series
    profiles: pl.DataFrame
    previous: pl.DataFrame
    definitions: pl.DataFrame


@cache
def golden_inputs(name: str) -> Inputs:
    with open_reader(f"parquet://{GOLDEN / name / 'inputs'}") as reader:
        return load_window(reader, WINDOWS[name])


def case_of(inputs: Inputs, window: Window) -> Case:
    days = mark_positions(inputs, window, Rules.legacy())
    book, _ = roll_equity(inputs, window, Rules.legacy(), days)
    portfolios = portfolio_arrays(book, len(window.sessions))
    return Case(
        panel=build_price_panel(inputs.closes, inputs.visible, window),
        lots=open_positions(days, portfolios),
        portfolios=portfolios,
        dates=pl.Series("date", window.sessions, dtype=pl.Date),
        profiles=inputs.profiles,
        previous=inputs.previous_market_betas,
        definitions=inputs.factor_definitions,
    )


@cache
def golden_case(name: str) -> Case:
    return case_of(golden_inputs(name), WINDOWS[name])


def run(
    case: Case, alignment: Alignment = "portfolio", weights: RateWeights = "absolute"
) -> dict[str, JobResult]:
    """The outcomes by job."""
    ids = factor_ids(case.definitions)
    panel, lots, portfolios, dates = case.panel, case.lots, case.portfolios, case.dates
    market = market_beta(panel, lots, portfolios, dates, ids.market, "used")
    fresh = market.tables["position_market_betas"]
    return {
        "market_beta": market,
        "provider_beta": provider_beta(
            lots, portfolios, dates, case.profiles, fresh, case.previous, ids.provider
        ),
        "rate_beta": rate_beta(panel, lots, portfolios, dates, ids.rate, weights, "used"),
        "spread_factors": spread_factors(panel, lots, portfolios, dates, ids.active, alignment, "used"),
        "ridge_factors": ridge_factors(panel, lots, portfolios, dates, ids.active, alignment, "used"),
    }


def unrounded(outcomes: dict[str, JobResult]) -> dict[str, pl.DataFrame]:
    """All rows by table, snapshots and status too, each sorted by all its columns."""
    rows: dict[str, list[pl.DataFrame]] = {}
    for outcome in outcomes.values():
        for name, frame in outcome.tables.items():
            rows.setdefault(name, []).append(frame.cast({cs.enum(): pl.String}))
        rows.setdefault("status", []).append(outcome.status)
    tables = {name: pl.concat(frames) for name, frames in rows.items()}
    tables |= {f"snapshot of {job}": o.snapshot for job, o in outcomes.items() if o.snapshot is not None}
    return {name: frame.sort(frame.columns) for name, frame in tables.items()}


def stored(outcomes: dict[str, JobResult]) -> dict[str, pl.DataFrame]:
    """The rows of the tables that have a schema, as they are stored."""
    stamp = WINDOWS["mixed"].stamp
    return {
        name: stored_rows(TABLES[name], frame, stamp)
        for name, frame in unrounded(outcomes).items()
        if name in TABLES
    }


def with_snapshots(snapshots: pl.DataFrame, outcomes: dict[str, JobResult]) -> pl.DataFrame:
    """The snapshots with their beta columns replaced by the jobs'."""
    table, key = TABLES["portfolio_snapshots"], ["portfolio_id", "snapshot_date"]
    rows = snapshots.drop(SNAPSHOT_COLUMNS)
    for outcome in outcomes.values():
        if outcome.snapshot is not None:
            floats = [name for name in outcome.snapshot.columns if outcome.snapshot.schema[name].is_float()]
            fresh = outcome.snapshot.with_columns(
                stored_figures(outcome.snapshot[name], table[name]) for name in floats
            )
            rows = rows.join(fresh, on=key, how="left")
    return rows.select(snapshots.columns)


def only(case: Case, portfolio: int) -> Case:
    """The case of one portfolio."""
    row = slice(portfolio, portfolio + 1)
    whole = case.portfolios
    alone = Portfolios(whole.ids[row], whole.equity[row], whole.gross[row], whole.net[row])
    lots = case.lots.where(pl.col("portfolio") == portfolio)
    frame = lots.frame.with_columns(portfolio=pl.lit(0, pl.UInt32))
    return with_lots(case, OpenPositions(frame, lots.stored, lots.recomputed), alone)


def with_lots(case: Case, lots: OpenPositions, portfolios: Portfolios) -> Case:
    return Case(case.panel, lots, portfolios, case.dates, case.profiles, case.previous, case.definitions)


def singletons(case: Case) -> Case:
    """Every lot in a portfolio of its own, named after the lot."""
    owner = case.lots.frame["portfolio"].to_numpy()
    equity = np.ones((len(owner), len(case.dates)))
    ids = case.lots.frame["position_id"].alias("portfolio_id")
    number = pl.Series("portfolio", np.arange(len(owner)), dtype=pl.UInt32)
    lots = OpenPositions(case.lots.frame.with_columns(number, ids), case.lots.stored, case.lots.recomputed)
    return with_lots(case, lots, Portfolios(ids, equity, equity, equity))
