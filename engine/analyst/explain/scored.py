"""Scores of volatility forecasts whose 21 sessions have passed, and the regressions of what came on them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case
from engine.analyst.explain.losses import missing_rules
from engine.analyst.explain.return_series import volatility_symbol
from engine.analyst.explain.rounding import rounded
from engine.analyst.explain.working import Step, Value, Working, absent, table
from engine.core.job_catalog import OWN_FORECAST

TABLE = "engine_forecast_scores"
HORIZON = 21
SPAN = 3 * HORIZON
"""Calendar days that hold 21 sessions and the one before them."""
DECIMALS = 10
NEWEST = 252
FEWEST = 10
OUTCOME = {"session": pl.Date, "return": pl.Float64}
PAIRS = {"of": pl.String, "h": pl.Float64, "RV": pl.Float64, "qlike": pl.Float64}
LAST_DIGITS = 1e-9
"""Relative, of figures of a regression: the order of sums moves the last digits."""


@dataclass(frozen=True)
class Scored:
    """A forecast with what came.

    Attributes:
        day: Session that made the forecast.
        forecast: Fraction a year, as stored.
        returns: Simple returns of the horizon by the session in which they end.
    """

    day: date
    forecast: Decimal
    returns: dict[date, float]

    @property
    def variance(self) -> float:
        """Mean of the squared returns over the horizon's sessions."""
        return math.fsum(value * value for value in self.returns.values()) / HORIZON

    @property
    def realized(self) -> Decimal:
        """Volatility a year that came, as stored."""
        return rounded(math.sqrt(252.0 * self.variance), DECIMALS)

    @property
    def expected(self) -> float:
        """Variance a day that was forecast."""
        return float(self.forecast) ** 2 / 252.0

    @property
    def loss(self) -> float | None:
        """QLIKE; None where the forecast or what came is 0."""
        if not self.variance or not self.expected:
            return None
        ratio = self.variance / self.expected
        return ratio - math.log(ratio) - 1.0


def scored(case: Case, symbol: str) -> Scored | str:
    """Return the forecast of a symbol that is scored in the session, or why there is none.

    Args:
        case: Closes, snapshots and stored forecasts; the result is kept.
        symbol: As position_volatility measures it; empty for the portfolio's own.
    """
    return case.once(("scored", symbol), lambda: _scored(case, symbol))


def _scored(case: Case, symbol: str) -> Scored | str:
    if missing := missing_rules(case):
        return missing
    days = case.sessions(SPAN)[-HORIZON - 1 :]
    forecast = _forecast(case, symbol, days[0])
    if forecast is None:
        return f"no forecast of the session of {days[0]}"
    returns = _own(case, days) if symbol == OWN_FORECAST else _of_symbol(case, symbol, days)
    return returns if isinstance(returns, str) else Scored(days[0], forecast, returns)


def _forecast(case: Case, symbol: str, day: date) -> Decimal | None:
    """Return the volatility that a session forecast, as stored."""
    if symbol == OWN_FORECAST:
        rows = case.stored["portfolio_snapshots"].filter(snapshot_date=day)
        values = rows["expected_volatility_21d"]
    else:
        lots = [lot.id for lot in case.every_lot if volatility_symbol(lot) == symbol]
        rows = case.stored["position_volatility"].filter(pl.col("position_id").is_in(lots))
        values = rows.filter(calculation_date=day)["expected_vol_21d"]
    known: list[Decimal] = values.drop_nulls().to_list()
    return known[0] if known else None


def _own(case: Case, days: list[date]) -> dict[date, float] | str:
    """Return the portfolio's daily P&L over the equity before, or why a session has none."""
    rows = {row["snapshot_date"]: row for row in case.snapshots}
    before = {after["snapshot_date"]: row for row, after in pairwise(case.snapshots)}
    returns = {}
    for day in days[1:]:
        start = before[day]["equity_balance"] if day in before else None
        if day not in rows or start is None or not start > 0:
            return f"no return of the portfolio in the session of {day}"
        returns[day] = float(rows[day]["daily_pnl"] or 0) / float(start)
    return returns


def _of_symbol(case: Case, symbol: str, days: list[date]) -> dict[date, float] | str:
    """Return a symbol's returns between its consecutive closes of the horizon."""
    closes = {day: close for day, close in case.series(symbol, SPAN).items() if day >= days[0]}
    lacking = [f"{day}" for day in (days[0], days[-1]) if day not in closes]
    if lacking:
        return f"no close of {symbol} in the session of {' and '.join(lacking)}"
    return {day: closes[day] / closes[start] - 1.0 for start, day in pairwise(sorted(closes))}


def score(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of engine_forecast_scores.

    Args:
        case: Closes, snapshots and stored forecasts.
        ask: symbol and a column of the table.
    """
    found = scored(case, str(ask.part("symbol")))
    if isinstance(found, str):
        return absent(ask.column, found)
    frames = {"returns": table(OUTCOME, sorted(found.returns.items()))}
    steps = (
        Step("f", found.forecast, "fraction a year, the stored forecast", f"session of {found.day}"),
        Step("RV", found.variance, "mean squared return, a day", f"frame `returns`: over {HORIZON} sessions"),
        Step("h", found.expected, "variance a day that was forecast", "f^2 / 252"),
    )
    match ask.column:
        case "forecast_date":
            return Working(f"forecast_date: {HORIZON} sessions before", found.day, (), frames)
        case "forecast":
            return Working("forecast = {f}", found.forecast, steps[:1], frames)
        case "realized":
            return Working(
                "realized = sqrt(252 * {RV})", math.sqrt(252.0 * found.variance), steps[1:2], frames
            )
        case _ if found.loss is None:
            return absent("qlike = RV / h - ln(RV / h) - 1", "the forecast or what came is 0", frames=frames)
        case _:
            return Working("qlike = {RV} / {h} - ln({RV} / {h}) - 1", found.loss, steps, frames)


def _pairs(case: Case, subject: str) -> list[tuple[str, float, float, float | None]]:
    """Return name, forecast and outcome as variances, and loss: of positions, or of the newest sessions."""
    if subject == "positions":
        symbols = sorted({volatility_symbol(lot) for lot in case.every_lot})
        found = {symbol: scored(case, symbol) for symbol in symbols}
        return [_pair(symbol, one) for symbol, one in found.items() if isinstance(one, Scored)]
    own = scored(case, OWN_FORECAST)
    if isinstance(own, str):
        return []
    rows = case.stored[TABLE].filter(symbol=OWN_FORECAST).filter(pl.col("calculation_date") < case.day)
    earlier = [
        (
            f"{row['calculation_date']}",
            float(row["forecast"]) ** 2 / 252.0,
            float(row["realized"]) ** 2 / 252.0,
            None if row["qlike"] is None else float(row["qlike"]),
        )
        for row in rows.sort("calculation_date").iter_rows(named=True)
    ]
    return [*earlier, _pair(f"{case.day}", own)][-NEWEST:]


def _pair(name: str, one: Scored) -> tuple[str, float, float, float | None]:
    loss = None if one.loss is None else float(rounded(one.loss, DECIMALS))
    return name, one.expected, float(one.realized) ** 2 / 252.0, loss


def regression(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of engine_forecast_tests: a line through outcomes over forecasts.

    Args:
        case: Scores of the session and earlier ones.
        ask: subject and a column of the table.
    """
    pairs = _pairs(case, str(ask.part("subject")))
    if not pairs:
        return absent(ask.column, missing_rules(case) or "no forecast is scored in the session")
    frames = {"pairs": table(PAIRS, pairs)}
    losses = [loss for *_, loss in pairs if loss is not None]
    x, y = [pair[1] for pair in pairs], [pair[2] for pair in pairs]
    n = len(pairs)
    x_mean, y_mean = math.fsum(x) / n, math.fsum(y) / n
    means = (
        Step("n", n, "scores", "frame `pairs`"),
        Step("h", x_mean, "mean variance forecast, a day", "frame `pairs`: mean of h"),
        Step("RV", y_mean, "mean variance that came, a day", "frame `pairs`: mean of RV"),
    )
    match ask.column:
        case "scores":
            return Working("scores = {n}", n, means[:1], frames)
        case "qlike":
            value: Value = math.fsum(losses) / len(losses) if losses else None
            reason = "" if losses else "no score has a loss"
            return Working("qlike: mean of frame `pairs`", value, means[:1], frames, reason=reason)
        case "sum_ratio" if not y_mean > 0:
            return absent("sum_ratio = h / RV", "nothing moved", frames=frames)
        case "sum_ratio":
            return Working("sum_ratio = {h} / {RV}", x_mean / y_mean, means, frames, tolerance=LAST_DIGITS)
        case _:
            return _line(ask.column, x, y, means, frames)


def _line(
    column: str, x: list[float], y: list[float], means: tuple[Step, ...], frames: dict[str, pl.DataFrame]
) -> Working:
    if len(x) < FEWEST or min(x) == max(x):
        reason = f"fewer than {FEWEST} scores, or forecasts that are all the same"
        return absent(column, reason, frames=frames)
    (_, h, rv), n = means, len(x)
    x_mean, y_mean = math.fsum(x) / n, math.fsum(y) / n
    sxx = math.fsum((a - x_mean) ** 2 for a in x)
    sxy = math.fsum((a - x_mean) * (b - y_mean) for a, b in zip(x, y, strict=True))
    syy = math.fsum((b - y_mean) ** 2 for b in y)
    slope = sxy / sxx
    sums = (
        Step("Sxx", sxx, "squared deviations of h", "frame `pairs`"),
        Step("Sxy", sxy, "products of deviations of h and RV", "frame `pairs`"),
        Step("Syy", syy, "squared deviations of RV", "frame `pairs`"),
    )
    line = Step("slope", slope, "Sxy / Sxx")
    if column == "slope":
        tolerance = LAST_DIGITS * max(abs(slope), 1.0)
        return Working("slope = {Sxy} / {Sxx}", slope, sums[:2], frames, tolerance=tolerance)
    if column == "intercept":
        value = y_mean - slope * x_mean
        return Working(
            "intercept = {RV} - {slope} * {h}", value, (h, rv, line), frames, tolerance=LAST_DIGITS
        )
    if not syy > 0:
        return absent("r_squared = slope * Sxy / Syy", "the outcomes are all the same", frames=frames)
    value, steps = slope * sxy / syy, (line, *sums[1:])
    return Working("r_squared = {slope} * {Sxy} / {Syy}", value, steps, frames, tolerance=LAST_DIGITS)
