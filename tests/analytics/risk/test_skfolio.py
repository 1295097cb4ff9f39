"""Contributions to predicted volatility against skfolio's predicted attribution, on the golden set `mixed`.

Both are given what the job `risk` computes with: weights, betas, the factors' covariance, specific variances.
skfolio brings CVXPY, its solvers and Plotly along, so that it is an extra of its own: `bin/setup skfolio`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import engine
from engine.analytics.risk import risk as job
from engine.analytics.risk.contributions import Contributions, RiskModel, contributions
from engine.core.rules import Rules
from engine.numerics.arrays import Floats, Ints
from tests.test_golden import RUN_DATE, WINDOWS, folder

pytestmark = pytest.mark.skipif(
    find_spec("skfolio") is None,
    reason="NOT COMPARED WITH SKFOLIO, which is not installed: bin/setup skfolio",
)
PARITY = 1e-10


class Computed:
    """Arguments and result of the contributions that the job computes."""

    weight: Floats
    model: RiskModel
    owner: Ints
    found: Contributions

    def __call__(self, weight: Floats, model: RiskModel, owner: Ints, portfolios: int) -> Contributions:
        self.weight, self.model, self.owner = weight, model, owner
        self.found = contributions(weight, model, owner, portfolios)
        return self.found

    def portfolios(self) -> Iterator[tuple[int, int, Any]]:
        """Sessions and portfolios that have a volatility."""
        for day, portfolio in np.argwhere(self.found.total > 0).tolist():
            yield day, portfolio, (self.owner == portfolio) & (self.weight[day] != 0)


@pytest.fixture(scope="module")
def computed() -> Computed:
    inputs = engine.open(folder("mixed", "inputs")).inputs(*WINDOWS["mixed"], run_date=RUN_DATE)
    kept = Computed()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "contributions", kept)
        engine.compute(inputs, rules=Rules.corrected())
    return kept


def attribution(computed: Computed, day: int, mine: Any) -> Any:
    """skfolio's, with the lots of a symbol sharing their specific move."""
    from skfolio.attribution import predicted_factor_attribution

    model = computed.model
    symbol, specific = model.symbol[mine], model.specific[day, mine]
    return predicted_factor_attribution(
        computed.weight[day, mine],
        model.betas[day][:, mine].T,
        model.covariance[day],
        np.where(symbol[:, None] == symbol, specific, 0.0),
        np.flatnonzero(mine).astype(str),
        np.arange(len(model.covariance[day])).astype(str),
    )


def test_volatilities_and_contributions_are_skfolio_s(computed: Computed) -> None:
    found, worst, count = computed.found, 0.0, 0
    for day, portfolio, mine in computed.portfolios():
        theirs = attribution(computed, day, mine)
        pairs = (
            (found.total[day, portfolio], theirs.total.vol),
            (found.specific[day, portfolio], theirs.idio.vol_contrib),
            (found.exposure[day, :, portfolio] * found.factor[day, :, portfolio], theirs.factors.vol_contrib),
            (found.exposure[day, :, portfolio], theirs.factors.exposure),
            ((computed.weight * found.by_betas)[day, mine], theirs.assets.systematic_vol_contrib),
            ((computed.weight * found.by_specific)[day, mine], theirs.assets.idio_vol_contrib),
        )
        worst = max(worst, *(float(np.abs(ours - other).max()) for ours, other in pairs))
        count += 1
    assert count > 150
    assert worst < PARITY
