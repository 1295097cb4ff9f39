"""Correlations: the matrix of a portfolio's larger holdings, its pairs and its head."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations

import numpy as np
import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import PRIVATE, Case, Lot
from engine.analyst.explain.working import Sample, Step, Value, Working, absent, table
from engine.analytics.correlations.correlation_rows import THRESHOLD
from engine.analytics.correlations.matrices import MIN_CLOSES
from engine.core.job_catalog import (
    CORRELATIONS,
    INSUFFICIENT_RETURNS,
    MIN_POSITION_PERCENT,
    MIN_POSITION_VALUE,
    NO_COMMON_RETURNS,
    NO_POSITIONS_PASS_FILTER,
    Reason,
)
from engine.numerics.arrays import Floats
from engine.numerics.correlation import MIN_OVERLAP
from engine.numerics.student_t import two_sided_tail

Series = dict[str, dict[date, float]]
CONSTANTS: dict[str, Value] = {
    "duration_days": CORRELATIONS.look_back,
    "correlation_concentration_score": Decimal(0),
    "data_quality": "sufficient",
    "min_position_value": Decimal(MIN_POSITION_VALUE),
    "min_portfolio_weight": Decimal(MIN_POSITION_PERCENT) / 100,
    "filter_mode": "both",
    "correlation_threshold": Decimal(str(THRESHOLD)),
}
"""What every head says."""
PASSING = {"symbol": pl.String, "value": pl.String, "weight": pl.Float64, "passes": pl.Boolean}
PAIRS = {"symbol_1": pl.String, "symbol_2": pl.String, "rho": pl.Float64}
STAND_IN = "regressions see no close of the symbols: every stored one stands in, on whatever day"


@dataclass(frozen=True)
class Matrix:
    """A portfolio's matrix. lots: those that passed the filter. symbols: m, ascending.

    returns: logarithmic, by symbol, n each. passing: the filter, lot by lot. reason: where there
    is no matrix.
    """

    lots: tuple[Lot, ...]
    symbols: tuple[str, ...]
    days: tuple[date, ...]
    returns: dict[str, Floats]
    sample: Sample
    passing: pl.DataFrame
    reason: Reason | None = None
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        return max(len(self.days) - 1, 0)

    def flat(self, *symbols: str) -> bool:
        """Whether any of these series is constant."""
        return any(bool(np.all(self.returns[name] == self.returns[name][0])) for name in symbols)

    def rho(self, a: str, b: str) -> float:
        """Pearson's correlation; NaN with a constant series, or below 30 returns."""
        if self.n < MIN_OVERLAP or self.flat(a, b):
            return math.nan
        return 1.0 if a == b else pearson(self.returns[a], self.returns[b])

    def frame(self, *symbols: str) -> pl.DataFrame:
        """Returns of symbols, by session."""
        return pl.DataFrame({"session": self.days[1:], **{name: self.returns[name] for name in symbols}})


def pearson(x: Floats, y: Floats) -> float:
    """The correlation of two series that vary, within [-1, 1]."""
    xx, xy, yy = _sums(x, y)
    return min(max(xy / math.sqrt(xx * yy), -1.0), 1.0)


def _sums(x: Floats, y: Floats) -> tuple[float, float, float]:
    dx, dy = x - math.fsum(x) / len(x), y - math.fsum(y) / len(y)
    return math.fsum(dx * dx), math.fsum(dx * dy), math.fsum(dy * dy)


def matrix(case: Case) -> Matrix:
    """The matrix of the session."""
    return case.once(("matrix",), lambda: _matrix(case))


def _matrix(case: Case) -> Matrix:
    lots = tuple(lot for lot in case.lots if passes(case, lot))
    series, notes = _series(case, sorted({lot.symbol for lot in lots}))
    enough = {symbol: closes for symbol, closes in series.items() if len(closes) >= MIN_CLOSES}
    known = sorted({day for closes in series.values() for day in closes})
    days = tuple(day for day in known if enough and all(day in closes for closes in enough.values()))
    reason = _reason(lots, len(days) - 1)
    levels = {symbol: np.array([closes[day] for day in days]) for symbol, closes in enough.items()}
    returns = {} if reason else {symbol: np.log(level[1:] / level[:-1]) for symbol, level in levels.items()}
    sample = Sample(CORRELATIONS.look_back, days, _left_out(case, enough))
    return Matrix(lots, tuple(enough), days, returns, sample, _passing(case), reason, notes)


def _reason(lots: tuple[Lot, ...], returns: int) -> Reason | None:
    if not lots:
        return NO_POSITIONS_PASS_FILTER
    if returns <= 0:
        return NO_COMMON_RETURNS
    return INSUFFICIENT_RETURNS if returns < CORRELATIONS.minimum else None


def passes(case: Case, lot: Lot) -> bool:
    """Return whether a lot is large enough in USD and in percent of gross exposure; no private lot is."""
    gross, value = case.money("gross_exposure"), abs(case.recomputed(lot))
    weighty = gross > 0 and value * 100 >= gross * MIN_POSITION_PERCENT
    return lot.investment_class != PRIVATE and value >= MIN_POSITION_VALUE and weighty


def _passing(case: Case) -> pl.DataFrame:
    gross = case.money("gross_exposure")
    worth = [(lot, abs(case.recomputed(lot))) for lot in case.lots]
    rows = (
        (lot.symbol, f"{v:f}", float(v / gross) if gross else None, passes(case, lot)) for lot, v in worth
    )
    return table(PASSING, rows)


def _series(case: Case, symbols: list[str]) -> tuple[Series, tuple[str, ...]]:
    """The closes that regressions see; where they see none of any symbol, every stored one."""
    seen = {symbol: case.series(symbol, CORRELATIONS.look_back) for symbol in symbols}
    if any(seen.values()) or not symbols:
        return seen, ()
    first = case.day - timedelta(days=CORRELATIONS.look_back)
    stored = {
        symbol: {
            day: float(close)
            for day, close in case.closes.get(symbol, {}).items()
            if first <= day <= case.day and close > 0
        }
        for symbol in symbols
    }
    return stored, (STAND_IN,)


def _left_out(case: Case, series: Series) -> tuple[tuple[date, str], ...]:
    silent = {
        day: sorted(symbol for symbol, closes in series.items() if day not in closes)
        for day in case.sessions(CORRELATIONS.look_back)
    }
    return tuple((day, f"no close of {', '.join(symbols)}") for day, symbols in silent.items() if symbols)


def pair(case: Case, ask: Ask) -> Working:
    """A figure of pairwise_correlations."""
    found, (a, b) = matrix(case), ask.pair
    missing = next((symbol for symbol in (a, b) if symbol not in found.symbols), None)
    reason = found.reason or (f"{missing} is not in the matrix" if missing else "")
    if reason:
        formula = f"{ask.column} of the returns of {a} and {b}"
        return absent(formula, reason, frames={"lots": found.passing}, sample=found.sample)
    match ask.column:
        case "data_points":
            return _paired(found, a, b, "data_points = {n}", found.n)
        case "correlation_value":
            return _correlation(found, a, b)
        case _:
            return _significance(found, a, b)


def _paired(
    found: Matrix, a: str, b: str, formula: str, value: Value, *steps: Step, notes: tuple[str, ...] = ()
) -> Working:
    count = Step("n", found.n, "common logarithmic returns", "frame `returns`")
    frames = {"returns": found.frame(*dict.fromkeys((a, b)))}
    return Working(formula, value, (count, *steps), frames, found.sample, (*found.notes, *notes))


def _correlation(found: Matrix, a: str, b: str) -> Working:
    xx, xy, yy = _sums(found.returns[a], found.returns[b])
    steps = (
        Step("Sxx", xx, f"squared deviations of {a}", "frame `returns`"),
        Step("Syy", yy, f"squared deviations of {b}", "frame `returns`"),
        Step("Sxy", xy, "products of deviations", "frame `returns`"),
    )
    value = found.rho(a, b)
    if math.isnan(value):
        why = f"fewer than {MIN_OVERLAP} returns" if found.n < MIN_OVERLAP else "a series is constant"
        return _paired(found, a, b, "correlation_value is undefined", value, *steps, notes=(why,))
    return _paired(found, a, b, "correlation_value = {Sxy} / sqrt({Sxx} * {Syy})", value, *steps)


def _significance(found: Matrix, a: str, b: str) -> Working:
    """1 - p of a correlation of 0."""
    name = "statistical_significance"
    if a == b:
        return _paired(found, a, b, f"{name} = 1", 1.0, notes=("a symbol with itself has 1",))
    if found.flat(a, b):
        return _paired(found, a, b, f"{name} is undefined", math.nan, notes=("a series is constant",))
    rho = pearson(found.returns[a], found.returns[b])
    left = (1.0 - rho) * (1.0 + rho)
    if not left > 0:
        note = "the two series are proportional: the tail is 0"
        return _paired(found, a, b, f"{name} = 1", 1.0, notes=(note,))
    t = abs(rho) * math.sqrt((found.n - 2) / left)
    value = 1.0 - float(two_sided_tail(np.array([t]), found.n - 2)[0])
    step = Step("rho", rho, "correlation", "explain correlation_value")
    withheld = (f"given though the correlation is withheld below {MIN_OVERLAP} returns",)
    formula = f"{name} = 1 - tail({{rho}} * sqrt(({{n}} - 2) / (1 - {{rho}}**2)), {{n}} - 2)"
    return _paired(found, a, b, formula, value, step, notes=withheld if found.n < MIN_OVERLAP else ())


def head(case: Case, ask: Ask) -> Working:
    """A figure of correlation_calculations."""
    found, column = matrix(case), ask.column
    frames = {"lots": found.passing}
    if found.reason:
        return absent(f"{column} of the matrix", found.reason, frames=frames, sample=found.sample)
    size = len(found.symbols)
    symbols = Step("m", size, "symbols in the matrix", "frame `lots`: those with closes")
    every = Step("k", len(case.lots), "lots of the portfolio, closed and deleted ones too", "frame `lots`")
    match column:
        case "positions_included":
            return Working("positions_included = {m}", size, (symbols,), frames, found.sample)
        case "positions_excluded":
            left = len(case.lots) - size
            return Working("positions_excluded = {k} - {m}", left, (every, symbols), frames, found.sample)
        case "overall_correlation":
            return _overall(found)
        case "effective_positions":
            return _effective(found)
        case _:
            value = CONSTANTS[column]
            return Working(f"{column} = {value}", value, notes=("the same in every row",))


def _overall(found: Matrix) -> Working:
    """The mean size of the pairs above the diagonal that are not 0."""
    pairs = [(a, b, found.rho(a, b)) for a, b in combinations(found.symbols, 2)]
    sizes = [abs(rho) for *_, rho in pairs if rho != 0.0]
    total = math.nan if any(map(math.isnan, sizes)) else math.fsum(sizes)
    frames = {"pairs": table(PAIRS, pairs)}
    steps = (
        Step("S", total, "sum of |rho| above the diagonal", "frame `pairs`"),
        Step("k", len(sizes), "pairs that are not 0", "frame `pairs`"),
    )
    if not sizes:
        note = "there is no pair"
        return Working("overall_correlation = 0", 0.0, steps, frames, found.sample, (note,))
    notes = ("undefined as soon as one pair is",) if math.isnan(total) else ()
    formula, value = "overall_correlation = {S} / {k}", total / len(sizes)
    return Working(formula, value, steps, frames, found.sample, notes)


def _effective(found: Matrix) -> Working:
    """1 / (w'Rw) with a weight of 1 / lots each."""
    rho = {b: [found.rho(a, b) for a in found.symbols] for b in found.symbols}
    cells = [value for column in rho.values() for value in column]
    total = math.nan if any(map(math.isnan, cells)) else math.fsum(cells)
    lots = len(found.lots)
    steps = (
        Step("S", total, "sum of the whole matrix, its diagonal too", "frame `matrix`"),
        Step("k", lots, "lots that passed the filter", "frame `lots`"),
    )
    frames = {"lots": found.passing, "matrix": pl.DataFrame({"symbol": found.symbols, **rho})}
    if not total > 0:
        note = "the matrix sums to nothing above 0: each lot counts as one"
        return Working("effective_positions = {k}", float(lots), steps, frames, found.sample, (note,))
    formula = "effective_positions = 1 / ({S} / {k}**2)"
    return Working(formula, lots**2 / total, steps, frames, found.sample)
