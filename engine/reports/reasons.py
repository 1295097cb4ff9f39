"""Why a figure is not there, in words: from analytics_status, and where that is silent, from the schema."""

from __future__ import annotations

from datetime import date

import polars as pl

from engine.core.schema import TABLES

MEANINGS = {
    "equity_not_positive": "the equity is not above 0, so that nothing can be weighed by it",
    "historical_session": "only the run date's own session has it, and this one lay before the run date",
    "insufficient_returns": "fewer than 20 days on which all larger holdings have a return",
    "no_active_positions": "no position is open",
    "no_benchmark": "the store holds no sector weights of the S&P 500",
    "no_betas": "no position has a beta to add up: each lacks prices or a value",
    "no_common_returns": "no day on which all larger holdings have a return",
    "no_equity": "the equity is 0, so that nothing can be weighed by it",
    "no_etf_data": "none of the factor funds has a return",
    "no_factor_data": "none of the factor funds has a return",
    "no_factor_exposures": "no factor exposure was stored that a scenario could shock",
    "no_factor_prices": "none of the factor funds has a price",
    "no_portfolio_volatility": "fewer than 63 days on which every priced symbol has a return",
    "no_position_betas": "no position has enough returns beside the factors'",
    "no_position_volatility": "no position has 63 returns",
    "no_positions": "no position was held in this session",
    "no_positions_pass_filter": "no position is large enough: 10,000 USD and 1 % of the portfolio",
    "no_public_positions": "no open position is quoted on a market",
    "no_scenarios": "no scenario is defined",
    "no_spread_data": "one of the factor funds lacks returns",
    "no_stored_scenarios": "the store knows none of the scenarios",
    "no_value": "the open positions are worth nothing",
    "one_factor_alone": "one factor fund alone has prices: nothing to correlate it with",
}
"""What a reason code of analytics_status says. A refused portfolio's reason is a sentence already."""

JOBS = {
    "pnl": "P&L",
    "snapshot": "Exposures",
    "market_values": "Position values",
    "market_beta": "Market beta",
    "provider_beta": "Provider beta",
    "rate_beta": "Rate beta",
    "spread_factors": "Spread factors",
    "ridge_factors": "Ridge factors",
    "sector": "Sectors",
    "volatility": "Volatility",
    "correlations": "Correlations",
    "stress": "Stress",
}
"""What the jobs of analytics_status are called on a page, in their order."""

NO_SNAPSHOT = "no snapshot is stored for this session"


def meaning(reason: str | None) -> str:
    """A reason code in words; a reason that is no known code as it stands."""
    return MEANINGS.get(reason, reason) if reason else "no reason is stored"


def why(status: pl.DataFrame, job: str, day: date, column: str = "") -> str:
    """Why a figure of a job is null in a session.

    Args:
        status: analytics_status of one portfolio.
        column: of portfolio_snapshots, for what its schema says of a null.
    """
    rows = status.filter(pl.col("job") == job, pl.col("calculation_date") == day)
    if rows.is_empty():
        return _schema_says(column) or f"the store holds no status of {JOBS[job].lower()} for {day}"
    row = rows.row(0, named=True)
    if row["status"] == "ok":
        return _schema_says(column) or "the job is done, but left this figure out"
    return f"{row['status']}, {meaning(row['reason'])}"


def spans(status: pl.DataFrame, job: str) -> pl.DataFrame:
    """How often a job did not get done, by reason.

    Returns:
        status, reason, sessions, first, last; most frequent first.
    """
    missing = status.filter(pl.col("job") == job, pl.col("status") != "ok")
    return (
        missing.group_by("status", "reason")
        .agg(
            sessions=pl.len(),
            first=pl.col("calculation_date").min(),
            last=pl.col("calculation_date").max(),
        )
        .sort("sessions", "reason", descending=[True, False])
    )


def _schema_says(column: str) -> str:
    found = TABLES["portfolio_snapshots"].by_name.get(column)
    text = found.null if found else None
    return text.partition(": see ")[0] if text and not text.startswith("its job") else ""
