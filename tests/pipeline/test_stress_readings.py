"""Fund closes and stored rows that stress reads, on worlds for the back of an envelope."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from engine.analytics.stress.scenarios import load_scenarios
from engine.core.calendar import sessions
from engine.core.rules import Rules
from engine.core.window import Window
from engine.pipeline.compute import compute
from engine.pipeline.results import Results
from loaders.window import load_window
from tests.builders import STAMP, close, portfolio, position, uid
from tests.memory_store import MemoryReader, frame_of

DAYS = sessions(date(2025, 3, 3), date(2025, 3, 14))
LAST = DAYS[-1]
MARKET, OTHERS = "Market Beta (90D)", [f"Other {number}" for number in range(7)]
LOW, HIGH = f"0{uid('value')[1:]}", f"f{uid('market')[1:]}"
Row = dict[str, Any]


def definition(name: str, factor_id: str) -> Row:
    other = {"factor_type": "style", "display_order": 0, "is_active": True}
    return {"id": factor_id, "name": name, **other, "created_at": STAMP, "updated_at": STAMP}


def exposure(day: date, factor_id: str, dollars: str, written: datetime = STAMP) -> Row:
    return {
        "id": uid(f"{day}/{factor_id}"),
        "portfolio_id": uid("P"),
        "factor_id": factor_id,
        "calculation_date": day,
        "exposure_value": Decimal("0.5"),
        "exposure_dollar": Decimal(dollars),
        "created_at": written,
        "updated_at": written,
    }


def scenario(name: str) -> Row:
    words = {"name": name, "category": "c", "severity": "s", "shock_config": "{}", "active": True}
    return {"id": uid(name), "scenario_id": name, **words, "created_at": STAMP, "updated_at": STAMP}


def run(**tables: Sequence[Row]) -> Results:
    """One session of ten shares at 50.00, after what `tables` hold."""
    rows = {
        "portfolios": [portfolio()],
        "positions": [position()],
        "market_data_cache": [close(day, "50", fund) for fund in ("AAA", "SPY", "VTV") for day in DAYS],
        "stress_test_scenarios": [scenario(s.id) for s in load_scenarios().active],
        **tables,
    }
    window = Window(LAST, LAST, LAST + timedelta(days=1))
    with MemoryReader({name: frame_of(name, found) for name, found in rows.items()}) as reader:
        return compute(load_window(reader, window), window, Rules.legacy())


def held(results: Results, shocked: str) -> set[float]:
    """The exposures that scenarios found for a shocked factor."""
    impacts = [json.loads(text) for text in results["stress_test_results"]["factor_impacts"]]
    return {impact[shocked]["exposure"] for impact in impacts if shocked in impact}


def stored_exposures(*oldest: Row) -> dict[str, list[Row]]:
    """49 newer exposures to other factors, so that of the oldest date's one is among the newest 50."""
    newer = [exposure(day, uid(name), "1.00") for day in DAYS[1:8] for name in OTHERS]
    definitions = [definition(name, uid(name)) for name in OTHERS]
    known = [*definitions, definition("Value", LOW), definition(MARKET, HIGH)]
    return {"factor_definitions": known, "factor_exposures": [*oldest, *newer]}


def test_of_a_date_that_the_newest_fifty_end_inside_the_first_written_is_read() -> None:
    later = STAMP + timedelta(seconds=1)
    value_first = stored_exposures(exposure(DAYS[0], HIGH, "700.00", later), exposure(DAYS[0], LOW, "300.00"))
    market_first = stored_exposures(
        exposure(DAYS[0], HIGH, "700.00"), exposure(DAYS[0], LOW, "300.00", later)
    )
    assert [held(run(**value_first), name) for name in ("Value", "Market")] == [{300.0}, {0.0}]
    assert [held(run(**market_first), name) for name in ("Value", "Market")] == [{0.0}, {700.0}]


def test_under_one_stamp_the_market_s_beta_was_written_before_the_styles() -> None:
    """Whatever the ids: the value factor's is the smaller one."""
    found = run(**stored_exposures(exposure(DAYS[0], LOW, "300.00"), exposure(DAYS[0], HIGH, "700.00")))
    assert [held(found, name) for name in ("Value", "Market")] == [{0.0}, {700.0}]


def ends(results: Results) -> list[tuple[str, str]]:
    """The status and the reason of the stress job."""
    status = results["analytics_status"].filter(pl.col("job") == "stress")
    return status.select("status", "reason").rows()


def test_one_day_that_all_funds_have_is_no_return_and_fails_the_job() -> None:
    """SPY on the last two sessions, VTV on the last alone: no return of both."""
    known = stored_exposures(exposure(DAYS[0], HIGH, "700.00"))
    one = [close(DAYS[-2], "50", "SPY"), close(LAST, "51", "SPY"), close(LAST, "50", "VTV")]
    found = run(**known, market_data_cache=one)
    assert found["stress_test_results"].is_empty()
    assert ends(found) == [("failed", "no_factor_prices")]
    two = run(**known, market_data_cache=[*one, close(DAYS[-2], "49", "VTV")])
    assert not two["stress_test_results"].is_empty()
    assert ends(two) == [("partial", "unmeasured_factor")]


def rate_beta(beta: str, written: datetime, row_id: str) -> Row:
    return {
        "id": row_id,
        "portfolio_id": uid("P"),
        "position_id": position()["id"],
        "ir_beta": Decimal(beta),
        "calculation_date": DAYS[-2],
        "created_at": written,
    }


def test_of_two_rate_betas_of_a_position_and_a_day_the_newest_is_read() -> None:
    """Ten shares at 50 and a beta of 2: 1000 USD. The legacy table has no constraint against two."""
    known = stored_exposures(exposure(DAYS[0], HIGH, "700.00"))
    later = STAMP + timedelta(seconds=1)
    for newest, other in (((later, LOW), (STAMP, HIGH)), ((later, HIGH), (later, LOW))):
        betas = [rate_beta("2", *newest), rate_beta("3", *other)]
        for rows in (betas, betas[::-1]):
            found = run(**known, position_interest_rate_betas=rows)
            assert found.failures.is_empty()
            assert held(found, "Interest_Rate") == {1000.0}
