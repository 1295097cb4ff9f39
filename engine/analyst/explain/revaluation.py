"""Options valued anew in a scenario, one contract after the other, beyond the move of their deltas."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import polars as pl

from engine.analyst.explain import joint, pairs, styles
from engine.analyst.explain.ask import Ask
from engine.analyst.explain.by_delta import DeltaCase
from engine.analyst.explain.case import Case, PositionLot
from engine.analyst.explain.contracts import contract
from engine.analyst.explain.factor_moves import duration
from engine.analyst.explain.working import table
from engine.analytics.betas.market import FACTOR as MARKET
from engine.core.funds import RATE_FUND, SPREAD_FUNDS, STYLE_FUNDS

OPTIONS = {
    "symbol": pl.String,
    "shares": pl.Float64,
    "move": pl.Float64,
    "price": pl.Float64,
    "moved_price": pl.Float64,
    "delta": pl.Float64,
    "gain": pl.Float64,
}
SMALLEST_PRICE = sys.float_info.min
"""USD: an underlying that falls by all that it is worth has this price."""


def beyond_delta(
    case: Case, move: Callable[[Mapping[str, float], float | None], float]
) -> tuple[float, pl.DataFrame]:
    """Return what options gain beyond their deltas, in USD, and a row for each; none in a book without them.

        shares (price(S (1 + move)) - price(S) - delta S move)

    Args:
        case: a book by delta; by options=premium the gain is 0.
        move: of an underlying, from its betas by factor and its sensitivity to the shock of rates.
    """
    if not isinstance(case, DeltaCase):
        return 0.0, table(OPTIONS, ())
    rows = []
    for lot in case.lots:
        counts = lot.id in case.options and lot.exit_date is None
        of = contract(case.plain, case.options[lot.id]) if counts else None
        now = of.greeks if of else None
        if of is None or now is None or of.spot is None:
            continue
        moved = move(_betas(case, lot), _to_rates(case, lot))
        then = of.at(max(of.spot * (1.0 + moved), SMALLEST_PRICE))
        gain = of.shares * (then.price - now.price - now.delta * of.spot * moved)
        rows.append((case.options[lot.id].symbol, of.shares, moved, now.price, then.price, now.delta, gain))
    return sum((row[-1] for row in rows), 0.0), table(OPTIONS, rows)


def _betas(case: Case, lot: PositionLot) -> dict[str, float]:
    """Return the underlying's betas by factor, of those that its row has."""
    explained = {MARKET: pairs.regression(case, Ask("position_market_betas", "beta", lot=lot)).value}
    for factor in (*SPREAD_FUNDS, *STYLE_FUNDS):
        if factor in case.factors:
            ask = Ask("position_factor_exposures", "exposure_value", lot=lot, factor=factor)
            explained[factor] = styles.style_beta(case, ask).value
    return {name: beta for name, beta in explained.items() if isinstance(beta, float)}


def _to_rates(case: Case, lot: PositionLot) -> float | None:
    """Return what the underlying gains for a shock of rates of 1, a fraction; None if unknown."""
    beta = joint.rate_figure(case, Ask("position_interest_rate_betas", "ir_beta", lot=lot)).value
    beta = beta if isinstance(beta, float) else None
    if case.rules.rate_shocks == "returns":
        return beta
    own, long = (duration(case, symbol, case.day) for symbol in (lot.symbol, RATE_FUND))
    if own is not None:
        return -own[1]
    return None if beta is None or long is None else -beta * long[1]
