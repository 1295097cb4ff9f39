"""Regressions of a position's symbol on one fund: SPY or TLT."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case, PositionLot
from engine.analyst.explain.line import Line, line
from engine.analyst.explain.working import Sample, Value, Working, absent, table
from engine.analytics.betas.market import CAP, METHOD, WINDOW_DAYS
from engine.core.funds import MARKET_FUND, RATE_FUND
from engine.core.job_catalog import BETA_LOOK_BACK, BETA_MINIMUM, EQUITY_NOT_POSITIVE

FORMULAS = {
    "beta": ("{name} = min(max({Sxy} / {Sxx}, -5), 5)", ("n", "x_mean", "y_mean", "Sxx", "Sxy")),
    "alpha": ("{name} = {y_mean} - {slope} * {x_mean}", ("n", "x_mean", "y_mean", "Sxx", "Sxy", "slope")),
    "r_squared": ("{name} = 1 - {SSR} / {Syy}", ("n", "Sxx", "Sxy", "slope", "SSR", "Syy")),
    "std_error": ("{name} = sqrt({SSR} / ({n} - 2) / {Sxx})", ("n", "Sxx", "Sxy", "slope", "SSR")),
    "p_value": ("{name} = tail({slope} / {SE}, {n} - 2)", ("n", "Sxx", "slope", "SSR", "SE")),
    "observations": ("{name} = {n}", ("n",)),
}
"""{figure: (formula in the line's numbers, steps to show)}."""
RETURNS = {
    "session": pl.Date,
    "since": pl.Date,
    "y_before": pl.Float64,
    "y_close": pl.Float64,
    "x_before": pl.Float64,
    "x_close": pl.Float64,
    "y": pl.Float64,
    "x": pl.Float64,
}
"""Returns of the symbol (y) and of the fund (x), with their closes in USD."""
FUND_OF = {"position_market_betas": MARKET_FUND, "position_interest_rate_betas": RATE_FUND}
CONSTANTS: dict[str, Value] = {"window_days": WINDOW_DAYS, "method": METHOD, "market_index": MARKET_FUND}


@dataclass(frozen=True)
class Fit:
    """Regression of a symbol on a fund; `line` is None and `reason` is set if there is none."""

    line: Line | None
    sample: Sample
    returns: pl.DataFrame
    reason: str = ""

    @property
    def beta(self) -> float | None:
        """Slope, limited to [-5, 5]; None without a line."""
        if self.line is None or self.line.slope is None:
            return None
        return min(max(self.line.slope, -CAP), CAP)


def fit(case: Case, symbol: str, fund: str) -> Fit:
    """Return the regression of the symbol's returns on the fund's, over their common sessions.

    Args:
        case: Closes of both symbols; the result is kept.
        symbol: The dependent variable's.
        fund: The regressor's symbol: SPY or TLT.
    """
    return case.once(("fit", symbol, fund), lambda: _fit(case, symbol, fund))


def _fit(case: Case, symbol: str, fund: str) -> Fit:
    y, x = case.series(symbol, BETA_LOOK_BACK), case.series(fund, BETA_LOOK_BACK)
    sample = common(case, {symbol: y, fund: x}, BETA_LOOK_BACK)
    rows = (
        (
            day,
            before,
            y[before],
            y[day],
            x[before],
            x[day],
            y[day] / y[before] - 1.0,
            x[day] / x[before] - 1.0,
        )
        for before, day in pairwise(sample.used)
    )
    returns = table(RETURNS, rows)
    if returns.height < BETA_MINIMUM:
        few = f"{returns.height} common returns, at least {BETA_MINIMUM} are needed"
        return Fit(None, sample, returns, few)
    if case.stale(symbol, fund):
        return Fit(None, sample, returns, case.stale(symbol, fund))
    fitted = line(returns["y"].to_numpy(), returns["x"].to_numpy())
    reason = f"the returns of {fund} are constant" if fitted.slope is None else ""
    return Fit(None if reason else fitted, sample, returns, reason)


def common(case: Case, series: dict[str, dict[date, float]], look_back: int) -> Sample:
    """Return the sessions in which every series has a close, and the others with the missing symbols.

    Args:
        case: Portfolio and session.
        series: {symbol: {session: close}}.
        look_back: Calendar days before the session.

    Returns:
        Used and left-out sessions of the look-back.
    """
    used, left_out = [], []
    for day in case.sessions(look_back):
        missing = [symbol for symbol, closes in series.items() if day not in closes]
        if missing:
            left_out.append((day, f"no close of {', '.join(sorted(missing))}"))
        else:
            used.append(day)
    return Sample(look_back, tuple(used), tuple(left_out))


def regression(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of a position's regression on its table's fund.

    Args:
        case: Closes of symbol and fund.
        ask: The position, the table, and a column of it.
    """
    fund, lot = FUND_OF[ask.table], ask.position
    figure = "beta" if ask.column == "ir_beta" else ask.column
    formula, names = FORMULAS[figure]
    formula = formula.replace("{name}", ask.column)
    fitted, exclusion = fit(case, lot.symbol, fund), exclusion_of(case, ask, lot)
    reason = exclusion or fitted.reason
    frames = {"returns": fitted.returns}
    if fitted.line is None or reason:
        return absent(formula, reason, frames=frames, sample=fitted.sample)
    steps = fitted.line.steps(lot.symbol, fund)
    value = {"beta": fitted.beta, "alpha": fitted.line.intercept, "observations": fitted.line.n}.get(
        figure, getattr(fitted.line, figure, None)
    )
    if ask.table == "position_interest_rate_betas" and figure == "r_squared" and value == 0:
        return absent(formula, "an R2 of exactly 0 is stored as null", frames=frames, sample=fitted.sample)
    if figure == "p_value" and not fitted.line.std_error and value == 0:
        note = "a perfect fit: the tail is 0"
        return Working(f"{ask.column} = 0", 0.0, (), frames, fitted.sample, (note,))
    notes = _notes(figure, fitted.line)
    return Working(formula, value, tuple(steps[name] for name in names), frames, fitted.sample, notes)


def exclusion_of(case: Case, ask: Ask, lot: PositionLot) -> str:
    """Return why the job leaves out a lot, or all lots; "" if it does not.

    Args:
        case: Equity of the session.
        ask: The table.
        lot: Of the portfolio.
    """
    equity = case.snapshot["equity_balance"] if case.snapshot else None
    if equity is None or equity <= 0:
        return str(EQUITY_NOT_POSITIVE)
    if not lot.live:
        return "the position is closed or deleted"
    if not case.valued(lot):
        return "an option without Greeks has no value"
    if ask.table == "position_interest_rate_betas" and not lot.public:
        return f"class {lot.investment_class}: only PUBLIC has a rate beta"
    return ""


def _notes(figure: str, fitted: Line) -> tuple[str, ...]:
    assert fitted.slope is not None
    if abs(fitted.slope) <= CAP:
        return ()
    if figure == "beta":
        return (f"capped: the slope is {fitted.slope:.12g}, limited to +-{CAP:g}",)
    return ("of the fitted line: only beta is capped",)


def constant(case: Case, ask: Ask) -> Working:
    """Return the working of a column with the same value in every row of the regressions on SPY.

    Args:
        case: Not used.
        ask: A key of CONSTANTS, and the stored row.
    """
    del case
    if ask.row is None:
        return absent(
            f"{ask.column} = {CONSTANTS[ask.column]}", "there is no row: explain beta for the reason"
        )
    value = CONSTANTS[ask.column]
    return Working(f"{ask.column} = {value}", value, notes=("the same in every row",))
