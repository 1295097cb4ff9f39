"""Reasons: the codes of analytics_status, in words, and how a job ends with each."""

from __future__ import annotations

REASONS = {
    "equity_not_positive": "the session's equity is null, 0 or below",
    "no_active_positions": "no position is open",
    "no_public_positions": "no open position is of the class and type that the job looks at",
    "no_betas": "no position has enough returns in common with the fund",
    "no_position_betas": "no position has enough returns in common with the funds",
    "no_etf_data": "the funds have no common return in the look-back",
    "no_spread_data": "a fund has no close in the look-back",
    "no_factor_data": "the funds have no common return in the look-back",
    "no_position_volatility": "no position has 63 returns",
    "no_portfolio_volatility": "the portfolio's own series has fewer than 63 returns",
    "no_positions_pass_filter": "no position is worth 10,000 USD and 1 % of gross exposure",
    "no_common_returns": "the positions' symbols share no two days with closes",
    "insufficient_returns": "the positions' symbols share fewer than 20 returns",
    "historical_session": "a session before the run date has no sector figures",
    "no_positions": "no position is open that session",
    "no_equity": "equity is 0",
    "no_benchmark": "no sector weights of a benchmark are stored",
    "no_value": "the positions are worth nothing",
    "no_factor_prices": "no factor fund has a close in the look-back of the run date",
    "one_factor_alone": "a single factor fund has closes in the look-back of the run date",
    "no_factor_exposures": "the portfolio has no factor exposure yet",
    "no_scenarios": "no scenario is active",
    "no_stored_scenarios": "no active scenario has a row in stress_test_scenarios",
}
"""What the codes mean."""
SKIPS = (
    "no_public_positions",
    "no_position_betas",
    "no_spread_data",
    "no_factor_data",
    "no_positions_pass_filter",
    "no_common_returns",
    "insufficient_returns",
    "historical_session",
    "no_positions",
    "no_factor_exposures",
)
"""The codes of jobs that had nothing to do; the others are failures, but for the volatility job's own."""


def in_words(code: str) -> str:
    """What a code means; a reason that is no code says it itself."""
    return REASONS.get(code, code)
