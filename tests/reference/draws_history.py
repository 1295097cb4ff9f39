"""Random realized events, capital flows and earlier snapshots."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from .draws import (
    CREATED,
    DELETED,
    calendar_days,
    equities,
    money,
    optional,
    row_id,
    scaled,
)
from .prices import Row


@st.composite
def realized_events(draw: DrawFn, held: list[Row], sessions: tuple[date, ...]) -> list[Row]:
    """Gains and losses of positions held, on sessions and on days off."""
    days = st.sampled_from(calendar_days(sessions, before=3, after=3))
    count = draw(st.integers(0, 4)) if held else 0
    return [_realized_event(draw, number, draw(st.sampled_from(held)), draw(days)) for number in range(count)]


def _realized_event(draw: DrawFn, number: int, position: Row, day: date) -> Row:
    return {
        "id": row_id("position_realized_events", number),
        "position_id": position["id"],
        "portfolio_id": position["portfolio_id"],
        "trade_date": day,
        "quantity_closed": draw(scaled(1, 1_000_000, 4)),
        "realized_pnl": draw(money(-5_000, 5_000)),
        "created_at": CREATED,
    }


@st.composite
def equity_changes(draw: DrawFn, owners: list[Row], sessions: tuple[date, ...]) -> list[Row]:
    """Contributions and withdrawals, on sessions and on days off."""
    days = st.sampled_from(calendar_days(sessions, before=3, after=3))
    return [
        _equity_change(draw, number, draw(st.sampled_from(owners)), draw(days))
        for number in range(draw(st.integers(0, 4)))
    ]


def _equity_change(draw: DrawFn, number: int, owner: Row, day: date) -> Row:
    deleted = draw(st.integers(0, 4)) == 4
    return {
        "id": row_id("equity_changes", number),
        "portfolio_id": owner["id"],
        "change_type": draw(st.sampled_from(["CONTRIBUTION", "WITHDRAWAL"])),
        "amount": draw(scaled(1, 15_000_000, 2)),
        "change_date": day,
        "notes": None,
        "created_by_user_id": owner["user_id"],
        "created_at": CREATED,
        "updated_at": CREATED,
        "deleted_at": DELETED if deleted else None,
    }


#: Columns of portfolio_snapshots (1.3) that may be null.
NULLABLE_SNAPSHOT_COLUMNS = (
    "daily_pnl",
    "daily_return",
    "daily_realized_pnl",
    "daily_capital_flow",
    "portfolio_delta",
    "portfolio_gamma",
    "portfolio_theta",
    "portfolio_vega",
    "realized_volatility_21d",
    "realized_volatility_63d",
    "expected_volatility_21d",
    "volatility_trend",
    "volatility_percentile",
    "beta_calculated_90d",
    "beta_calculated_90d_r_squared",
    "beta_calculated_90d_observations",
    "beta_provider_1y",
    "beta_portfolio_regression",
    "sector_exposure",
    "hhi",
    "effective_num_positions",
    "top_3_concentration",
    "top_10_concentration",
    "target_price_return_eoy",
    "target_price_return_next_year",
    "target_price_downside_return",
    "target_price_upside_eoy_dollars",
    "target_price_upside_next_year_dollars",
    "target_price_downside_dollars",
    "target_price_coverage_pct",
    "target_price_positions_count",
    "target_price_total_positions",
    "target_price_last_updated",
)


@st.composite
def earlier_snapshots(draw: DrawFn, owners: list[Row], sessions: tuple[date, ...]) -> list[Row]:
    """None to two older snapshots of each portfolio."""
    ages = st.lists(st.sampled_from([1, 3, 12, 40]), max_size=2, unique=True)
    dated = [
        (owner["id"], sessions[0] - timedelta(days=age))
        for owner in owners
        for age in sorted(draw(ages), reverse=True)
    ]
    return [_snapshot(draw, number, *key) for number, key in enumerate(dated)]


def _snapshot(draw: DrawFn, number: int, portfolio_id: str, day: date) -> Row:
    equity = draw(equities())
    cumulative = optional(money(-50_000, 50_000))
    value = equity if equity is not None else Decimal("0.00")
    zeros = ("long_value", "short_value", "gross_exposure", "net_exposure")
    counts = ("num_positions", "num_long_positions", "num_short_positions")
    return (
        dict.fromkeys(NULLABLE_SNAPSHOT_COLUMNS)
        | dict.fromkeys(zeros, Decimal("0.00"))
        | dict.fromkeys(counts, 0)
        | {
            "id": row_id("portfolio_snapshots", number),
            "portfolio_id": portfolio_id,
            "snapshot_date": day,
            "total_value": value,
            "cash_value": max(value, Decimal("0.00")),
            "cumulative_pnl": draw(cumulative),
            "cumulative_realized_pnl": draw(cumulative),
            "cumulative_capital_flow": draw(cumulative),
            "equity_balance": equity,
            "is_complete": draw(st.booleans()),
            "created_at": CREATED,
        }
    )
