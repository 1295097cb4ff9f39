"""Form of figures: signs, units, and missing figures."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from engine.html.cells import JOINER, MINUS, Cell, count, money, percent, quantity, ratio, short_money


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (money(1162157.01, "USD"), "$1,162,157"),
        (money(-4524.6, "USD"), f"{MINUS}$4,525"),
        (money(Decimal("-0.03"), "USD", cents=True), f"{MINUS}$0.03"),
        (money(-0.4, "USD"), "$0"),
        (money(12.5, "CHF", cents=True), "CHF 12.50"),
        (percent(-0.15234), f"{MINUS}15.2%"),
        (percent(-0.0004), "0.0%"),
        (percent(1.59, digits=2), "159.00%"),
        (ratio(0.27), "0.27"),
        (ratio(-0.0371, digits=3), f"{MINUS}0.037"),
        (count(12345), "12,345"),
        (quantity(Decimal("-364.6304")), f"{MINUS}364.6304"),
        (quantity(Decimal("810.0000")), "810"),
        (quantity(Decimal("1000.0000")), "1,000"),
    ],
)
def test_a_figure_has_its_sign_before_its_unit(cell: Cell, text: str) -> None:
    assert cell.text == text
    assert cell.number


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (1_162_157.01, "$1.16M"),
        (-24_850.42, f"{MINUS}$24.85k"),
        (2.5e9, "$2.50bn"),
        (-12.0, f"{MINUS}$12"),
        (0.0, "$0"),
    ],
)
def test_a_sentence_has_short_amounts(amount: float, text: str) -> None:
    assert short_money(amount, "USD").replace(JOINER, "") == text


@pytest.mark.parametrize("form", [percent, ratio, count])
def test_null_is_shown_with_its_reason_and_has_no_number(form: type[Cell]) -> None:
    cell = form(None, "fewer than 63 returns")  # type: ignore[arg-type]
    assert cell == Cell("not computed: fewer than 63 returns", missing=True)


def test_undefined_is_neither_null_nor_zero() -> None:
    cell = ratio(math.nan)
    assert (cell.text, cell.value, cell.missing) == ("undefined", "NaN", True)


def test_gains_and_losses_are_toned_and_nothing_else_is() -> None:
    tones = [money(amount, "USD", toned=True).tone for amount in (5.0, -5.0, 0.0)]
    assert tones == ["up", "down", ""]
    assert money(5.0, "USD").tone == ""
