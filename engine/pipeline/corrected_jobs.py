"""Jobs that only corrected rules run: options by their Greeks, and scored forecasts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from engine.analytics.equity.returns import daily_returns
from engine.analytics.forecasts import RULES as FORECAST_RULES
from engine.analytics.forecasts.forecast_scores import forecast_scores
from engine.analytics.forecasts.value_at_risk import value_at_risk
from engine.analytics.job_result import JobResult
from engine.analytics.panels import OpenPositions, Portfolios, PricePanel
from engine.analytics.positions.option_greeks import TABLE as GREEKS
from engine.analytics.positions.option_greeks import OptionBook, by_delta, greeks_rows, option_book
from engine.analytics.stress.option_moves import OptionCells, option_cells
from engine.analytics.volatility.position_volatility import VolatilityResult
from engine.core.instruments import measured_symbol
from engine.core.money import CENT_SCALE, usd
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.core.stored_rows import stored_columns
from engine.core.window import Window
from engine.numerics.arrays import Bools
from engine.pipeline.inputs import Inputs, forecast_rows

POSITION_BETAS = ("position_market_betas", "position_interest_rate_betas", "position_factor_exposures")


def forecast_tables(
    inputs: Inputs,
    window: Window,
    rules: Rules,
    panel: PricePanel,
    positions: OpenPositions,
    portfolios: Portfolios,
    snapshots: pl.DataFrame,
    result: VolatilityResult,
) -> dict[str, pl.DataFrame]:
    """Return values at risk, and scores of the forecasts whose horizon ends in the window.

    They need the P&L of the session and a volatility over equity; without either there are none.

    Args:
        inputs: validated frames.
        window: sessions to compute.
        rules: choices between legacy and corrected behaviour.
        panel: prices.
        positions: N lots.
        portfolios: of the snapshots.
        snapshots: of `engine.pipeline.equity.roll_equity`.
        result: of the volatility job.
    """
    due = FORECAST_RULES.items() <= rules.record.items()
    if result.tails is None or result.snapshot is None or not due:
        return {}
    own = _as_stored("portfolio_snapshots", result.snapshot, "expected_volatility_21d")
    lots = _as_stored("position_volatility", result.tables["position_volatility"], "expected_vol_21d")
    shape = portfolios.equity.shape
    expected = snapshots.select("portfolio_id", snapshot_date="date").join(
        own, on=["portfolio_id", "snapshot_date"], how="left", maintain_order="left"
    )
    pnl = snapshots.select(usd(pl.col("daily_pnl"), CENT_SCALE)).to_series()
    risk = value_at_risk(
        portfolios,
        pl.Series("date", window.sessions, dtype=pl.Date),
        expected["expected_volatility_21d"].cast(pl.Float64).fill_null(np.nan).to_numpy().reshape(shape),
        result.tails,
        pnl.fill_null(np.nan).to_numpy().reshape(shape),
        inputs.previous_var,
    )
    measured = positions.frame.select("position_id", symbol=measured_symbol())
    named = lots.join(measured, on="position_id").select(
        "portfolio_id", "symbol", "calculation_date", "expected_vol_21d"
    )
    made = forecast_rows(named, own.select("portfolio_id", "snapshot_date", "expected_volatility_21d"))
    scores = forecast_scores(
        panel,
        pl.concat([inputs.previous_forecasts, made]),
        daily_returns(inputs.history, snapshots),
        inputs.previous_scores,
    )
    return {**risk, **scores}


def _as_stored(table: str, rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return rows with a figure as its table stores it."""
    return rows.with_columns(stored_columns(TABLES[table], rows, [column])[column])


def options(
    inputs: Inputs,
    rules: Rules,
    marks: pl.DataFrame,
    panel: PricePanel,
    quotes: PricePanel,
    positions: OpenPositions,
    dates: pl.Series,
) -> tuple[OptionBook, OpenPositions, dict[str, pl.DataFrame]]:
    """Return the options and what values them, the positions with options by their delta, and the tables.

    Args:
        inputs: validated frames.
        rules: of options without an implied volatility.
        marks: of `engine.pipeline.compute.mark_positions`.
        panel: closes that returns come from, those of underlyings included.
        quotes: closes of the window that values come from.
        positions: N lots, options among them.
        dates: [D] the window's sessions.
    """
    book = option_book(positions, inputs.positions, marks, panel, quotes, inputs.interest_rates, rules)
    return book, by_delta(positions, book), {GREEKS: greeks_rows(book, dates)}


def option_stress(
    book: OptionBook,
    rules: Rules,
    durations: pl.DataFrame,
    positions: OpenPositions,
    dates: pl.Series,
    betas: Sequence[JobResult],
    definitions: pl.DataFrame,
) -> Callable[[Bools], OptionCells]:
    """Return the function that stress asks for the cells of options (`engine.analytics.stress.option_moves`).

    Args:
        book: the options.
        rules: choices between legacy and corrected behaviour.
        durations: of the rate fund.
        positions: N lots.
        dates: [D] the window's sessions.
        betas: results of the jobs that estimate betas.
        definitions: of factors: id, name.
    """

    def cells(done: Bools) -> OptionCells:
        found = {name: [job.tables[name] for job in betas if name in job.tables] for name in POSITION_BETAS}
        tables = {name: pl.concat(frames) for name, frames in found.items()}
        names = dict(definitions.select("id", "name").iter_rows())
        return option_cells(book, done, positions.owner, tables, names, dates, rules, durations)

    return cells
