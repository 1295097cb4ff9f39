"""What random worlds are made of: days, prices, amounts, ids."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from uuid import NAMESPACE_OID, uuid5

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from .golden import nyse_sessions

CREATED = datetime(2025, 1, 2, 12, tzinfo=UTC)
DELETED = datetime(2025, 2, 3, 12, tzinfo=UTC)


def calendar_days(sessions: tuple[date, ...], before: int = 0, after: int = 0) -> list[date]:
    """Every calendar day of a window, with a margin on both sides."""
    start = sessions[0] - timedelta(days=before)
    count = (sessions[-1] - start).days + after + 1
    return [start + timedelta(days=offset) for offset in range(count)]


def row_id(table: str, number: int) -> str:
    """The same uuid for the same row of a table, in lower case."""
    return str(uuid5(NAMESPACE_OID, f"{table}/{number}"))


def scaled(lowest: int, highest: int, scale: int) -> SearchStrategy[Decimal]:
    """Decimals of a fixed scale; the bounds are in units of the last digit."""
    unit = Decimal(1).scaleb(-scale)
    return st.integers(lowest, highest).map(lambda digits: digits * unit)


def money(lowest: int, highest: int) -> SearchStrategy[Decimal]:
    """Amounts between whole bounds, to the cent."""
    return scaled(lowest * 100, highest * 100, 2)


@lru_cache
def _windows() -> tuple[tuple[date, ...], ...]:
    """Runs of 5 to 8 sessions of 2025 with a day off inside, shortest first."""
    year = nyse_sessions(date(2025, 1, 2), date(2025, 12, 31))
    runs = (year[first : first + length] for length in range(5, 9) for first in range(len(year) - length + 1))
    return tuple(run for run in runs if (run[-1] - run[0]).days >= len(run))


@lru_cache
def _holiday_windows() -> tuple[tuple[date, ...], ...]:
    """Those in which a weekday is missing."""
    return tuple(run for run in _windows() if sum(day.weekday() < 5 for day in calendar_days(run)) > len(run))


def windows() -> SearchStrategy[tuple[date, ...]]:
    """Sessions of a window, with a holiday in about every other one."""
    return st.one_of(
        st.deferred(lambda: st.sampled_from(_windows())),
        st.deferred(lambda: st.sampled_from(_holiday_windows())),
    )


def prices() -> SearchStrategy[Decimal]:
    """Prices to the cent, which make half cents, and to four decimals."""
    return st.one_of(
        scaled(1, 40_000, 2).map(lambda price: price.quantize(Decimal("0.0001"))),
        scaled(1, 4_000_000, 4),
    )


def closes() -> SearchStrategy[Decimal | None]:
    """A close, a zero close, or none; mostly the first."""
    gap_or_zero = st.sampled_from([None, None, Decimal("0.0000")])
    return st.one_of(prices(), prices(), prices(), gap_or_zero)


def optional(values: SearchStrategy[Decimal]) -> SearchStrategy[Decimal | None]:
    """A value or null."""
    return st.one_of(st.none(), values)


def equities() -> SearchStrategy[Decimal | None]:
    """Opening equity: mostly above zero, and large enough for numeric(8, 6)."""
    usual = money(100_000, 2_000_000)
    odd = st.one_of(st.just(Decimal("0.00")), money(-500_000, -1), st.none())
    return st.one_of(usual, usual, usual, usual, usual, odd)
