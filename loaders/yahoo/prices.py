"""Daily bars and actions of one symbol, by yfinance's `Ticker.history`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from loaders.market.provider import ACTIONS, BARS, Prices, PricesWanted
from loaders.yahoo.errors import NoDataError, RenamedError
from loaders.yahoo.spelling import provider_symbol

if TYPE_CHECKING:
    import pandas as pd

    from loaders.yahoo.session import PatientSession

NEW_YORK = "America/New_York"
COLUMNS = {
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "adjusted_close": "Adj Close",
    "volume": "Volume",
}
KINDS = {"dividend": "Dividends", "split": "Stock Splits", "gain": "Capital Gains"}


def fetch_prices(session: PatientSession, wanted: PricesWanted) -> Prices:
    """One request for the bars of a symbol, unadjusted for dividends, with its actions.

    Raises:
        YahooError: Yahoo has none, does not know the symbol, or cannot be reached.
    """
    import yfinance

    ticker = yfinance.Ticker(provider_symbol(wanted.symbol), session=session)
    # Known beforehand, the time zone costs no request of its own. Of another exchange's, the window
    # is off by hours, so it is a day wider at both ends.
    ticker._tz = NEW_YORK
    one_day = timedelta(days=1)
    try:
        found = ticker.history(
            start=wanted.start - one_day, end=wanted.end + 2 * one_day, auto_adjust=False, actions=True
        )
    except yfinance.exceptions.YFPricesMissingError as error:
        raise NoDataError(str(error.rationale)) from error
    told = ticker.history_metadata
    _refuse_another(ticker.ticker, str(told.get("symbol", "")))
    days = pl.Series("date", found.index.tz_localize(None).to_numpy().astype("datetime64[D]"))
    inside = days.is_between(wanted.start, wanted.end)
    bars = _bars(found, days).filter(inside)
    actions = _actions(found, days).filter(pl.col("date").is_between(wanted.start, wanted.end))
    if bars.is_empty():
        raise NoDataError(f"no bar from {wanted.start} to {wanted.end}")
    return Prices(
        bars,
        actions,
        exchange=str(told.get("exchangeName") or "")[:20],
        currency=str(told.get("currency") or "")[:10],
        listed=_day(told.get("firstTradeDate")),
    )


def _refuse_another(asked: str, answered: str) -> None:
    if answered and answered.upper() != asked.upper():
        raise RenamedError(f"Yahoo answers with {answered.upper()}")


def _bars(found: pd.DataFrame, days: pl.Series) -> pl.DataFrame:
    columns = {name: found[theirs].to_numpy() for name, theirs in COLUMNS.items()}
    return pl.DataFrame({"date": days, **columns}).cast(BARS)  # type: ignore[arg-type]


def _actions(found: pd.DataFrame, days: pl.Series) -> pl.DataFrame:
    parts = [
        pl.DataFrame({"date": days, "value": found[theirs].to_numpy()}).select(
            "date", kind=pl.lit(kind), value=pl.col("value").cast(pl.Float64)
        )
        for kind, theirs in KINDS.items()
        if theirs in found.columns
    ]
    some = (pl.col("value") > 0) & pl.col("value").is_finite()
    return pl.concat([pl.DataFrame(schema=ACTIONS), *parts]).filter(some).sort("date", "kind")


def _day(moment: Any) -> date | None:
    """The day of a time stamp, in seconds or as yfinance formats it."""
    if isinstance(moment, int | float):
        return datetime.fromtimestamp(moment, UTC).date()
    return moment.date() if isinstance(moment, datetime) else None
