"""Correlations of a portfolio's larger positions: matrix, pairs and summary row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import combinations

import numpy as np
import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import PRIVATE, Case, PositionLot
from engine.analyst.explain.line import two_sided_tail
from engine.analyst.explain.working import Sample, Step, Value, Working, absent, table
from engine.analytics.correlations.correlation_rows import LEAST_SPREAD, THRESHOLD
from engine.analytics.correlations.matrices import MIN_CLOSES
from engine.core.job_catalog import (
    CORRELATIONS,
    FEW_RETURNS,
    INSUFFICIENT_RETURNS,
    MIN_POSITION_PERCENT,
    MIN_POSITION_VALUE,
    NO_COMMON_RETURNS,
    NO_CORRELATION,
    NO_PAIR,
    NO_POSITIONS_PASS_FILTER,
    Reason,
)
from engine.core.rules import Rules
from engine.numerics.arrays import Floats
from engine.numerics.correlation import LEAST_EIGENVALUE, MIN_OVERLAP

Series = dict[str, dict[date, float]]
CONSTANTS: dict[str, Value] = {
    "duration_days": CORRELATIONS.look_back,
    "data_quality": "sufficient",
    "min_position_value": Decimal(MIN_POSITION_VALUE),
    "min_portfolio_weight": Decimal(MIN_POSITION_PERCENT) / 100,
    "filter_mode": "both",
    "correlation_threshold": Decimal(str(THRESHOLD)),
}
"""Columns of correlation_calculations with the same value in every row."""
PASSING = {"symbol": pl.String, "value": pl.String, "weight": pl.Float64, "passes": pl.Boolean}
PAIRS = {"symbol_1": pl.String, "symbol_2": pl.String, "rho": pl.Float64}
ALL_CLOSES = "no symbol has closes on sessions: all stored closes are used, on any day"


@dataclass(frozen=True)
class Matrix:
    """Correlation matrix of a portfolio.

    Attributes:
        lots: Lots that pass the size filter.
        symbols: m symbols with enough closes, ascending.
        days: n + 1 days on which all of them have a close.
        returns: {symbol: [n] logarithmic returns}.
        sample: Used and missing sessions.
        passing: Result of the size filter for each lot.
        reason: Reason why there is no matrix, else None.
        rules: undefined_figures and effective_positions.
        weights: USD of the lots of each symbol.
        notes: Notes for every figure of the matrix.
        closes: {symbol: {day: close}} where pairs have their own days, by alignment=common; else empty.
    """

    lots: tuple[PositionLot, ...]
    symbols: tuple[str, ...]
    days: tuple[date, ...]
    returns: dict[str, Floats]
    sample: Sample
    passing: pl.DataFrame
    reason: Reason | None = None
    notes: tuple[str, ...] = ()
    rules: Rules = field(default_factory=Rules.legacy)
    weights: Mapping[str, Decimal] = field(default_factory=dict)
    closes: Series = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Returns of each symbol, one less than the days; 0 without days; where pairs differ, the most."""
        if self.closes:
            return max(len(days) for days, *_ in self._pairs.values())
        return max(len(self.days) - 1, 0)

    def points(self, a: str, b: str) -> int:
        """Return the number of returns of a pair.

        Args:
            a: Symbol in the matrix.
            b: Symbol in the matrix; it may be the same.
        """
        return len(self.moves(a, b)[0])

    def moves(self, a: str, b: str) -> tuple[tuple[date, ...], Floats, Floats]:
        """Return the days of a pair's returns, and the logarithmic returns of both.

        Args:
            a: Symbol in the matrix.
            b: Symbol in the matrix; it may be the same.
        """
        if not self.closes:
            return self.days[1:], self.returns[a], self.returns[b]
        return self._pairs[a, b]

    @cached_property
    def _pairs(self) -> dict[tuple[str, str], tuple[tuple[date, ...], Floats, Floats]]:
        """Days and returns of each pair, both ways."""
        return {(a, b): self._own(a, b) for a in self.symbols for b in self.symbols}

    def _own(self, a: str, b: str) -> tuple[tuple[date, ...], Floats, Floats]:
        days = sorted(self.closes[a].keys() & self.closes[b].keys())
        levels = [np.array([self.closes[name][day] for day in days]) for name in (a, b)]
        one, other = (np.log(level[1:] / level[:-1]) for level in levels)
        return tuple(days[1:]), one, other

    def flat(self, a: str, b: str) -> bool:
        """Return whether one of two series is constant.

        Args:
            a: Symbol in the matrix.
            b: Symbol in the matrix; it may be the same.
        """
        return any(bool(np.all(moves == moves[0])) for moves in self.moves(a, b)[1:])

    def rho(self, a: str, b: str) -> float:
        """Return Pearson's correlation; NaN for a constant series or fewer than 30 returns.

        Args:
            a: Symbol in the matrix.
            b: Symbol in the matrix; it may be the same.
        """
        raw = self._raw[a, b]
        return raw if a == b else (1.0 - self.shrinkage) * raw

    @cached_property
    def _raw(self) -> dict[tuple[str, str], float]:
        """Correlations before the matrix is shrunk."""
        return {(a, b): self._pearson(a, b) for a in self.symbols for b in self.symbols}

    def _pearson(self, a: str, b: str) -> float:
        if self.points(a, b) < MIN_OVERLAP or self.flat(a, b):
            return math.nan
        return 1.0 if a == b else pearson(*self.moves(a, b)[1:])

    @cached_property
    def shrinkage(self) -> float:
        """Part of the identity in the matrix, so that its eigenvalues are above 0."""
        if not self.closes:
            return 0.0
        rho = np.eye(len(self.symbols))
        for (i, a), (j, b) in combinations(enumerate(self.symbols), 2):
            rho[i, j] = rho[j, i] = 0.0 if math.isnan(self._raw[a, b]) else self._raw[a, b]
        smallest, least = float(np.linalg.eigvalsh(rho)[0]), len(rho) * LEAST_EIGENVALUE
        return (least - smallest) / (1.0 - smallest) if smallest < least else 0.0

    def undefined(self, a: str, b: str) -> str:
        """Return why a pair has no correlation, "" if it has one or an undefined one is NaN.

        Args:
            a: Symbol in the matrix.
            b: Symbol in the matrix; it may be the same.
        """
        if not self.absent or not math.isnan(self.rho(a, b)):
            return ""
        few = self.points(a, b) < MIN_OVERLAP
        return f"fewer than {MIN_OVERLAP} common returns" if few else "a price did not move"

    @property
    def absent(self) -> bool:
        """Return whether undefined figures are absent."""
        return self.rules.undefined_figures == "absent"

    @property
    def counted(self) -> tuple[str, ...]:
        """The symbols that summaries count: all, or those that have a correlation."""
        if not self.absent:
            return self.symbols
        return tuple(name for name in self.symbols if not math.isnan(self.rho(name, name)))

    @property
    def whole(self) -> float:
        """The whole of which the weights of effective_positions are fractions: lots, or USD."""
        if self.rules.effective_positions == "weights":
            return float(sum(self.weights[name] for name in self.counted))
        lots = (lot for lot in self.lots if not self.absent or lot.symbol in self.counted)
        return float(len(list(lots)))

    @property
    def total(self) -> float:
        """The sum of the matrix, each cell times the USD of both symbols if these are the weights."""
        by_value = self.rules.effective_positions == "weights"
        usd = {name: float(self.weights[name]) if by_value else 1.0 for name in self.symbols}
        cells = [self.rho(a, b) * usd[a] * usd[b] for a in self.counted for b in self.counted]
        if self.absent:
            cells = [cell for cell in cells if not math.isnan(cell)]
        return math.nan if any(map(math.isnan, cells)) else math.fsum(cells)

    @property
    def obstacle(self) -> Reason | None:
        """The reason why there is a matrix without figures, None if it has some."""
        if self.reason or not self.absent:
            return self.reason
        if self.n < MIN_OVERLAP:
            return FEW_RETURNS
        exists = self.whole > 0 and self.total / self.whole**2 > LEAST_SPREAD
        return None if exists else NO_CORRELATION

    @property
    def no_pair(self) -> Reason | None:
        """The reason why no two symbols have a correlation, by rules under which it is absent then."""
        if self.obstacle or not self.absent:
            return self.obstacle
        pairs = (self.rho(a, b) for a, b in combinations(self.counted, 2))
        return NO_PAIR if all(map(math.isnan, pairs)) else None

    def frame(self, a: str, b: str) -> pl.DataFrame:
        """Return the returns of two symbols by session.

        Args:
            a: Symbol in the matrix.
            b: Symbol in the matrix; it may be the same.
        """
        days, one, other = self.moves(a, b)
        return pl.DataFrame({"session": days, a: one, **({} if a == b else {b: other})})


def pearson(x: Floats, y: Floats) -> float:
    """Return Pearson's correlation of two series that vary, limited to [-1, 1].

    Args:
        x: [n] returns, n >= 2.
        y: [n] returns of the same days.
    """
    xx, xy, yy = _sums(x, y)
    return min(max(xy / math.sqrt(xx * yy), -1.0), 1.0)


def _sums(x: Floats, y: Floats) -> tuple[float, float, float]:
    dx, dy = x - math.fsum(x) / len(x), y - math.fsum(y) / len(y)
    return math.fsum(dx * dx), math.fsum(dx * dy), math.fsum(dy * dy)


def matrix(case: Case) -> Matrix:
    """Return the matrix of the session, computed once."""
    return case.once(("matrix",), lambda: _matrix(case))


def _matrix(case: Case) -> Matrix:
    lots = tuple(lot for lot in case.lots if passes(case, lot))
    series, notes = _series(case, sorted({lot.symbol for lot in lots}))
    enough = {
        symbol: closes
        for symbol, closes in series.items()
        if len(closes) >= MIN_CLOSES and not case.stale(symbol)
    }
    priced = sorted({day for closes in series.values() for day in closes})
    days = tuple(day for day in priced if enough and all(day in closes for closes in enough.values()))
    uneven = any(len(closes) > len(days) for closes in enough.values())
    own = enough if case.rules.alignment == "common" and uneven else {}
    most = max((len(a.keys() & b.keys()) for a in own.values() for b in own.values()), default=len(days))
    reason = _reason(lots, most - 1)
    together = {} if reason or own else enough
    levels = {symbol: np.array([closes[day] for day in days]) for symbol, closes in together.items()}
    returns = {symbol: np.log(level[1:] / level[:-1]) for symbol, level in levels.items()}
    sample = Sample(CORRELATIONS.look_back, days, _left_out(case, enough))
    weights = {
        name: sum((abs(case.worth(lot)) for lot in lots if lot.symbol == name), Decimal(0)) for name in enough
    }
    return Matrix(
        lots, tuple(enough), days, returns, sample, _passing(case), reason, notes, case.rules, weights, own
    )


def _reason(lots: tuple[PositionLot, ...], returns: int) -> Reason | None:
    if not lots:
        return NO_POSITIONS_PASS_FILTER
    if returns <= 0:
        return NO_COMMON_RETURNS
    return INSUFFICIENT_RETURNS if returns < CORRELATIONS.minimum else None


def passes(case: Case, lot: PositionLot) -> bool:
    """Return whether a lot passes the filter: not private, large enough in USD and in % of gross exposure.

    Args:
        case: Gross exposure and the lot's value.
        lot: Of the portfolio.
    """
    gross, value = case.money("gross_exposure"), abs(case.recomputed(lot))
    heavy = gross > 0 and value * 100 >= gross * MIN_POSITION_PERCENT
    return lot.investment_class != PRIVATE and value >= MIN_POSITION_VALUE and heavy


def _passing(case: Case) -> pl.DataFrame:
    gross = case.money("gross_exposure")
    worth = [(lot, abs(case.recomputed(lot))) for lot in case.lots]
    rows = (
        (lot.symbol, f"{v:f}", float(v / gross) if gross else None, passes(case, lot)) for lot, v in worth
    )
    return table(PASSING, rows)


def _series(case: Case, symbols: list[str]) -> tuple[Series, tuple[str, ...]]:
    """Return the closes on sessions; if no symbol has any, all stored closes and a note."""
    on_sessions = {symbol: case.series(symbol, CORRELATIONS.look_back) for symbol in symbols}
    if any(on_sessions.values()) or not symbols or case.rules.stale_figures == "refused":
        return on_sessions, ()
    first = case.day - timedelta(days=CORRELATIONS.look_back)
    stored = {
        symbol: {
            day: float(close)
            for day, close in case.closes.get(symbol, {}).items()
            if first <= day <= case.day and close > 0
        }
        for symbol in symbols
    }
    return stored, (ALL_CLOSES,)


def _left_out(case: Case, series: Series) -> tuple[tuple[date, str], ...]:
    missing = {
        day: sorted(symbol for symbol, closes in series.items() if day not in closes)
        for day in case.sessions(CORRELATIONS.look_back)
    }
    return tuple((day, f"no close of {', '.join(symbols)}") for day, symbols in missing.items() if symbols)


def pair(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of pairwise_correlations.

    Args:
        case: The session's correlation matrix.
        ask: Two symbols, and a column of the table.
    """
    correlations, (a, b) = matrix(case), ask.pair
    missing = next((symbol for symbol in (a, b) if symbol not in correlations.symbols), None)
    reason = correlations.reason or (f"{missing} is not in the matrix" if missing else "")
    if reason:
        formula = f"{ask.column} of the returns of {a} and {b}"
        return absent(formula, reason, frames={"lots": correlations.passing}, sample=correlations.sample)
    if ask.column == "data_points":
        return _paired(correlations, a, b, "data_points = {n}", correlations.points(a, b))
    if undefined := correlations.no_pair or correlations.undefined(a, b):
        formula = f"{ask.column} of the returns of {a} and {b}"
        frames = {"returns": correlations.frame(a, b)}
        return absent(formula, undefined, frames=frames, sample=correlations.sample)
    match ask.column:
        case "correlation_value":
            return _correlation(correlations, a, b)
        case _:
            return _significance(correlations, a, b)


def _paired(
    correlations: Matrix,
    a: str,
    b: str,
    formula: str,
    value: Value,
    *steps: Step,
    notes: tuple[str, ...] = (),
) -> Working:
    count = Step("n", correlations.points(a, b), "common logarithmic returns", "frame `returns`")
    frames = {"returns": correlations.frame(a, b)}
    return Working(
        formula, value, (count, *steps), frames, correlations.sample, (*correlations.notes, *notes)
    )


def _correlation(correlations: Matrix, a: str, b: str) -> Working:
    xx, xy, yy = _sums(*correlations.moves(a, b)[1:])
    steps = (
        Step("Sxx", xx, f"squared deviations of {a}", "frame `returns`"),
        Step("Syy", yy, f"squared deviations of {b}", "frame `returns`"),
        Step("Sxy", xy, "products of deviations", "frame `returns`"),
    )
    value, few = correlations.rho(a, b), correlations.points(a, b) < MIN_OVERLAP
    if math.isnan(value):
        why = f"fewer than {MIN_OVERLAP} returns" if few else "a series is constant"
        return _paired(correlations, a, b, "correlation_value is undefined", value, *steps, notes=(why,))
    formula = "correlation_value = {Sxy} / sqrt({Sxx} * {Syy})"
    if correlations.shrinkage and a != b:
        share = Step("a", correlations.shrinkage, "part of the identity, so that no eigenvalue is negative")
        return _paired(correlations, a, b, f"{formula} * (1 - {{a}})", value, *steps, share)
    return _paired(correlations, a, b, formula, value, *steps)


def _significance(correlations: Matrix, a: str, b: str) -> Working:
    """Explain statistical_significance: 1 - p of the t-test of a correlation of 0."""
    name = "statistical_significance"
    if a == b:
        return _paired(correlations, a, b, f"{name} = 1", 1.0, notes=("a symbol with itself has 1",))
    if correlations.flat(a, b):
        return _paired(correlations, a, b, f"{name} is undefined", math.nan, notes=("a series is constant",))
    rho, n = pearson(*correlations.moves(a, b)[1:]), correlations.points(a, b)
    left = (1.0 - rho) * (1.0 + rho)
    if not left > 0:
        note = "the two series are proportional: the tail is 0"
        return _paired(correlations, a, b, f"{name} = 1", 1.0, notes=(note,))
    t = abs(rho) * math.sqrt((n - 2) / left)
    value = 1.0 - two_sided_tail(t, n - 2)
    step = Step("rho", rho, "correlation", "explain correlation_value")
    below_minimum = (f"stored although the correlation is undefined below {MIN_OVERLAP} returns",)
    formula = f"{name} = 1 - tail({{rho}} * sqrt(({{n}} - 2) / (1 - {{rho}}**2)), {{n}} - 2)"
    return _paired(correlations, a, b, formula, value, step, notes=below_minimum if n < MIN_OVERLAP else ())


def head(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of correlation_calculations.

    Args:
        case: The session's correlation matrix.
        ask: A column of the table.
    """
    correlations, column = matrix(case), ask.column
    frames = {"lots": correlations.passing}
    if correlations.reason:
        return absent(
            f"{column} of the matrix", correlations.reason, frames=frames, sample=correlations.sample
        )
    size = len(correlations.counted)
    symbols = Step("m", size, "symbols in the matrix", "frame `lots`: those with closes")
    every = Step(
        "k", len(case.lots), "lots of the portfolio, closed and deleted ones included", "frame `lots`"
    )
    match column:
        case "positions_included":
            return Working("positions_included = {m}", size, (symbols,), frames, correlations.sample)
        case "positions_excluded":
            left = len(case.lots) - size
            return Working(
                "positions_excluded = {k} - {m}", left, (every, symbols), frames, correlations.sample
            )
        case "overall_correlation" if why := correlations.no_pair:
            return absent(f"{column} of the matrix", why, frames=frames, sample=correlations.sample)
        case "effective_positions" if why := correlations.obstacle:
            return absent(f"{column} of the matrix", why, frames=frames, sample=correlations.sample)
        case "overall_correlation":
            return _overall(correlations)
        case "effective_positions":
            return _effective(correlations)
        case _:
            value = CONSTANTS[column]
            return Working(f"{column} = {value}", value, notes=("the same in every row",))


def _overall(correlations: Matrix) -> Working:
    """Explain overall_correlation: mean absolute correlation of the pairs that are not 0."""
    pairs = [(a, b, correlations.rho(a, b)) for a, b in combinations(correlations.counted, 2)]
    if correlations.absent:
        pairs = [pair for pair in pairs if not math.isnan(pair[-1])]
    sizes = [abs(rho) for *_, rho in pairs if correlations.absent or rho != 0.0]
    total = math.nan if any(map(math.isnan, sizes)) else math.fsum(sizes)
    frames = {"pairs": table(PAIRS, pairs)}
    steps = (
        Step("S", total, "sum of |rho| above the diagonal", "frame `pairs`"),
        Step("k", len(sizes), "pairs that are not 0", "frame `pairs`"),
    )
    if not sizes:
        note = "there is no pair"
        return Working("overall_correlation = 0", 0.0, steps, frames, correlations.sample, (note,))
    notes = ("undefined if any pair is undefined",) if math.isnan(total) else ()
    formula, value = "overall_correlation = {S} / {k}", total / len(sizes)
    return Working(formula, value, steps, frames, correlations.sample, notes)


def _effective(correlations: Matrix) -> Working:
    """Explain effective_positions: 1 / (w'Rw) with equal weights 1 / k, or with those of the symbols' USD."""
    rho = {b: [correlations.rho(a, b) for a in correlations.counted] for b in correlations.counted}
    what, each = "sum of the whole matrix, diagonal included", "lots that passed the filter"
    if correlations.rules.effective_positions == "weights":
        what, each = f"{what}, each cell times the USD of both symbols", "USD of the symbols"
    total, whole = correlations.total, correlations.whole
    steps = (Step("S", total, what, "frame `matrix`"), Step("k", whole, each, "frame `lots`"))
    frames = {"lots": correlations.passing, "matrix": pl.DataFrame({"symbol": correlations.counted, **rho})}
    if not total > 0:
        note = "the sum of the matrix is not above 0: each lot counts as one"
        lots = float(len(correlations.lots))
        steps = (steps[0], Step("k", lots, "lots that passed the filter", "frame `lots`"))
        return Working("effective_positions = {k}", lots, steps, frames, correlations.sample, (note,))
    formula = "effective_positions = 1 / ({S} / {k}**2)"
    return Working(formula, whole**2 / total, steps, frames, correlations.sample)
