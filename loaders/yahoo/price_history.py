"""Daily bars and actions of one symbol, by yfinance's `Ticker.history`."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from loaders.market.provider import ACTIONS, BARS, PriceRequest, Prices
from loaders.market.request_errors import NoDataError, RenamedError
from loaders.yahoo.conversion import yahoo_symbol

if TYPE_CHECKING:
    import pandas as pd

    from loaders.yahoo.session import LimitedSession

NEW_YORK = "America/New_York"
ONE_DAY = timedelta(days=1)
COLUMNS = {
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "adjusted_close": "Adj Close",
    "volume": "Volume",
}
ACTION_COLUMNS = {"dividend": "Dividends", "split": "Stock Splits", "gain": "Capital Gains"}


def fetch_prices(session: LimitedSession, request: PriceRequest) -> Prices:
    """Fetch the bars of a symbol, not adjusted for dividends, with its actions: one request.

    Args:
        session: sends the request; its RequestErrors pass.
        request: symbol and days.

    Returns:
        At least one bar.

    Raises:
        NoDataError: Yahoo has no bar of these days.
    """
    import yfinance

    ticker = yfinance.Ticker(yahoo_symbol(request.symbol), session=session)
    # Setting the time zone saves a request. For a listing in another zone the window is off by
    # hours, so it is a day wider at both ends; yfinance's end is exclusive.
    ticker._tz = NEW_YORK
    # An answer from yfinance's cache would not pass the session, which looks at what yfinance drops.
    ticker._data.cache_get.cache_clear()
    try:
        history = ticker.history(
            start=request.start - ONE_DAY, end=request.end + 2 * ONE_DAY, auto_adjust=False, actions=True
        )
    except yfinance.exceptions.YFPricesMissingError as error:
        raise NoDataError(str(error.rationale)) from error
    metadata = ticker.history_metadata
    _require_symbol(ticker.ticker, str(metadata.get("symbol", "")))
    days = pl.Series("date", history.index.tz_localize(None).to_numpy().astype("datetime64[D]"))
    inside = pl.col("date").is_between(request.start, request.end)
    bars = _bars(history, days).filter(inside)
    if bars.is_empty():
        raise NoDataError(f"no bar from {request.start} to {request.end}")
    return Prices(
        bars,
        _actions(history, days).filter(inside),
        exchange=str(metadata.get("exchangeName") or "")[:20],
        currency=str(metadata.get("currency") or "")[:10],
        listed=_date(metadata.get("firstTradeDate")),
        adjusted=_has_adjusted_closes(session.answer),
    )


def _has_adjusted_closes(answer: Any) -> bool:
    """Return whether a chart has adjusted closes; yfinance puts the closes where there are none."""
    with suppress(LookupError, TypeError):
        return bool(answer["chart"]["result"][0]["indicators"]["adjclose"][0]["adjclose"])
    return False


def _require_symbol(requested: str, answered: str) -> None:
    """Raise RenamedError if the answer is another symbol's."""
    if answered and answered.upper() != requested.upper():
        raise RenamedError(f"Yahoo answers with {answered.upper()}")


def _bars(history: pd.DataFrame, days: pl.Series) -> pl.DataFrame:
    columns = {name: history[column].to_numpy() for name, column in COLUMNS.items()}
    return pl.DataFrame({"date": days, **columns}).cast(BARS)  # type: ignore[arg-type]


def _actions(history: pd.DataFrame, days: pl.Series) -> pl.DataFrame:
    parts = [
        pl.DataFrame({"date": days, "value": history[column].to_numpy()}).select(
            "date", kind=pl.lit(kind), value=pl.col("value").cast(pl.Float64)
        )
        for kind, column in ACTION_COLUMNS.items()
        if column in history.columns
    ]
    # yfinance fills days without an action with 0.
    present = (pl.col("value") > 0) & pl.col("value").is_finite()
    return pl.concat([pl.DataFrame(schema=ACTIONS), *parts]).filter(present).sort("date", "kind")


def _date(moment: Any) -> date | None:
    """Return the date of a time stamp, in seconds or as yfinance formats it."""
    if isinstance(moment, int | float):
        return datetime.fromtimestamp(moment, UTC).date()
    return moment.date() if isinstance(moment, datetime) else None
