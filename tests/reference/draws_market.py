"""Random closes, with gaps, zeros and rows on days off."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from .draws import CREATED, calendar_days, closes, row_id
from .draws_book import UNPRICED_SYMBOL
from .prices import Row

#: Ages in days, before the first session, at which there may be a close.
OLD_AGES = (1, 3, 7, 12, 40)
#: Ages on both sides of the look-backs of 5 and 10 days, and one beyond.
EDGE_AGES = (5, 6, 10, 11, 40)
#: Prices go on after the window: nothing may look at them.
DAYS_AFTER = 3


@st.composite
def market_data(draw: DrawFn, held: list[Row], sessions: tuple[date, ...]) -> list[Row]:
    """Closes of the symbols held, on any day of the week, with gaps."""
    symbols = sorted({row["symbol"] for row in held} - {UNPRICED_SYMBOL})
    listed = [name for symbol in symbols for name in _listed_as(draw, symbol)]
    quotes = [quote for name in listed for quote in _quotes(draw, name, sessions)]
    return [_market_row(number, *quote) for number, quote in enumerate(quotes)]


def _listed_as(draw: DrawFn, symbol: str) -> list[str]:
    """Spellings of a symbol in the table (Q42).

    A lower-case symbol that is listed in lower case only is valued by Phase 4
    alone. If it is PRIVATE, its exposure is the value of the session before.
    """
    upper = symbol.upper()
    if symbol == upper:
        return [symbol]
    return draw(st.sampled_from([[upper], [upper, symbol], [symbol]]))


def _quotes(draw: DrawFn, name: str, sessions: tuple[date, ...]) -> list[tuple[str, date, Decimal]]:
    """Closes of a symbol on most sessions, or on a few days only."""
    sparse = draw(st.integers(0, 2)) == 2
    days = _sparse_days(draw, sessions) if sparse else _dense_days(draw, sessions)
    dated = [(day, draw(closes())) for day in days]
    return [(name, day, close) for day, close in dated if close is not None]


def _dense_days(draw: DrawFn, sessions: tuple[date, ...]) -> list[date]:
    """Some old days, every session, a day off now and then, days after the window."""
    ages = draw(st.sets(st.sampled_from(OLD_AGES), max_size=4))
    old = [sessions[0] - timedelta(days=age) for age in sorted(ages, reverse=True)]
    return old + [
        day
        for day in calendar_days(sessions, after=DAYS_AFTER)
        if day in sessions or draw(st.integers(0, 4)) == 4
    ]


def _sparse_days(draw: DrawFn, sessions: tuple[date, ...]) -> list[date]:
    """A session, and one close about a look-back before it; or that close alone."""
    session = draw(st.sampled_from(sessions))
    old = session - timedelta(days=draw(st.sampled_from(EDGE_AGES)))
    return [old, session] if draw(st.booleans()) else [old]


def _market_row(number: int, symbol: str, day: date, close: Decimal) -> Row:
    return {
        "id": row_id("market_data_cache", number),
        "symbol": symbol,
        "date": day,
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": 1000,
        "sector": None,
        "industry": None,
        "exchange": None,
        "country": None,
        "market_cap": None,
        "data_source": "polygon" if close else "fmp_profile",
        "created_at": CREATED,
        "updated_at": CREATED,
    }
