"""Rules across the columns of a row."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from engine.core.consistency import FINDINGS, RULES, inconsistencies
from engine.core.job_catalog import PNL
from tests.builders import STAMP, portfolio, position, uid
from tests.memory_store import frame_of

CALL = {
    "position_type": "LC",
    "investment_class": "OPTIONS",
    "underlying_symbol": "AAA",
    "strike_price": 100,
    "expiration_date": date(2025, 6, 20),
}
CLOSED = {"exit_date": date(2025, 1, 3)}
NO_CURRENCIES = pl.DataFrame(schema={"symbol": pl.String, "price_currency": pl.String})


def found(
    lot: dict[str, Any] | None = None,
    owner: dict[str, Any] | None = None,
    priced: pl.DataFrame = NO_CURRENCIES,
) -> list[tuple[str, str]]:
    """Codes and values of what one lot of one portfolio breaks."""
    rows = inconsistencies(
        frame_of("portfolios", [owner or portfolio()]), frame_of("positions", [lot or position()]), priced
    )
    assert dict(rows.schema) == FINDINGS
    return rows.select("code", "value").rows()


@pytest.mark.parametrize(
    "lot",
    [
        position(),
        position(quantity="-10"),
        position(quantity="0", position_type="SHORT"),
        position("AAA250620C00100000", **CALL),
        position("AAA250620C00100000", "-1", **{**CALL, "position_type": "SC"}),
        position(investment_class="PRIVATE"),
        position(exit_date=date(2025, 1, 2)),
    ],
    ids=lambda lot: f"{lot['position_type']} {lot['quantity']} {lot['investment_class']}",
)
def test_a_plain_lot_breaks_no_rule(lot: dict[str, Any]) -> None:
    assert found(lot) == []


@pytest.mark.parametrize(
    ("lot", "code"),
    [
        (position(position_type="SHORT"), "side_against_sign"),
        (position(quantity="-10", position_type="LONG"), "side_against_sign"),
        (position(**{**CALL, "position_type": "SC"}), "side_against_sign"),
        (position(quantity="-1", **{**CALL, "position_type": "LP"}), "side_against_sign"),
        (position(exit_date=date(2025, 1, 1)), "exit_before_entry"),
        (position(**{**CALL, "strike_price": None}), "option_terms"),
        (position(**{**CALL, "expiration_date": None}), "option_terms"),
        (position(**{**CALL, "underlying_symbol": None}), "option_terms"),
        (position(**{**CALL, "expiration_date": date(2025, 1, 1)}), "expired_before_entry"),
        (position(investment_class=None), "no_class"),
        (position(investment_class="public"), "no_class"),
        (position(investment_class="OPTIONS"), "class_against_type"),
        (position(**{**CALL, "investment_class": "PUBLIC"}), "class_against_type"),
    ],
)
def test_a_lot_that_contradicts_itself_is_found(lot: dict[str, Any], code: str) -> None:
    assert [name for name, _ in found(lot)] == [code]


def test_the_value_names_the_symbol_and_the_other_columns() -> None:
    assert found(position(position_type="SHORT")) == [
        ("side_against_sign", "10.0000, symbol AAA, position_type SHORT")
    ]


@pytest.mark.parametrize(("currency", "codes"), [("USD", []), ("usd", []), ("GBP", ["not_usd"])])
def test_a_portfolio_in_another_currency_is_found(currency: str, codes: list[str]) -> None:
    assert [code for code, _ in found(owner=portfolio(currency=currency))] == codes


def test_prices_in_pence_are_found() -> None:
    pence = pl.DataFrame({"symbol": ["AAA"], "price_currency": ["GBp"]})
    assert found(priced=pence) == [("price_not_usd", "AAA, price_currency GBp")]
    assert found(position("BBB"), priced=pence) == []


@pytest.mark.parametrize("change", [{"deleted_at": STAMP}, {"portfolio_id": uid("other")}])
def test_deleted_lots_and_lots_of_others_are_not_checked(change: dict[str, Any]) -> None:
    assert found(position(position_type="SHORT") | change) == []


@pytest.mark.parametrize("change", [{"investment_class": None}, {**CALL, "strike_price": None}])
def test_a_closed_lot_may_lack_its_class_and_terms(change: dict[str, Any]) -> None:
    assert found(position(**change) | CLOSED) == []


def test_words_say_what_to_do_and_codes_are_reasons() -> None:
    assert all(rule.fault and rule.cure for rule in RULES)
    grave = [rule.code for rule in RULES if rule.grave]
    assert [reason.code for reason in PNL.reasons[: len(grave)]] == grave
