"""The score of volatility forecasts: a walk-forward comparison on the closes of a store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from engine.analyst.store import Store
from engine.analyst.store import open as open_store
from engine.analytics.panels import PricePanel, day_numbers, scatter
from engine.analytics.volatility.candidates import CANDIDATES, FEWEST_RETURNS, ReturnHistory
from engine.core.calendar import sessions
from engine.core.errors import UsageError
from engine.core.instruments import unquoted
from engine.core.store_url import safe_url
from engine.numerics.arrays import Floats, Ints
from engine.numerics.forecasts import HORIZON, diebold_mariano, qlike

SCORES: dict[str, pl.DataType] = {
    "candidate": pl.String(),
    "pairs": pl.Int64(),
    "not_positive": pl.Int64(),
    "qlike": pl.Float64(),
    "sum_ratio": pl.Float64(),
    "qlike_of_ewma": pl.Float64(),
    "diebold_mariano": pl.Float64(),
    "p_value": pl.Float64(),
}


@dataclass(frozen=True)
class Score:
    """Walk-forward comparison of forecasts of the variance of the next 21 returns.

    Attributes:
        url: the store, without password.
        first, last: sessions of the first and of the last forecast that is compared.
        until: the last close that was read.
        symbols: with a forecast that is compared.
        left_out: symbols of option contracts and of private assets: no forecast reads their closes.
        dates: sessions with one.
        scores: one row for each candidate: pairs (of forecast and outcome), not_positive (forecasts that are
            0 or less, or that the candidate does not have), qlike (mean loss of the others), sum_ratio
            (forecasts over outcomes), qlike_of_ewma (on the same pairs), and the Diebold-Mariano statistic
            over dates against EWMA(0.94), below 0 where the candidate is better, with its two-sided p-value.
    """

    url: str
    first: date
    last: date
    until: date
    symbols: int
    left_out: int
    dates: int
    scores: pl.DataFrame

    def to_text(self) -> str:
        """Return the comparison as text for a terminal."""
        head = (
            f"{self.url}\n{self.symbols:,} symbols, {self.dates:,} dates from {self.first} to {self.last}, "
            f"closes until {self.until}; {HORIZON} returns ahead, after {FEWEST_RETURNS}; {self.left_out:,} "
            "symbols of options and private assets left out\n\n"
        )
        names = (
            f"{'candidate':<16}{'pairs':>10}{'<= 0':>8}{'QLIKE':>9}{'ratio':>9}{'EWMA':>9}{'DM':>8}{'p':>8}"
        )
        return "\n".join([head + names, *(_line(row) for row in self.scores.iter_rows(named=True))])

    def to_json(self) -> str:
        """Return the comparison as JSON."""
        facts = {name: value for name, value in vars(self).items() if name != "scores"}
        return json.dumps({**facts, "candidates": self.scores.to_dicts()}, indent=2, default=str)

    def __repr__(self) -> str:
        return self.to_text()


def score(store: Store | str, *, until: date | None = None) -> Score:
    """Compare forecasts of volatility on the closes of a store, walk-forward; nothing is written.

        QLIKE = mean of RV / h - ln(RV / h) - 1

    h is the variance that a candidate forecasts after a session, from that session's and earlier closes; RV
    is the mean of the symbol's next 21 squared simple returns. Pairs are pooled over symbols and sessions,
    from 126 returns of a symbol on. Closes after `until` are not read. Option contracts are left out: an
    option has the volatility of its underlying.

    Args:
        store: the store, or its URL; only its table market_data_cache is read.
        until: last day of closes; default the newest.

    Returns:
        The scores of all candidates.

    Raises:
        UsageError: no symbol of the store has enough closes.

    >>> import engine
    >>> found = engine.score("duckdb:///demo.duckdb")
    >>> found.scores["candidate"][0]
    'ewma'
    """
    source = store if isinstance(store, Store) else open_store(store)
    closes = source.read("market_data_cache", end=until, columns=["symbol", "date", "close"]).drop_nulls()
    quoted = closes.filter(~unquoted("symbol", "none"))
    history = _history(quoted, safe_url(source.url))
    pairs = history.compared & (history.outcomes > 0.0)
    if not pairs.any():
        raise UsageError(
            f"store {safe_url(source.url)} has no symbol with {FEWEST_RETURNS + HORIZON + 1} closes"
        )
    forecasts = {name: candidate(history)[pairs] for name, candidate in CANDIDATES.items()}
    session, symbol = np.nonzero(pairs)
    first, last = (_day(history.panel.days[row]) for row in (session.min(), session.max()))
    return Score(
        safe_url(source.url),
        first,
        last,
        until=_day(history.panel.days[-1]),
        symbols=np.unique(symbol).size,
        left_out=closes["symbol"].n_unique() - quoted["symbol"].n_unique(),
        dates=np.unique(session).size,
        scores=_scores(history.outcomes[pairs], session, forecasts),
    )


def _history(closes: pl.DataFrame, url: str) -> ReturnHistory:
    """Return the history of all symbols of a store, on the sessions of its closes."""
    first, last = closes["date"].min(), closes["date"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        raise UsageError(f"table market_data_cache of store {url} has no close: collect prices first")
    days = day_numbers(sessions(first, last))
    names, close = scatter(closes, closes["symbol"].unique(), sessions(first, last))
    return ReturnHistory(PricePanel(days, names, close, days))


def _day(number: int) -> date:
    return date.fromordinal(date(1970, 1, 1).toordinal() + int(number))


def _scores(outcomes: Floats, session: Ints, forecasts: dict[str, Floats]) -> pl.DataFrame:
    """Return rows of `SCORES`."""
    base = qlike(outcomes, next(iter(forecasts.values())))
    rows = [_score(name, outcomes, session, forecast, base) for name, forecast in forecasts.items()]
    return pl.DataFrame(rows, schema=SCORES, orient="row")


def _score(name: str, outcomes: Floats, session: Ints, forecast: Floats, base: Floats) -> tuple[Any, ...]:
    loss = qlike(outcomes, forecast)
    usable = np.isfinite(loss) & np.isfinite(base)
    if not usable.any():
        return (name, loss.size, loss.size, *[None] * 5)
    _, place = np.unique(session[usable], return_inverse=True)
    number = np.bincount(place)
    difference = np.bincount(place, (loss - base)[usable]) / number
    test = diebold_mariano(difference)
    ratio = forecast[usable].sum() / outcomes[usable].sum()
    figures = loss[usable].mean(), ratio, base[usable].mean(), test.statistic, test.p_value
    return (name, loss.size, int((~usable).sum()), *(_number(figure) for figure in figures))


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _line(row: dict[str, Any]) -> str:
    cells = (
        ("qlike", 9, 4),
        ("sum_ratio", 9, 3),
        ("qlike_of_ewma", 9, 4),
        ("diebold_mariano", 8, 2),
        ("p_value", 8, 3),
    )
    figures = (
        f"{'-' if row[name] is None else format(row[name], f'.{digits}f'):>{width}}"
        for name, width, digits in cells
    )
    return f"{row['candidate']:<16}{row['pairs']:>10,}{row['not_positive']:>8,}" + "".join(figures)
