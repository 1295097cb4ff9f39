"""Value at risk of a small portfolio, by hand and against scipy."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy import stats

from engine.analytics.forecasts.value_at_risk import PREVIOUS, TABLE, TESTS, value_at_risk
from engine.numerics.tails import Tails
from tests.analytics.small import portfolios
from tests.builders import uid

DAYS = pl.Series("date", [date(2025, 3, 3), date(2025, 3, 4), date(2025, 3, 5)])
EQUITY = [[1000.0, 1100.0, 0.0]]
VOLATILITY = np.array([[0.2, np.nan, 0.3]])
TAILS = Tails(
    np.array([[[-0.02, -0.05], [-0.03, np.nan], [-0.01, -0.02]]]),
    np.array([[[-0.03, -0.06], [-0.04, np.nan], [-0.01, -0.02]]]),
    np.array([[252, 80, 252]]),
)
PNL = np.array([[np.nan, -25.0, -30.0]])
NONE = pl.DataFrame(schema=PREVIOUS)


def run(previous: pl.DataFrame = NONE, pnl: np.ndarray = PNL) -> dict[str, pl.DataFrame]:
    return value_at_risk(portfolios(EQUITY), DAYS, VOLATILITY, TAILS, pnl, previous)


def row(found: dict[str, pl.DataFrame], day: date, method: str, level: int) -> dict[str, object]:
    rows = found[TABLE].filter(calculation_date=day, method=method, level=level)
    return rows.row(0, named=True)


def test_the_historical_loss_is_the_quantile_of_equity() -> None:
    first = row(run(), DAYS[0], "historical", 95)
    assert (first["value_at_risk"], first["expected_shortfall"], first["observations"]) == (20.0, 30.0, 252)
    assert first["exceeded"] is None
    # The second session lost 25 of the 20 that the first allowed; the third lost 30 of 33.
    assert row(run(), DAYS[1], "historical", 95)["exceeded"] is True
    assert row(run(), DAYS[1], "historical", 99)["exceeded"] is False
    third = row(run(), DAYS[2], "historical", 95)
    assert (third["value_at_risk"], third["exceeded"]) == (None, False)


@pytest.mark.parametrize(("level", "percent"), [(0.95, 95), (0.99, 99)])
def test_the_model_s_loss_is_that_of_a_normal_distribution(level: float, percent: int) -> None:
    scale = 1000 * 0.2 / np.sqrt(252)
    first = row(run(), DAYS[0], "model", percent)
    assert first["value_at_risk"] == round(scale * stats.norm.ppf(level), 2)
    expected = stats.norm.expect(lambda x: x, lb=stats.norm.ppf(level), conditional=True)
    assert first["expected_shortfall"] == pytest.approx(scale * expected, rel=1e-9)
    assert first["observations"] is None


def test_a_session_without_a_forecast_before_it_is_not_tested() -> None:
    found = run()
    # The third session has no row of the model: no volatility the day before, no equity on the day itself.
    assert found[TABLE].filter(calculation_date=DAYS[2], method="model").is_empty()
    assert found[TESTS].filter(pl.col("calculation_date") == DAYS[0]).is_empty()
    tested = found[TESTS].filter(method="historical", level=95)
    assert tested.select("calculation_date", "sessions", "exceptions").rows() == [
        (DAYS[1], 1, 1),
        (DAYS[2], 2, 1),
    ]
    assert found[TESTS].filter(method="model", level=99)["sessions"].to_list() == [1]


def before(sessions: int, loss: float | None, last: date = date(2025, 2, 28)) -> pl.DataFrame:
    """Earlier rows, with an exception in every tenth."""
    rows = [
        (uid("P0"), date(2024, 1, 1), "historical", 95, 1.0, number % 10 == 0) for number in range(sessions)
    ]
    rows.append((uid("P0"), last, "historical", 95, loss, None))
    return pl.DataFrame(rows, schema=PREVIOUS, orient="row")


def test_earlier_rows_count_up_to_250_sessions() -> None:
    pnl = np.array([[-9.0, -25.0, -30.0]])
    found = run(before(300, 8.99), pnl)
    assert row(found, DAYS[0], "historical", 95)["exceeded"] is True
    tested = found[TESTS].filter(method="historical", level=95)
    assert tested["sessions"].to_list() == [250, 250, 250]
    # The oldest of the 250 had an exception; each new session pushes one out.
    assert tested["exceptions"].to_list() == [25, 26, 26]
    rate = tested["exceptions"][2] / 250
    hits = stats.binom.logpmf(26, 250, rate) - stats.binom.logpmf(26, 250, 0.05)
    assert tested["kupiec"][2] == pytest.approx(2 * hits, rel=1e-9)


def test_the_newest_earlier_row_counts_if_it_is_of_the_session_before() -> None:
    pnl = np.array([[-9.0, -25.0, -30.0]])
    stale = run(before(3, 8.99, last=date(2025, 2, 27)), pnl)
    assert row(stale, DAYS[0], "historical", 95)["exceeded"] is None
    assert row(run(before(3, None), pnl), DAYS[0], "historical", 95)["exceeded"] is None
