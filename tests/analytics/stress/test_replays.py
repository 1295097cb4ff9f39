"""Windows of dated history, by hand."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from engine.analytics.stress.replays import dated_scenarios, require_past, window_returns
from engine.analytics.stress.scenarios import scenario
from engine.core.errors import UsageError

FROM, TO = date(2020, 2, 19), date(2020, 3, 23)
FALL = scenario("Fall", window=(FROM, TO))
GIVEN = scenario("Given", {"Market": -0.1})
SESSIONS = pl.Series([date(2020, 3, 20), TO, date(2020, 3, 24)])
CLOSES = pl.DataFrame(
    [
        ("SPY", FROM, 100.0),
        ("SPY", TO, 66.0),
        ("IWM", date(2020, 2, 14), 50.0),
        ("IWM", date(2020, 3, 20), 30.0),
        ("TLT", FROM, 150.0),
        ("TLT", TO, 165.0),
    ],
    schema=["symbol", "date", "close"],
    orient="row",
)
DURATIONS = pl.DataFrame({"symbol": ["TLT"], "asof_date": [date(2020, 3, 24)], "duration": [20.0]})


def test_a_return_is_from_the_last_close_up_to_each_end() -> None:
    returns = window_returns(CLOSES, (FROM, TO))
    assert returns == pytest.approx({"SPY": -0.34, "IWM": -0.4, "TLT": 0.1})


@pytest.mark.parametrize(
    "close",
    [
        pytest.param(("VTV", date(2020, 2, 13), 80.0), id="six days old at the start"),
        pytest.param(("VTV", date(2020, 2, 20), 80.0), id="after the start"),
        pytest.param(("VTV", FROM, 0.0), id="no price"),
    ],
)
def test_a_fund_without_a_close_at_both_ends_has_no_return(close: tuple[str, date, float]) -> None:
    rows = pl.DataFrame([close, ("VTV", TO, 60.0)], schema=CLOSES.schema, orient="row")
    assert "VTV" not in window_returns(pl.concat([CLOSES, rows]), (FROM, TO))


def test_one_close_at_both_ends_is_no_return_of_0() -> None:
    assert window_returns(CLOSES, (date(2020, 2, 17), date(2020, 2, 18))) == {}
    assert window_returns(CLOSES, (date(2020, 2, 17), FROM)) == {}


def test_sessions_before_the_end_do_not_know_the_window() -> None:
    given, fall = dated_scenarios([GIVEN, FALL], SESSIONS, CLOSES, None)
    assert (given.scenario, given.sessions.tolist()) == (GIVEN, [True, True, True])
    assert fall.sessions.tolist() == [False, True, True]
    assert fall.scenario.shocks == pytest.approx({"Market": -0.34, "Size": -0.4, "Interest_Rate": 0.1})
    assert dated_scenarios([FALL], SESSIONS[:1], CLOSES, None) == []


def test_a_change_of_yield_is_minus_the_return_over_the_duration_of_the_session() -> None:
    """TLT gains 10 % at 20 years: yields fall by 0.5 %. The session before the duration's day knows none."""
    known, unknown = dated_scenarios([FALL], SESSIONS, CLOSES, DURATIONS)
    assert known.sessions.tolist() == [False, False, True]
    assert known.scenario.shocks == pytest.approx({"Market": -0.34, "Size": -0.4, "Interest_Rate": -0.005})
    assert unknown.sessions.tolist() == [False, True, False]
    assert unknown.scenario.shocks == pytest.approx({"Market": -0.34, "Size": -0.4})


def test_without_any_close_a_window_is_not_replayed() -> None:
    assert dated_scenarios([FALL], SESSIONS, CLOSES.clear(), None) == []


def test_a_window_that_has_not_ended_is_refused_by_name() -> None:
    require_past([GIVEN, FALL], TO)
    with pytest.raises(UsageError, match="scenario fall: its window ends on 2020-03-23, after the run date"):
        require_past([GIVEN, FALL], date(2020, 3, 22))
