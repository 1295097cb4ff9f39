"""Correlations of factors: those of their funds in the look-back window of the run date."""

from __future__ import annotations

import math
from datetime import date
from functools import cached_property

import numpy as np

from engine.analyst.explain.case import Case
from engine.analytics.stress.factor_correlations import DECAY
from engine.core.funds import FUND_FACTORS
from engine.core.job_catalog import STRESS
from engine.numerics.arrays import Floats


class FactorMoves:
    """Exponentially weighted correlations of the factor funds.

    Attributes:
        names: Factors whose fund has any close in the look-back window of the run date.
        returns: [T, F] simple returns between days on which all funds have a close.
        decay: Weight of a day relative to the next day.
        bounds: Smallest and largest correlation of two different factors.
    """

    def __init__(self, case: Case) -> None:
        half_life = case.scenarios.half_life
        self.bounds = case.scenarios.bounds
        self.decay = DECAY if half_life is None else 0.5 ** (1.0 / half_life)
        closes: dict[str, dict[date, float]] = {}
        for symbol, day, close in case.inputs.fund_closes.select("symbol", "date", "close").iter_rows():
            closes.setdefault(symbol, {})[day] = float(close)
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
        raw = np.power(self.decay, np.arange(len(self.returns) - 1, -1, -1, dtype=np.float64))
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

    def _rho(self, a: str, b: str) -> float:
        if len(self.returns) < STRESS.minimum:
            return 0.0
        x, y = (self.returns[:, self.names.index(name)] for name in (a, b))
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            return 0.0
        w = self.weights
        dx, dy = x - w @ x, y - w @ y
        vx, vy = float(w @ (dx * dx)), float(w @ (dy * dy))
        return float(w @ (dx * dy)) / math.sqrt(vx * vy) if vx > 0 and vy > 0 else 0.0
