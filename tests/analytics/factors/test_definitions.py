"""Factor definitions: found by name, created, renamed, and ordered."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from engine.analytics.factors.definitions import factor_ids, updated_definitions, written_order
from tests.analytics.small import table
from tests.builders import STAMP, uid

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def definitions(*names: str, inactive: tuple[str, ...] = ()) -> pl.DataFrame:
    rows = [
        {
            "id": uid(name),
            "name": name,
            "is_active": name not in inactive,
            "created_at": STAMP,
            "updated_at": STAMP,
        }
        for name in names
    ]
    return table("factor_definitions", *rows)


def used(*ids: str | None) -> pl.DataFrame:
    return pl.DataFrame({"factor_id": pl.Series(ids, dtype=pl.String)})


def test_betas_are_found_whatever_their_flag_and_styles_only_if_active() -> None:
    names = ("Market Beta (90D)", "Market Beta", "Provider Beta (1Y)", "IR Beta", "Value", "Size")
    found = factor_ids(definitions(*names, inactive=("Market Beta (90D)", "IR Beta", "Size")))
    assert (found.market, found.provider) == (uid("Market Beta (90D)"), uid("Provider Beta (1Y)"))
    assert found.rate == uid("IR Beta")
    assert found.active["Value"] == uid("Value")
    assert "Size" not in found.active


def test_market_beta_has_no_id_without_a_definition_and_the_other_betas_have_one() -> None:
    found = factor_ids(definitions("Value"))
    assert found.market is None
    assert found.provider != found.rate
    assert factor_ids(definitions("Market Beta")).market == uid("Market Beta")


def test_definitions_are_created_once_an_exposure_has_their_id() -> None:
    before = definitions("Value")
    ids = factor_ids(before)
    after = updated_definitions(before, used(ids.rate), NOW)
    made = after.row(by_predicate=pl.col("name") == "IR Beta", named=True)
    assert after["name"].to_list() == ["IR Beta", "Value"]
    assert (made["id"], made["factor_type"], made["display_order"]) == (ids.rate, "macro", 2)
    assert (made["is_active"], made["created_at"]) == (True, NOW)
    assert updated_definitions(before, used(), NOW)["name"].to_list() == ["Value"]


def test_an_old_market_beta_is_renamed_once_an_exposure_has_its_id() -> None:
    before = definitions("Market Beta")
    after = updated_definitions(before, used(uid("Market Beta")), NOW).row(0, named=True)
    assert (after["name"], after["id"]) == ("Market Beta (90D)", uid("Market Beta"))
    assert (after["display_order"], after["created_at"], after["updated_at"]) == (1, STAMP, NOW)
    assert updated_definitions(before, used(), NOW)["name"].to_list() == ["Market Beta"]


def test_exposures_are_written_job_by_job_and_by_id_within_a_job() -> None:
    order = written_order(definitions("Other", "Value", "Size", "Size Spread", "IR Beta", "Market Beta"))
    styles = sorted(("Value", "Size"), key=uid)
    assert order["name"].to_list() == ["Market Beta", "IR Beta", "Size Spread", *styles, "Other"]
