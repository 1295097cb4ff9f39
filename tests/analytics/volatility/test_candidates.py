"""Candidates of the forecast, each against pandas or statsmodels in single sessions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from engine.analytics.panels import PricePanel
from engine.analytics.volatility.candidates import CANDIDATES, ReturnHistory
from engine.numerics.arrays import Floats

T, LAST = 260, 230
"""Sessions, and one whose forecasts are derived here."""


def history(sessions: int = T) -> ReturnHistory:
    rng = np.random.default_rng(3)
    level = np.exp(np.cumsum(rng.normal(0, 0.1, (T, 3)), axis=0)) * 0.01
    close = 100 * np.cumprod(1 + rng.normal(size=(T, 3)) * level.clip(0.003, 0.05), axis=0)
    close[60:63, 1] = np.nan
    close[:40, 2] = np.nan
    days = np.arange(sessions) + 20_000
    return ReturnHistory(PricePanel(days, ("A", "B", "C"), close[:sessions], days))


ALL = history()


def squares(symbol: int, until: int = LAST) -> pd.Series:
    closes = pd.Series(ALL.panel.close[: until + 1, symbol]).dropna()
    return (closes.pct_change().dropna() ** 2).reset_index(drop=True)


def outcome(symbol: int, until: int) -> float:
    """RV of the 21 returns after a session."""
    seen = len(squares(symbol, until))
    return float(squares(symbol, T - 1)[seen : seen + 21].mean())


def frame(symbol: int, log: bool) -> pd.DataFrame:
    """Regressors and outcomes of a symbol's returns up to `LAST`; outcomes that it does not know are null."""
    x = squares(symbol)
    parts = {span: x.rolling(span).mean() for span in ((5, 21) if log else (1, 5, 21))}
    data = pd.DataFrame({**parts, "y": x.rolling(21).mean().shift(-21)})
    return np.log(data) if log else data


def direct(symbol: int, log: bool) -> float:
    data = frame(symbol, log)
    known = data.dropna()
    fit = sm.OLS(known["y"], sm.add_constant(known.drop(columns="y"))).fit()
    now = float(fit.params.to_numpy() @ np.r_[1.0, data.drop(columns="y").iloc[-1]])
    return now if not log else float(np.exp(now + (fit.resid**2).mean() / 2))


@pytest.mark.parametrize("symbol", [0, 1, 2])
def test_outcomes_are_of_the_next_21_returns_of_the_symbol_s_own_closes(symbol: int) -> None:
    assert ALL.outcomes[LAST, symbol] == pytest.approx(outcome(symbol, LAST), rel=1e-12)
    assert ALL.compared[:, symbol].sum() == len(squares(symbol, T - 1)) - 21 - 126 + 1
    assert np.isnan(ALL.outcomes[T - 21 :, symbol]).all()


@pytest.mark.parametrize("symbol", [0, 1, 2])
def test_candidates_of_one_series(symbol: int) -> None:
    x = squares(symbol)
    expected = {
        "ewma": x.ewm(alpha=0.06).mean().iloc[-1],
        "ewma_97": x.ewm(alpha=0.03).mean().iloc[-1],
        "year": x.mean(),
        "har": direct(symbol, log=False),
        "log_har": direct(symbol, log=True),
        "mean_reverting": 2 / 3 * x.ewm(alpha=0.06).mean().iloc[-1] + x.mean() / 3,
    }
    for name, value in expected.items():
        assert CANDIDATES[name](ALL)[LAST, symbol] == pytest.approx(value, rel=1e-8), name


def pooled(symbol: int, log: bool) -> float:
    """One regression of all pairs whose outcome is known in `LAST`, each over its mean of a year."""
    spans = (5, 21) if log else (1, 5, 21)
    form = np.log if log else np.asarray
    parts, now = [], None
    for number in range(3):
        for session in range(T):
            if np.isnan(ALL.panel.close[session, number]) or session > LAST:
                continue
            x = squares(number, session)
            if len(x) < 21:
                continue
            row = form(np.array([x.tail(span).mean() for span in spans]) / x.mean())
            if (number, session) == (symbol, LAST):
                now = np.r_[1.0, row]
            if len(x) + 21 <= len(squares(number)):
                parts.append([form(outcome(number, session) / x.mean()), 1.0, *row])
    data = np.array(parts)
    fit = sm.OLS(data[:, 0], data[:, 1:]).fit()
    forecast = float(now @ fit.params)
    level = float(squares(symbol).mean())
    return level * (np.exp(forecast + (fit.resid**2).mean() / 2) if log else forecast)


@pytest.mark.parametrize(("name", "log"), [("panel_har", False), ("panel_log_har", True)])
def test_candidates_of_all_series(name: str, log: bool) -> None:
    assert CANDIDATES[name](ALL)[LAST, 2] == pytest.approx(pooled(2, log), rel=1e-8)


def test_scaling_by_the_market_takes_the_mean_ratio_of_all_symbols() -> None:
    recent = [squares(symbol).ewm(alpha=0.06).mean().iloc[-1] for symbol in range(3)]
    year = [squares(symbol).mean() for symbol in range(3)]
    ratio = np.mean([one / other for one, other in zip(recent, year, strict=True)])
    expected = (recent[1] + year[1] + ratio * year[1]) / 3
    assert CANDIDATES["market_scaled"](ALL)[LAST, 1] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", CANDIDATES)
def test_no_forecast_changes_a_bit_when_later_closes_are_deleted(name: str) -> None:
    def until(sessions: int) -> Floats:
        return CANDIDATES[name](history(sessions))[: LAST + 1]

    np.testing.assert_array_equal(until(LAST + 1), until(T))
