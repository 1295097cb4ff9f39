"""The rules as text and as a store's record."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from itertools import product
from typing import get_args, get_type_hints

import pytest

from engine.core.errors import UsageError
from engine.core.rules import SETS, Rules

VALUES = {field.name: get_args(get_type_hints(Rules)[field.name]) for field in fields(Rules)}


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_named(name: str) -> None:
    rules = getattr(Rules, name)()
    assert Rules.parse(name) == rules
    assert str(rules) == name


@pytest.mark.parametrize(("name", "base"), [*product(VALUES, SETS)])
def test_each_rule_can_be_chosen_alone(name: str, base: str) -> None:
    for value in VALUES[name]:
        rules = Rules.parse(f"{base},{name}={value}")
        assert rules == replace(getattr(Rules, base)(), **{name: value})
        assert Rules.parse(str(rules)) == rules


def test_rules_without_a_set_depart_from_legacy() -> None:
    assert Rules.parse("rate_weights=signed , closed_lots=stop") == replace(
        Rules.legacy(), rate_weights="signed", closed_lots="stop"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lagacy", "no set of rules 'lagacy' (nearest: legacy)"),
        ("", "no set of rules ''"),
        ("legacy,corrected", "no rule 'corrected'"),
        ("legacy,rate_weight=signed", "no rule 'rate_weight' (nearest: rate_weights)"),
        ("legacy,rate_weights=none", "rule rate_weights has no value 'none': it is one of absolute, signed"),
        ("legacy,rate_weights=", "rule rate_weights has no value ''"),
        ("rate_weights=signed,rate_weights=absolute", "gives a rule twice"),
    ],
)
def test_what_is_no_rule_is_named(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        Rules.parse(text)


def test_a_record_gives_the_rules_back() -> None:
    for rules in (Rules.legacy(), Rules.corrected()):
        assert Rules.from_record(rules.record) == rules


@pytest.mark.parametrize("name", VALUES)
def test_a_rule_that_the_record_lacks_is_legacy(name: str) -> None:
    record = {rule: value for rule, value in Rules.corrected().record.items() if rule != name}
    legacy = Rules.legacy().record[name]
    assert Rules.from_record(record) == replace(Rules.corrected(), **{name: legacy})


def test_a_record_of_a_newer_engine_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no rule 'later_rule'"):
        Rules.from_record({"later_rule": "right"})


def test_rules_are_among_values_if_each_has_one_of_its_own() -> None:
    values = {"factor_model": ("joint",), "factor_covariance": ("session", "session_oas")}
    oas = replace(Rules.corrected(), factor_covariance="session_oas")
    assert Rules.corrected().among(values)
    assert oas.among(values)
    assert not replace(oas, factor_model="separate").among(values)
    assert not Rules.legacy().among(values)
