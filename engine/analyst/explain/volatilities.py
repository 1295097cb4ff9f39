"""Volatility of positions and portfolios: realised, forecast, trend and percentile."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case, PositionLot
from engine.analyst.explain.return_series import Returns, own_returns, portfolio_returns, volatility_symbol
from engine.analyst.explain.working import Step, Value, Working, absent
from engine.analytics.volatility.position_volatility import STEEPEST_STABLE, WEAKEST_TREND
from engine.core.job_catalog import (
    EQUITY_NOT_POSITIVE,
    NO_PORTFOLIO_VOLATILITY,
    NO_POSITION_VOLATILITY,
    PERCENTILE_LOOK_BACK,
    VOLATILITY,
    VOLATILITY_NO_ACTIVE_POSITIONS,
    VOLATILITY_NO_PUBLIC_POSITIONS,
    Reason,
)
from engine.core.rules import VolatilityForecast
from engine.numerics.arrays import Floats
from engine.numerics.forecasts import DECAY
from engine.numerics.volatility import MIN_FOR_PERCENTILE, TREND_POINTS, least_same

ANNUAL = math.sqrt(252)
WEEK, MONTH, QUARTER = 5, 21, 63
NAMES = {
    "realized_volatility_21d": "realized_vol_21d",
    "realized_volatility_63d": "realized_vol_63d",
    "expected_volatility_21d": "expected_vol_21d",
    "volatility_trend": "vol_trend",
    "volatility_percentile": "vol_percentile",
}
"""Columns of position_volatility by the snapshot's column of the same figure."""
SPANS = {"realized_vol_21d": MONTH, "vol_monthly": MONTH, "realized_vol_63d": QUARTER, "vol_weekly": WEEK}
"""Number of returns of each realised volatility."""
COMPONENTS = {
    "D": "fraction a year, |return|",
    "W": "fraction a year, volatility of the last 5 returns",
    "M": "fraction a year, volatility of the last 21 returns",
}
POSITION_NAMES = (
    *SPANS,
    "vol_daily",
    "observations",
    "vol_percentile",
    "vol_trend",
    "vol_trend_strength",
    "expected_vol_21d",
    "model_r_squared",
)
"""Columns of position_volatility."""
LABEL = f"stable, or, where R2 > {WEAKEST_TREND} and |slope| > {STEEPEST_STABLE}, increasing or decreasing"


def position_volatility(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of position_volatility.

    Args:
        case: Closes of the position's symbol.
        ask: The position, and a column of the table.
    """
    lot = ask.position
    symbol = volatility_symbol(lot)
    if not lot.live or symbol in case.never_quoted:
        why = "the position is closed or deleted" if not lot.live else f"{symbol} has no market price"
        return absent(f"{ask.column} of the returns of {symbol}", why)
    if case.stale(symbol):
        return absent(f"{ask.column} of the returns of {symbol}", case.stale(symbol))
    series, year = own_returns(case, symbol), case.rules.percentile_window == "365_days"
    ranked = series if year else own_returns(case, symbol, PERCENTILE_LOOK_BACK)
    return figure(ask.column, ask.column, series, ranked, case.rules.volatility_forecast)


def portfolio_volatility(case: Case, ask: Ask) -> Working:
    """Return the working of one of the five volatility figures of the snapshot.

    Args:
        case: Lots, their values and closes.
        ask: A key of NAMES.
    """
    lots, reason = eligible_lots(case)
    reason = reason or reason_against(case, lots)
    series = None if reason else portfolio_returns(case, lots)
    if reason or series is None:
        assert reason is not None
        return absent(f"{ask.column} of the portfolio's returns", reason)
    year = case.rules.percentile_window == "365_days"
    ranked = series if year else portfolio_returns(case, lots, PERCENTILE_LOOK_BACK)
    return figure(ask.column, NAMES[ask.column], series, ranked or series, case.rules.volatility_forecast)


def eligible_lots(case: Case) -> tuple[list[PositionLot], Reason | None]:
    """Return the open lots with a market price, and the reason if there are none."""
    live = [lot for lot in case.lots if lot.live]
    lots = [lot for lot in live if volatility_symbol(lot) not in case.never_quoted]
    if case.rules.volatility_weights == "equity" and not case.money("equity_balance") > 0:
        return lots, EQUITY_NOT_POSITIVE
    if not live:
        return [], VOLATILITY_NO_ACTIVE_POSITIONS
    return lots, None if lots else VOLATILITY_NO_PUBLIC_POSITIONS


def has_minimum(case: Case, lot: PositionLot) -> bool:
    """Return whether a lot has the minimum number of returns for its figures, and a part in the portfolio's.

    Args:
        case: Closes of the lot's symbol.
        lot: Of the portfolio.
    """
    symbol = volatility_symbol(lot)
    weighed = case.mark(lot).value is not None and case.money("equity_balance") > 0
    enough = len(own_returns(case, symbol).values) >= VOLATILITY.minimum
    return enough and (weighed or case.rules.volatility_weights == "net") and not case.stale(symbol)


def reason_against(case: Case, lots: list[PositionLot]) -> Reason | None:
    """Return why lots have no portfolio volatility, None if they have one.

    Args:
        case: Closes of the lots' symbols.
        lots: Open, with a market price.
    """
    if not any(has_minimum(case, lot) for lot in lots):
        return NO_POSITION_VOLATILITY
    series = portfolio_returns(case, lots)
    few = series is None or len(series.values) < VOLATILITY.minimum
    return NO_PORTFOLIO_VOLATILITY if few else None


def figure(column: str, name: str, series: Returns, ranked: Returns, forecast: VolatilityForecast) -> Working:
    """Explain a volatility figure of a series of at least 63 returns.

    Args:
        column: Column name for the formula.
        name: Name of the figure in position_volatility.
        series: Simple returns of a year.
        ranked: Those of the percentile's look-back.
        forecast: The rule.

    Returns:
        Working of the figure, absent with fewer returns.
    """
    count = len(series.values)
    if count < VOLATILITY.minimum:
        reason = f"{count} returns, at least {VOLATILITY.minimum} are needed"
        return absent(f"{column} of the returns", reason, frames=series.frames, sample=series.sample)
    by_name: dict[str, Callable[[str, Returns], Working]] = {
        "vol_daily": _daily,
        "observations": _observations,
        "vol_percentile": lambda column, _: _percentile(column, series, ranked),
        "vol_trend": _trend,
        "vol_trend_strength": _strength,
        "expected_vol_21d": _forecast if forecast == "daily_har" else _reverting,
        "model_r_squared": _model_fit if forecast == "daily_har" else _no_model,
    }
    return by_name[name](column, series) if name in by_name else _realised(column, SPANS[name], series)


def _working(series: Returns, formula: str, value: Value, *steps: Step, **frames: pl.DataFrame) -> Working:
    return Working(formula, value, steps, {**series.frames, **frames}, series.sample, series.notes)


def _daily(column: str, series: Returns) -> Working:
    last = float(series.values[-1])
    step = Step("r", last, f"the return of {series.days[-1]}", "frame `returns`")
    return _working(series, f"{column} = abs({{r}}) * sqrt(252)", abs(last) * ANNUAL, step)


def _observations(column: str, series: Returns) -> Working:
    count = len(series.values)
    return _working(series, f"{column} = {{n}}", count, Step("n", count, "returns", "frame `returns`"))


def _squares(values: Floats) -> float:
    """Return the sum of squared deviations from the mean, exactly 0 for a constant series."""
    # The mean of equal floats may differ from them in the last bit, which would leave a tiny volatility.
    if np.all(values == values[0]):
        return 0.0
    off = values - math.fsum(values) / len(values)
    return math.fsum(off * off)


def _realised(column: str, span: int, series: Returns) -> Working:
    last = series.values[-span:]
    squares = _squares(last)
    steps = (
        Step("mean", math.fsum(last) / span, f"of the last {span} returns", f"since {series.days[-span]}"),
        Step("S", squares, "sum of squared deviations from it", "frame `returns`"),
    )
    value = math.sqrt(squares / (span - 1)) * ANNUAL
    return _working(series, f"{column} = sqrt({{S}} / {span - 1}) * sqrt(252)", value, *steps)


def _rolling(values: Floats, span: int) -> Floats:
    """Return annualised sample deviations of each `span` consecutive returns: [n - span + 1]."""
    windows = np.lib.stride_tricks.sliding_window_view(values, span)
    return np.array([math.sqrt(_squares(window) / (span - 1)) * ANNUAL for window in windows])


def _monthly(series: Returns) -> pl.DataFrame:
    """Return the volatility of the last 21 returns by session, as a fraction a year."""
    return pl.DataFrame(
        {"session": series.days[MONTH - 1 :], "volatility_21d": _rolling(series.values, MONTH)}
    )


def _percentile(column: str, year: Returns, series: Returns) -> Working:
    count = len(series.values)
    if count < MIN_FOR_PERCENTILE:
        reason = f"{count} returns, at least {MIN_FOR_PERCENTILE} are needed"
        return absent(f"{column} = below / of", reason, frames=series.frames, sample=series.sample)
    frame = _monthly(series)
    if series is not year:
        frame = frame.tail(MIN_FOR_PERCENTILE - MONTH + 1)
    monthly = frame["volatility_21d"].to_numpy()
    below = int((monthly < least_same(monthly[-1:])).sum())
    steps = (
        Step("last", float(monthly[-1]), "fraction a year, volatility of the last 21 returns"),
        Step("below", below, "volatilities of 21 returns below it", "frame `monthly`"),
        Step("of", len(monthly), "volatilities of 21 returns", "frame `monthly`"),
    )
    value = below / len(monthly)
    return _working(series, f"{column} = {{below}} / {{of}}", value, *steps, monthly=frame)


def _line(series: Returns) -> tuple[float, float, tuple[Step, ...], pl.DataFrame]:
    """Fit a line through the last 21 values of the 21-day volatility: slope, strength, steps, frame."""
    frame = _monthly(series).tail(TREND_POINTS)
    last = frame["volatility_21d"].to_numpy()
    x = np.arange(len(last)) - (len(last) - 1) / 2
    off = last - math.fsum(last) / len(last)
    slope = math.fsum(x * off) / math.fsum(x * x)
    r_squared = _explained(off - slope * x, off)
    steps = (
        Step("slope", slope, "a day, of the last 21 volatilities", "frame `monthly`"),
        Step("R2", r_squared, "share of the variance that the line explains", "frame `monthly`"),
    )
    return slope, min(abs(r_squared), 1.0), steps, frame


def _strength(column: str, series: Returns) -> Working:
    _, strength, steps, frame = _line(series)
    return _working(series, f"{column} = min(abs({{R2}}), 1)", strength, *steps, monthly=frame)


def _trend(column: str, series: Returns) -> Working:
    slope, strength, steps, frame = _line(series)
    label = "stable"
    if strength > WEAKEST_TREND and abs(slope) > STEEPEST_STABLE:
        label = "increasing" if slope > 0 else "decreasing"
    return _working(series, f"{column}: {LABEL}", label, *steps, monthly=frame)


def _explained(residual: Floats, off: Floats) -> float:
    left, total = math.fsum(residual * residual), math.fsum(off * off)
    if total == 0.0:
        return 1.0 if left == 0.0 else 0.0
    return 1.0 - left / total


def _components(series: Returns) -> pl.DataFrame:
    """Return D, W and M (see `COMPONENTS`) of the sessions that have all three."""
    lead = MONTH - 1
    return pl.DataFrame(
        {
            "session": series.days[lead:],
            "D": np.abs(series.values[lead:]) * ANNUAL,
            "W": _rolling(series.values, WEEK)[lead - WEEK + 1 :],
            "M": _rolling(series.values, MONTH),
        }
    )


def _model(frame: pl.DataFrame) -> tuple[float, Floats, float]:
    """Fit the heterogeneous autoregressive model (HAR-RV; Corsi, 2009).

    D' = c + b_D D + b_W W + b_M M, where D' is D of the next session.

    Args:
        frame: Columns D, W and M by session.

    Returns:
        c, [3] slopes, and R2 of the fit.
    """
    parts = frame.select("D", "W", "M").to_numpy()
    x, y = parts[:-1], parts[1:, 0]
    x_mean, y_mean = x.mean(axis=0), float(y.mean())
    slopes = np.linalg.lstsq(x - x_mean, y - y_mean)[0]
    residual = y - y_mean - (x - x_mean) @ slopes
    return y_mean - float(slopes @ x_mean), slopes, _explained(residual, y - y_mean)


def _model_fit(column: str, series: Returns) -> Working:
    frame = _components(series)
    r_squared = _model(frame)[2]
    steps = (
        Step("n", frame.height - 1, "sessions that the model is fitted to", "frame `components`"),
        Step("R2", r_squared, "1 - squared residuals / squared deviations of the next D"),
    )
    return _working(series, f"{column} = {{R2}}", r_squared, *steps, components=frame)


def _forecast(column: str, series: Returns) -> Working:
    """Explain the forecast of the next session's D by the heterogeneous autoregressive model."""
    frame = _components(series)
    constant, slopes, _ = _model(frame)
    now = frame.row(-1, named=True)
    terms = [(name, float(slope), float(now[name])) for name, slope in zip("DWM", slopes, strict=True)]
    steps = (
        Step("n", frame.height - 1, "sessions that the model is fitted to", "frame `components`"),
        Step("c", constant, "constant of the fit"),
        *(Step(f"b{name}", slope, f"slope on {name}") for name, slope, _ in terms),
        *(Step(name, level, COMPONENTS[name], f"{series.days[-1]}") for name, _, level in terms),
    )
    value = constant + math.fsum(slope * level for _, slope, level in terms)
    formula = f"{column} = {{c}} + {{bD}} * {{D}} + {{bW}} * {{W}} + {{bM}} * {{M}}"
    return _working(series, formula, value, *steps, components=frame)


def _reverting(column: str, series: Returns) -> Working:
    """Explain the mean-reverting forecast of the next 21 sessions (`engine.numerics.forecasts`)."""
    squares = series.values**2
    weights = DECAY ** np.arange(len(squares) - 1, -1, -1)
    recent = math.fsum(weights * squares) / math.fsum(weights)
    long_run = math.fsum(squares) / len(squares)
    steps = (
        Step(
            "E",
            recent,
            f"exponentially weighted mean of the squared returns, decay {DECAY}",
            "frame `returns`",
        ),
        Step("L", long_run, f"mean of all {len(squares)} squared returns", "frame `returns`"),
    )
    value = math.sqrt((2.0 * recent + long_run) / 3.0) * ANNUAL
    return _working(series, f"{column} = sqrt(2/3 * {{E}} + 1/3 * {{L}}) * sqrt(252)", value, *steps)


def _no_model(column: str, series: Returns) -> Working:
    reason = "the mean-reverting forecast comes from no regression"
    return absent(f"{column} of the regression", reason, frames=series.frames, sample=series.sample)
