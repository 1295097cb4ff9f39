"""Market beta, provider beta and rate beta (02 §4.1 to 4.3, §9)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from .inputs import PUBLIC, STOCK_TYPES, Book, PositionBeta, Profile
from .kernels import Line, ols
from .numbers import exact, stored
from .results import JobResult, Row, failed, ok, skipped
from .returns import Prices, aligned_returns
from .valuation import computed_value, stored_value

MARKET_JOB, PROVIDER_JOB, RATE_JOB = (
    "Market Beta (90D)",
    "Provider Beta (1Y)",
    "IR Beta",
)
MARKET_ETF, RATE_ETF = "SPY", "TLT"
WINDOW_DAYS, BUFFER_DAYS = 90, 30
MIN_RETURNS = 30


def exposure_row(book: Book, factor_id: str, beta: float, equity: Decimal) -> Row:
    """One factor_exposures row; dollars from the unrounded beta (02 §6)."""
    return {
        "portfolio_id": book.portfolio_id,
        "factor_id": factor_id,
        "calculation_date": book.date,
        "exposure_value": stored(beta, 6),
        "exposure_dollar": stored(exact(beta) * exact(float(equity)), 2),
    }


def pair_line(prices: Prices, symbol: str, etf: str, date: dt.date) -> Line | None:
    """OLS of a symbol's returns on an ETF's over the dates that both have in 120 days.

    Source: 02 §2.3, §4.1.
    """
    start = date - dt.timedelta(days=WINDOW_DAYS + BUFFER_DAYS)
    returns = aligned_returns(prices.table([symbol, etf], start, date))
    has_both = symbol in returns.columns and etf in returns.columns
    if not has_both or len(returns) < MIN_RETURNS:
        return None
    return ols(returns[symbol], returns[etf])


def market_beta_row(book: Book, position_id: str, line: Line) -> Row:
    """One position_market_betas row (02 §6)."""
    return {
        "portfolio_id": book.portfolio_id,
        "position_id": position_id,
        "calc_date": book.date,
        "beta": stored(line.beta, 6),
        "alpha": stored(line.alpha, 6),
        "r_squared": stored(line.r_squared, 6),
        "std_error": stored(line.std_error, 6),
        "p_value": stored(line.p_value, 6),
        "observations": line.observations,
        "window_days": WINDOW_DAYS,
        "method": "OLS_SIMPLE",
        "market_index": MARKET_ETF,
    }


def market_beta(book: Book, prices: Prices, factor_ids: dict[str, str]) -> JobResult:
    """Every active lot on SPY, summed over equity; fails where the others skip.

    Source: 02 §4.1, §8.
    """
    equity = book.valid_equity
    if equity is None:
        return failed(MARKET_JOB, "invalid_equity")
    if not book.active:
        return failed(MARKET_JOB, "no_active_positions")
    fits = [(p, pair_line(prices, p.symbol, MARKET_ETF, book.date)) for p in book.active]
    lines = [(p, line) for p, line in fits if line is not None]
    if not lines:
        return failed(MARKET_JOB, "no_position_betas")
    values = [float(stored_value(p)) for p, _ in lines]
    beta = sum(v * line.beta for v, (_, line) in zip(values, lines, strict=True)) / float(equity)
    gross = sum(abs(v) for v in values)
    weighted = sum(abs(v) * line.r_squared for v, (_, line) in zip(values, lines, strict=True))
    snapshot = {
        "beta_calculated_90d": stored(beta, 4),
        "beta_calculated_90d_r_squared": stored(weighted / gross if gross else 0.0, 4),
        "beta_calculated_90d_observations": min(line.observations for _, line in lines),
    }
    rows = {
        "position_market_betas": [market_beta_row(book, p.id, line) for p, line in lines],
        "factor_exposures": [exposure_row(book, factor_ids[MARKET_JOB], beta, equity)],
    }
    return ok(MARKET_JOB, rows, snapshot)


def newest_beta(betas: tuple[PositionBeta, ...], position_id: str) -> Decimal | None:
    """The position's stored market beta of the greatest date (02 §4.2 step 2)."""
    own = [b for b in betas if b.position_id == position_id]
    newest = max(own, key=lambda b: b.date, default=None)
    return newest.beta if newest is not None else None


def provider_beta(
    book: Book,
    profiles: dict[str, Profile],
    betas: tuple[PositionBeta, ...],
    factor_ids: dict[str, str],
) -> JobResult:
    """Profile betas of public stocks, else their market betas, summed over equity.

    Source: 02 §4.2.
    """
    equity = book.valid_equity
    if equity is None:
        return failed(PROVIDER_JOB, "invalid_equity")
    lots = [p for p in book.active if p.investment_class == PUBLIC and p.position_type in STOCK_TYPES]
    if not lots:
        return skipped(PROVIDER_JOB, "no_public_positions")
    terms = []
    for lot in lots:
        profile = profiles.get(lot.symbol)
        choice = (profile.beta if profile else None) or newest_beta(betas, lot.id)
        if choice and lot.market_value:
            terms.append(float(lot.market_value) * float(choice))
    if not terms:
        return failed(PROVIDER_JOB, "no_position_betas")
    beta = sum(terms) / float(equity)
    rows = {"factor_exposures": [exposure_row(book, factor_ids[PROVIDER_JOB], beta, equity)]}
    return ok(PROVIDER_JOB, rows, {"beta_provider_1y": stored(beta, 4)})


def rate_beta_row(book: Book, position_id: str, line: Line) -> Row:
    """One position_interest_rate_betas row; an R-squared of exactly 0 becomes null.

    Source: 02 §4.3.
    """
    return {
        "portfolio_id": book.portfolio_id,
        "position_id": position_id,
        "calculation_date": book.date,
        "ir_beta": stored(line.beta, 6),
        "r_squared": None if line.r_squared == 0 else stored(line.r_squared, 4),
    }


def rate_beta(book: Book, prices: Prices, factor_ids: dict[str, str]) -> JobResult:
    """Public lots on TLT; weights are absolute recomputed values over equity.

    Source: 02 §4.3.
    """
    equity = book.valid_equity
    if equity is None:
        return failed(RATE_JOB, "invalid_equity")
    lots = [p for p in book.active if p.investment_class == PUBLIC]
    if not lots:
        return skipped(RATE_JOB, "no_public_positions")
    fits = [(p, pair_line(prices, p.symbol, RATE_ETF, book.date)) for p in lots]
    lines = [(p, line) for p, line in fits if line is not None]
    if not lines:
        return failed(RATE_JOB, "no_position_betas")
    beta = sum(line.beta * (float(abs(computed_value(p))) / float(equity)) for p, line in lines)
    rows = {
        "position_interest_rate_betas": [rate_beta_row(book, p.id, line) for p, line in lines],
        "factor_exposures": [exposure_row(book, factor_ids[RATE_JOB], beta, equity)],
    }
    return ok(RATE_JOB, rows)
