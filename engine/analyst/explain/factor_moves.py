"""Correlations of factors and their moves: of their funds up to the run date, or up to the session."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from functools import cached_property

import numpy as np

from engine.analyst.explain.case import Case
from engine.analytics.stress.factor_correlations import DECAY
from engine.analytics.stress.factor_moves import MARKET, RATES
from engine.analytics.stress.scenarios import RATE_SHOCK
from engine.analytics.stress.stress_exposures import HELD_AS
from engine.analytics.stress.stress_pnl import CORRELATES_AS
from engine.core.funds import FUND_FACTORS, RATE_FUND, STYLE_FUNDS
from engine.core.job_catalog import STRESS
from engine.numerics.arrays import Floats


class FactorMoves:
    """Correlations and covariances of the factor funds.

    Attributes:
        names: Factors whose fund has any close in the look-back window.
        as_of: Day on which the look-back window ends: the run date or the session.
        returns: [T, F] simple returns between days on which all funds have a close.
        decay: Weight of a day relative to the next day; None for equal weights and shrinkage.
        bounds: Smallest and largest correlation of two different factors.
    """

    def __init__(self, case: Case) -> None:
        half_life, self.case = case.scenarios.half_life, case
        self.bounds = case.scenarios.bounds
        own = case.rules.factor_covariance != "run_date"
        self.as_of = case.day if own else case.run_date
        halved = None if half_life is None else 0.5 ** (1.0 / half_life)
        self.decay = halved if own or halved else DECAY
        closes = _session_closes(case) if own else _run_date_closes(case)
        funds = [fund for fund in FUND_FACTORS if fund in closes]
        days = sorted({day for fund in funds for day in closes[fund]})
        complete = [day for day in days if all(day in closes[fund] for fund in funds)]
        level = np.array([[closes[fund][day] for fund in funds] for day in complete])
        level = level.reshape(len(complete), len(funds))
        with np.errstate(divide="ignore", invalid="ignore"):
            returns = level[1:] / level[:-1] - 1.0
        # 0 after 0 is no return, and takes its day from all; an infinite one leaves its fund uncorrelated.
        self.returns: Floats = returns[~np.isnan(returns).any(axis=1)]
        self.names = [FUND_FACTORS[fund] for fund in funds]

    @cached_property
    def weights(self) -> Floats:
        """[T] weights with sum 1; the newest return has the largest."""
        raw = np.power(self.decay or 1.0, np.arange(len(self.returns) - 1, -1, -1, dtype=np.float64))
        return np.asarray(raw / raw.sum())

    def between(self, shocked: str, held: str) -> float:
        """Return the correlation of two factors; a factor without a fund correlates only with itself.

        Args:
            shocked: Name of the factor that a scenario shocks.
            held: Name of a factor to which the portfolio is exposed.

        Returns:
            Limited to the bounds of the scenarios' file.
        """
        if shocked not in self.names or held not in self.names:
            return float(shocked == held)
        return 1.0 if shocked == held else float(np.clip(self._rho(shocked, held), *self.bounds))

    def move(self, shocks: Mapping[str, float], factor: str) -> float:
        """Return how far a factor moves with shocks other than that of rates.

        Args:
            shocks: By factor, as fractions.
            factor: Name of a factor to which the portfolio is exposed.

        Returns:
            The sum of shock x correlation; or under the rule "conditional" the factor's own shock, else
            its expected move given the shocks.
        """
        if self.case.rules.unshocked_factors == "sum":
            return sum((shock * self.between(name, factor) for name, shock in shocks.items()), 0.0)
        given = [name for name in shocks if name in self.names]
        if factor in shocks or factor not in self.names or not given:
            return shocks.get(factor, 0.0)
        at = [self.names.index(name) for name in given]
        weights = np.linalg.pinv(self.covariance[np.ix_(at, at)]) @ [shocks[name] for name in given]
        return float(self.covariance[self.names.index(factor), at] @ weights)

    def model_move(self, shocks: Mapping[str, float], exposure: str) -> float:
        """Return how far the factor of an exposure moves in a correlated P&L.

        Under joint exposures and conditional moves the market's exposure moves too, and a style by what its
        move exceeds the market's part.

        Args:
            shocks: By factor, as fractions; not that of rates.
            exposure: Name of a factor to which the portfolio is exposed.
        """
        rules = self.case.rules
        if rules.factor_model == "separate" or rules.unshocked_factors == "sum":
            return self.move(shocks, CORRELATES_AS.get(exposure, exposure))
        market = self.move(shocks, MARKET)
        if exposure == HELD_AS[MARKET]:
            return market
        if exposure in self.names and {MARKET} == shocks.keys() & set(self.names):
            # Given the market alone a style moves by the market's part: exactly, where floats leave 1e-17.
            return 0.0
        return self.beyond_market(exposure, self.move(shocks, exposure), market)

    @property
    def _one_model(self) -> bool:
        """Return whether rates are one factor of the joint model, with a known duration of their fund."""
        rules = self.case.rules
        joint = rules.factor_model == "joint" and rules.unshocked_factors == "conditional"
        return joint and rules.rate_shocks == "yields" and self.duration is not None

    @cached_property
    def duration(self) -> float | None:
        """Years, of the rates' fund as of the covariances; None if unknown."""
        row = duration(self.case, RATE_FUND, self.as_of)
        return None if row is None else row[1]

    def with_rates(self, shocks: Mapping[str, float]) -> dict[str, float]:
        """Return a scenario's shocks as returns of funds: of rates -duration x change, in the joint model.

        Args:
            shocks: By factor, as fractions; that of rates a change of yield.
        """
        moves = {name: shock for name, shock in shocks.items() if name != RATE_SHOCK}
        if self._one_model and self.duration is not None and RATE_SHOCK in shocks:
            moves[RATES] = -self.duration * shocks[RATE_SHOCK]
        return moves

    def rates(self, shocks: Mapping[str, float]) -> float:
        """Return how far yields move in a correlated P&L: by their shock, or beyond the market's part.

        Args:
            shocks: By factor, as fractions; that of rates a change of yield.
        """
        change = shocks.get(RATE_SHOCK, 0.0)
        if not self._one_model or self.duration is None or RATES not in self.names:
            return change
        funds = self.with_rates(shocks)
        beyond = self.beyond_market(RATES, self.move(funds, RATES), self.move(funds, MARKET))
        return -beyond / self.duration

    def direct_move(self, shocks: Mapping[str, float], factor: str) -> float:
        """Return how far a shocked factor moves in a direct P&L.

        Args:
            shocks: By factor, as fractions.
            factor: One of them.
        """
        rules = self.case.rules
        if rules.factor_model == "separate" or MARKET not in shocks:
            return shocks[factor]
        if factor == RATE_SHOCK and rules.rate_shocks == "yields" and self.duration is not None:
            fund = -self.duration * shocks[factor]
            return -self.beyond_market(RATES, fund, shocks[MARKET]) / self.duration
        return self.beyond_market(factor, shocks[factor], shocks[MARKET])

    def beyond_market(self, factor: str, move: float, market: float) -> float:
        """Return a style's move less its slope on the market times the market's move.

        Args:
            factor: A style or the rates; other factors move as they are.
            move: Its move, a fraction.
            market: The market's move, a fraction.
        """
        if factor not in (*STYLE_FUNDS, RATES) or factor not in self.names or MARKET not in self.names:
            return move
        own, at = self.names.index(factor), self.names.index(MARKET)
        variance = float(self.covariance[at, at])
        return move - float(self.covariance[own, at]) / variance * market if variance > 0 else move

    @cached_property
    def covariance(self) -> Floats:
        """[F, F] covariances of the funds' returns; 0 with fewer than 30, or of a fund without a return."""
        if len(self.returns) < STRESS.minimum:
            return np.zeros((len(self.names), len(self.names)))
        finite = np.where(np.isfinite(self.returns).all(axis=0), self.returns, 0.0)
        off = finite - self.weights @ finite
        # A constant fund has deviations of exactly 0.
        off[:, (finite == finite[0]).all(axis=0)] = 0.0
        if self.decay is None:
            return oas(off) if self.case.rules.factor_covariance == "session_oas" else shrunk(off)
        return np.asarray((off * self.weights[:, None]).T @ off)

    def _rho(self, a: str, b: str) -> float:
        cov, i, j = self.covariance, self.names.index(a), self.names.index(b)
        return float(cov[i, j]) / math.sqrt(cov[i, i] * cov[j, j]) if cov[i, i] > 0 and cov[j, j] > 0 else 0.0


def duration(case: Case, symbol: str, day: date) -> tuple[date, float] | None:
    """Return the day and the years of a fund's newest duration up to a day, None if there is none.

    Args:
        case: Its inputs.
        symbol: Of the fund.
        day: The last that counts.
    """
    rows = case.inputs.durations.filter(symbol=symbol).select("asof_date", "duration").iter_rows()
    return max(((of, float(years)) for of, years in rows if of <= day), default=None)


def shrunk(off: Floats) -> Floats:
    """Return the covariance of Ledoit and Wolf (2004), by their formulas, one return after the other.

    Args:
        off: [n, F] deviations of returns from their means.
    """
    n, count = off.shape
    sample = off.T @ off / n
    mu = float(np.trace(sample)) / count
    distance = float(((sample - mu * np.eye(count)) ** 2).sum()) / count
    errors = [float(((np.outer(row, row) - sample) ** 2).sum()) / count for row in off]
    share = min(math.fsum(errors) / n**2, distance) / distance if distance > 0 else 0.0
    return np.asarray(share * mu * np.eye(count) + (1.0 - share) * sample)


def oas(off: Floats) -> Floats:
    """Return the covariance by oracle approximating shrinkage (Chen and others, 2010), from its eigenvalues.

    Args:
        off: [n, F] deviations of returns from their means.
    """
    n, count = off.shape
    sample = off.T @ off / n
    values = np.linalg.eigvalsh(sample).tolist()
    trace, squares = math.fsum(values), math.fsum(value**2 for value in values)
    unequal = (n + 1) * (squares - trace**2 / count)
    share = min((squares + trace**2) / unequal, 1.0) if unequal > 0 else 1.0
    return np.asarray(share * trace / count * np.eye(count) + (1.0 - share) * sample)


def _run_date_closes(case: Case) -> dict[str, dict[date, float]]:
    closes: dict[str, dict[date, float]] = {}
    for symbol, day, close in case.inputs.fund_closes.select("symbol", "date", "close").iter_rows():
        closes.setdefault(symbol, {})[day] = float(close)
    return closes


def _session_closes(case: Case) -> dict[str, dict[date, float]]:
    closes = {fund: case.series(fund, STRESS.look_back) for fund in FUND_FACTORS}
    return {fund: levels for fund, levels in closes.items() if levels}
