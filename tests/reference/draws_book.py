"""Random portfolios and positions."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from .draws import (
    CREATED,
    DELETED,
    calendar_days,
    equities,
    money,
    prices,
    row_id,
    scaled,
)
from .pnl import OPTION_TYPES
from .prices import Row

PLAIN_SYMBOLS = ("AAA", "BBB", "CCC")
OCC_SYMBOL = "AAA251219C00100000"
SYNTHETIC_SYMBOL = "HOME_EQUITY"
EQ_SYMBOL = "EQIX"
LOWER_SYMBOL = "low"
UNPRICED_SYMBOL = "NOPX"
SYMBOLS = (
    *PLAIN_SYMBOLS,
    OCC_SYMBOL,
    SYNTHETIC_SYMBOL,
    EQ_SYMBOL,
    LOWER_SYMBOL,
    UNPRICED_SYMBOL,
)

SHORT_TYPES = frozenset({"SHORT", "SC", "SP"})
POSITION_TYPES = ("LONG", "SHORT", "LC", "LP", "SC", "SP")


def quantities(position_type: str) -> SearchStrategy[Decimal]:
    """Signed by type, in four decimals; options in small numbers; 0 if closed."""
    highest = 50_000 if position_type in OPTION_TYPES else 3_000_000
    ties = st.sampled_from([Decimal("0.5000"), Decimal("2.5000"), Decimal("1.0000")])
    amounts = st.one_of(scaled(1, highest, 4), ties, ties)
    sign = -1 if position_type in SHORT_TYPES else 1
    return amounts.map(lambda amount: sign * amount)


@st.composite
def portfolios(draw: DrawFn) -> list[Row]:
    """One to three portfolios."""
    return [_portfolio(draw, number) for number in range(draw(st.integers(1, 3)))]


def _portfolio(draw: DrawFn, number: int) -> Row:
    equity = draw(equities())
    deleted = equity is not None and draw(st.integers(0, 9)) == 9
    return {
        "id": row_id("portfolios", number),
        "user_id": row_id("users", 0),
        "name": f"Portfolio {number}",
        "account_name": f"Account {number}",
        "account_type": "taxable",
        "is_active": draw(st.booleans()),  # 1.1: the batch doesn't look at it
        "description": None,
        "currency": "USD",
        "equity_balance": equity,
        "created_at": CREATED,
        "updated_at": CREATED,
        "deleted_at": DELETED if deleted else None,
    }


@st.composite
def positions(draw: DrawFn, owners: list[Row], sessions: tuple[date, ...]) -> list[Row]:
    """None to six positions in each portfolio."""
    holders = [row["id"] for row in owners for _ in range(draw(st.integers(0, 6)))]
    return [_position(draw, number, holder, sessions) for number, holder in enumerate(holders)]


def _position(draw: DrawFn, number: int, holder: str, sessions: tuple[date, ...]) -> Row:
    symbol = draw(st.sampled_from(SYMBOLS))
    kind = draw(st.sampled_from(POSITION_TYPES))
    deleted = draw(st.integers(0, 9)) == 9
    return (
        {
            "id": row_id("positions", number),
            "portfolio_id": holder,
            "symbol": symbol,
            "position_type": kind,
            "entry_price": draw(prices()),
            "investment_class": draw(_classes(symbol, kind)),
            "investment_subtype": None,
            "realized_pnl": Decimal("0.00"),
            "notes": None,
            "created_at": CREATED,
            "updated_at": CREATED,
            "deleted_at": DELETED if deleted else None,
        }
        | _contract(symbol, kind)
        | _life(draw, kind, sessions)
        | _opening_value(draw)
    )


def _classes(symbol: str, kind: str) -> SearchStrategy[str | None]:
    """Mostly the usual class of the type; PRIVATE and null now and then."""
    usual = "OPTIONS" if kind in OPTION_TYPES else "PUBLIC"
    if symbol in (SYNTHETIC_SYMBOL, UNPRICED_SYMBOL, LOWER_SYMBOL):
        return st.sampled_from(["PRIVATE", usual])
    return st.sampled_from([usual, usual, usual, "PRIVATE", None])


def _contract(symbol: str, kind: str) -> Row:
    """Terms of an option; Phases 3 and 4 don't look at them."""
    is_option = kind in OPTION_TYPES
    return {
        "underlying_symbol": symbol[:3] if is_option else None,
        "strike_price": Decimal("100.0000") if is_option else None,
        "expiration_date": date(2025, 12, 19) if is_option else None,
    }


def _life(draw: DrawFn, kind: str, sessions: tuple[date, ...]) -> Row:
    """Entry, exit and quantity. A close through the API leaves 0 shares (1.2)."""
    inside = calendar_days(sessions, before=2, after=2)
    long_ago = sessions[0] - timedelta(days=200)
    entry = draw(st.sampled_from([long_ago, long_ago, *inside]))
    later = [day for day in inside if day >= entry] or [entry]
    closed_before = [entry] if entry == long_ago else []
    exits = st.sampled_from([*later, *closed_before])
    exit_date = draw(st.one_of(st.none(), st.none(), exits))
    emptied = exit_date is not None and draw(st.booleans())
    return {
        "entry_date": entry,
        "exit_date": exit_date,
        "exit_price": None if exit_date is None else draw(prices()),
        "quantity": Decimal("0.0000") if emptied else draw(quantities(kind)),
    }


def _opening_value(draw: DrawFn) -> Row:
    """What an earlier Phase 4 left; not tied to quantity and price."""
    if draw(st.booleans()):
        return dict.fromkeys(("last_price", "market_value", "unrealized_pnl"))
    return {
        "last_price": draw(prices()),
        "market_value": draw(money(-20_000, 20_000)),
        "unrealized_pnl": draw(money(-20_000, 20_000)),
    }
