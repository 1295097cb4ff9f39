"""Value at risk and expected shortfall of a portfolio, and their backtests."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from statistics import NormalDist

import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.by_delta import by_delta
from engine.analyst.explain.case import Case
from engine.analyst.explain.equity import roll_forward
from engine.analyst.explain.return_series import Returns, portfolio_returns
from engine.analyst.explain.rounding import rounded
from engine.analyst.explain.volatilities import eligible_lots
from engine.analyst.explain.working import Step, Working, absent, table
from engine.analytics.forecasts import RULES as FORECAST_RULES
from engine.core.job_catalog import PERCENTILE_LOOK_BACK, VOLATILITY

TABLE = "engine_value_at_risk"
YEAR = 252
TESTED = 250
YELLOW, RED = Fraction(95, 100), Fraction(9999, 10000)
FLAGS = {"session": pl.Date, "exceeded": pl.Boolean}
RETURNS = {"session": pl.Date, "return": pl.Float64}
LAST_DIGIT = 1e-9
"""Of a ratio or p-value with ten decimals: the order of sums may move the last."""


def missing_rules(case: Case) -> str:
    """Return which rules the store lacks for forecasts of risk; "" if it has all."""
    lacking = [
        f"{name}={value}" for name, value in FORECAST_RULES.items() if case.rules.record[name] != value
    ]
    return f"only with {', '.join(lacking)}" if lacking else ""


def value_at_risk(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of engine_value_at_risk.

    Args:
        case: Equity, lots and closes, and earlier rows of the table.
        ask: method, level and a column of the table.
    """
    if missing := missing_rules(case):
        return absent(ask.column, missing)
    if ask.column == "exceeded":
        return _exceeded(case, ask)
    if not case.money("equity_balance") > 0:
        return absent(ask.column, "the equity is not above 0")
    return _by_history(case, ask) if ask.part("method") == "historical" else _by_model(case, ask)


def _year(case: Case) -> Returns | None:
    """Return the portfolio's returns of 400 days with the session's weights; None without any."""
    seen = by_delta(case)
    lots, _ = eligible_lots(seen)
    return portfolio_returns(seen, lots, PERCENTILE_LOOK_BACK) if lots else None


def _by_history(case: Case, ask: Ask) -> Working:
    series, level = _year(case), int(ask.part("level"))
    values = [] if series is None else series.values[-YEAR:].tolist()
    n = len(values)
    fewest = max(VOLATILITY.minimum, -(-100 // (100 - level)))
    if series is None or n < fewest:
        return absent(ask.column, f"{n} returns of the portfolio, at least {fewest} are needed")
    rows = table(RETURNS, zip(series.days[-n:], values, strict=True))
    frames = {**series.frames, "returns": rows.sort("return", "session")}
    place = Fraction((n - 1) * (100 - level), 100)
    low, ordered = math.floor(place), sorted(values)
    above = ordered[min(low + 1, n - 1)]
    quantile = ordered[low] + float(place - low) * (above - ordered[low])
    beyond = [value for value in ordered if value <= quantile]
    equity = case.money("equity_balance")
    steps = (
        Step("n", n, "returns with the session's weights over equity", "frame `returns`"),
        Step("E", equity, "USD, equity", "portfolio_snapshots: equity_balance"),
        Step("Q", quantile, f"return at place {float(place):g} of 0 to {n - 1}, from the lowest"),
        Step("mean", math.fsum(beyond) / len(beyond), f"of the {len(beyond)} returns not above Q"),
    )
    if ask.column == "observations":
        return Working("observations = {n}", n, steps[:1], frames, series.sample)
    name, value = ("Q", quantile) if ask.column == "value_at_risk" else ("mean", steps[3].value)
    assert isinstance(value, float)
    chosen = tuple(step for step in steps if step.name in ("n", "E", "Q", name))
    formula = f"{ask.column} = -{{E}} * {{{name}}}"
    return Working(formula, -float(equity) * value, chosen, frames, series.sample)


def _by_model(case: Case, ask: Ask) -> Working:
    if ask.column == "observations":
        return absent("observations", "the model has no series of its own")
    yearly = case.snapshot["expected_volatility_21d"] if case.snapshot else None
    if yearly is None:
        return absent(ask.column, "the session has no expected_volatility_21d")
    level, equity = int(ask.part("level")) / 100.0, case.money("equity_balance")
    z = NormalDist().inv_cdf(level)
    density = math.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi)
    steps = (
        Step("E", equity, "USD, equity", "portfolio_snapshots: equity_balance"),
        Step(
            "s", float(yearly), "fraction a year, as stored", "portfolio_snapshots: expected_volatility_21d"
        ),
        Step("z", z, f"quantile of the normal distribution at {level}"),
        Step("phi", density, "density of the normal distribution at z"),
        Step("tail", 1.0 - level, "probability of a larger loss"),
    )
    daily = float(equity) * float(yearly) / math.sqrt(252.0)
    if ask.column == "value_at_risk":
        return Working("value_at_risk = {E} * {s} / sqrt(252) * {z}", daily * z, steps[:3])
    formula = "expected_shortfall = {E} * {s} / sqrt(252) * {phi} / {tail}"
    return Working(formula, daily * density / (1.0 - level), (*steps[:2], *steps[3:]))


def _rows(case: Case, ask: Ask) -> pl.DataFrame:
    """Return the stored rows of a method and level before the session, oldest first."""
    of_kind = case.stored[TABLE].filter(method=ask.part("method"), level=ask.part("level"))
    return of_kind.filter(pl.col("calculation_date") < case.day).sort("calculation_date")


def _limit(case: Case, ask: Ask) -> Decimal | None:
    """Return the value at risk that the session before forecast for this one."""
    rows = _rows(case, ask).filter(pl.col("calculation_date") == pl.lit(case.last_snapshot, pl.Date))
    value: Decimal | None = rows["value_at_risk"][0] if rows.height else None
    return value


def _exceeded(case: Case, ask: Ask) -> Working:
    limit = _limit(case, ask)
    if limit is None:
        return absent("exceeded: P&L < -VaR of the session before", "the session before has no forecast")
    pnl = rounded(roll_forward(case).T, 2)
    steps = (
        Step("VaR", limit, "USD, forecast of the session before", f"{TABLE}, {case.last_snapshot}"),
        Step("pnl", pnl, "USD, P&L of the session", "explain daily_pnl"),
    )
    return Working("exceeded: {pnl} < -{VaR}", pnl < -limit, steps)


def backtest(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of engine_var_tests.

    Args:
        case: Earlier exceptions, and what the session's own comes from.
        ask: method, level and a column of the table.
    """
    if missing := missing_rules(case):
        return absent(ask.column, missing)
    own = _exceeded(case, ask).value
    if own is None:
        return absent(ask.column, "the session before has no forecast")
    earlier = _rows(case, ask).drop_nulls("exceeded").select("calculation_date", "exceeded").rows()
    flags: list[tuple[date, bool]] = [*earlier, (case.day, bool(own))][-TESTED:]
    frames = {"flags": table(FLAGS, flags)}
    exceeded = [flag for _, flag in flags]
    n, x, tail = len(exceeded), sum(exceeded), Fraction(100 - int(ask.part("level")), 100)
    steps = (
        Step("n", n, "sessions with a forecast of the session before", "frame `flags`"),
        Step("x", x, "exceptions", "frame `flags`"),
    )
    match ask.column:
        case "sessions":
            return Working("sessions = {n}", n, steps[:1], frames)
        case "exceptions":
            return Working("exceptions = {x}", x, steps[1:], frames)
        case "zone":
            return _zone(n, x, tail, steps, frames)
        case _:
            return _ratio(ask.column, exceeded, float(tail), steps, frames)


def _zone(
    n: int, x: int, tail: Fraction, steps: tuple[Step, ...], frames: dict[str, pl.DataFrame]
) -> Working:
    fewer = sum(
        (math.comb(n, k) * tail**k * (1 - tail) ** (n - k) for k in range(x + 1)),
        Fraction(0),
    )
    colour = "red" if fewer >= RED else "yellow" if fewer >= YELLOW else "green"
    step = Step("P", float(fewer), "probability of x exceptions or fewer, binomial")
    note = "green without an exception; else yellow from P = 0.95 on, red from 0.9999 on"
    return Working("zone by {P}", colour if x else "green", (*steps, step), frames, notes=(note,))


def _ratio(
    column: str,
    exceeded: list[bool],
    tail: float,
    steps: tuple[Step, ...],
    frames: dict[str, pl.DataFrame],
) -> Working:
    """Explain a likelihood ratio, twice the difference of two log-likelihoods, or its p-value."""
    n, x = len(exceeded), sum(exceeded)
    kupiec = max(2.0 * (_log_likelihood(n - x, x, x / n) - _log_likelihood(n - x, x, tail)), 0.0)
    more = [Step("LRc", kupiec, f"Kupiec: share x / n against {tail:g}", "frame `flags`")]
    value: float | None = kupiec
    if not column.startswith("kupiec"):
        independence = _independence(exceeded)
        if independence is None:
            return absent(column, "no exception has a session after it", frames=frames)
        more.append(Step("LRi", independence, "Christoffersen: exceptions after an exception or not"))
        value = independence
    match column:
        case "kupiec" | "christoffersen":
            formula = f"{column} = {{{more[-1].name}}}"
        case "joint_p":
            # The tail of a chi-square of two degrees is exponential.
            formula = "joint_p = exp(-({LRc} + {LRi}) / 2)"
            value = math.exp(-(kupiec + (value or 0.0)) / 2.0)
        case _:
            formula = f"{column}: chi-square of 1 degree beyond {{{more[-1].name}}}"
            value = 2.0 * NormalDist().cdf(-math.sqrt(value or 0.0))
    chosen = [step for step in more if f"{{{step.name}}}" in formula]
    return Working(formula, value, (*steps, *chosen), frames, tolerance=LAST_DIGIT)


def _independence(exceeded: list[bool]) -> float | None:
    """Return Christoffersen's ratio; None where no exception, or nothing but exceptions, has a successor."""
    pairs = Counter(pairwise(exceeded))
    (calm, hit), (back, again) = (
        [pairs[before, after] for after in (False, True)] for before in (False, True)
    )
    if not (back + again) or not (calm + hit):
        return None
    share = (hit + again) / (len(exceeded) - 1)
    apart = _log_likelihood(calm, hit, hit / (calm + hit))
    apart += _log_likelihood(back, again, again / (back + again))
    return max(2.0 * (apart - _log_likelihood(calm + back, hit + again, share)), 0.0)


def _log_likelihood(misses: int, hits: int, rate: float) -> float:
    """Return ln((1 - rate)^misses rate^hits), with 0^0 = 1."""
    terms = [misses * math.log(1.0 - rate) if misses else 0.0, hits * math.log(rate) if hits else 0.0]
    return math.fsum(terms)
