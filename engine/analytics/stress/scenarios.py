"""Scenarios: what stress tests assume, read from a file and held to its rules.

The file is JSON or TOML of one structure, that of the legacy batch:

    stress_scenarios: {group: {scenario id: {name, description, shocked_factors, category,
        severity, active}}}
    configuration: {min_factor_correlation, max_factor_correlation}

A shock is a fraction, 0.05 for a rise of 5 %; that of Interest_Rate is a change of yield, 0.005
for 50 basis points. Other keys of the legacy file are known and not looked at; unknown ones are
errors. Source: document 03 §4.1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from engine.analytics.stress.scenario_errors import ScenarioError, ScenarioFileError, UnknownFactorError
from engine.analytics.stress.scenario_file import mapping, no_unknown, read_document
from engine.core.errors import UsageError, nearest
from engine.core.funds import FUND_FACTORS, RATE_FUND, SPREAD_FUNDS

RATE_SHOCK = "Interest_Rate"
KNOWN_FACTORS = (
    *(factor for fund, factor in FUND_FACTORS.items() if fund != RATE_FUND),
    RATE_SHOCK,
    *SPREAD_FUNDS,
)
"""What a scenario may shock: the eight funds' factors, and the spreads, which correlate with
nothing but themselves."""

DEFAULT_FILE = "stress_scenarios.toml"
GIVEN = "given in code"
"""Where a scenario comes from that no file holds."""
TOP_KEYS = ("stress_scenarios", "configuration", "factor_mappings", "severity_levels")
BOUNDS = ("min_factor_correlation", "max_factor_correlation")
DEFAULT_BOUNDS = (-0.95, 0.95)
CONFIGURATION_KEYS = (
    *BOUNDS,
    "default_lookback_days",
    "correlation_decay_factor",
    "stress_magnitude_cap",
    "enable_cross_correlations",
    "default_confidence_level",
)
TEXT_FIELDS = ("name", "description", "category", "severity")
FIELDS = (*TEXT_FIELDS, "shocked_factors", "active")
EXTRA_FIELDS = ("optional", "historical_period")
"""Fields of the legacy file that nothing reads."""


@dataclass(frozen=True)
class Scenario:
    """One scenario.

    id: as in stress_test_scenarios.scenario_id. group: the file's grouping, which results bear as
    their category; category: the scenario's own. shocks: fractions by factor, in the file's
    order; severity: a word of the file's.
    """

    id: str
    group: str
    name: str
    description: str
    shocks: Mapping[str, float]
    category: str
    severity: str
    active: bool


@dataclass(frozen=True)
class Scenarios:
    """What a run's stress tests assume: a validated scenario file, or what was made of one.

    all: in the file's order. bounds: least and largest correlation of two different factors.
    half_life: sessions after which a day counts half in those correlations; None for the decay of
        `engine.analytics.stress.factor_correlations`. No file can set it.
    """

    all: tuple[Scenario, ...]
    bounds: tuple[float, float] = DEFAULT_BOUNDS
    half_life: float | None = None

    def __post_init__(self) -> None:
        if self.half_life is not None and not (_is_finite(self.half_life) and self.half_life > 0):
            raise UsageError(f"half_life is no number of sessions above 0: {self.half_life}")

    @property
    def active(self) -> tuple[Scenario, ...]:
        """The scenarios that a run computes."""
        return tuple(scenario for scenario in self.all if scenario.active)

    def plus(self, *more: Scenario) -> Scenarios:
        """These and more.

        Raises:
            ScenarioError: an id that stands there already.
        """
        every = (*self.all, *more)
        _no_repeats(GIVEN, every)
        return replace(self, all=every)

    def only(self, *ids: str) -> Scenarios:
        """The scenarios of these ids alone."""
        known = {scenario.id: scenario for scenario in self.all}
        for name in ids:
            if name not in known:
                raise UsageError(f"there is no scenario {name}{nearest(name, known)}")
        return replace(self, all=tuple(known[name] for name in ids))


def scenario(
    name: str,
    shocks: Mapping[str, float],
    *,
    id: str = "",
    description: str = "",
    group: str = "custom",
    severity: str = "custom",
) -> Scenario:
    """A scenario of one's own, held to the rules of a scenario file.

    Args:
        name: in words. id: default the name in small letters with underscores.
        shocks: fractions by factor: -0.2 for a fall of 20 %; of Interest_Rate a change of yield.

    Raises:
        ScenarioError: no shock, an unknown factor, a shock that is no finite number.

    >>> dip = scenario("Market dip", {"Market": -0.1, "Interest_Rate": 0.005})
    >>> dip.id
    'market_dip'
    >>> Scenarios((dip,), half_life=20).active == (dip,)
    True
    """
    fields = {
        "name": name,
        "description": description or name,
        "category": group,
        "severity": severity,
        "shocked_factors": dict(shocks),
        "active": True,
    }
    return _scenario(GIVEN, group, id or "_".join(name.lower().split()), fields)


def load_scenarios(path: Path | None = None) -> Scenarios:
    """Read and validate a scenario file; by default the one that comes with the engine.

    Raises:
        ScenarioFileError: the file is not there, not JSON or TOML, empty, or has unknown or
            repeated keys.
        ScenarioError: a scenario lacks a field or has one of the wrong kind.
        UnknownFactorError: a scenario shocks something unknown.
    """
    source = str(path or DEFAULT_FILE)
    document = read_document(path or files("engine.analytics.stress").joinpath(DEFAULT_FILE), source)
    no_unknown(source, document, TOP_KEYS)
    groups = mapping(source, "stress_scenarios", document.get("stress_scenarios", {}))
    scenarios = tuple(
        _scenario(source, group, key, body)
        for group, members in groups.items()
        for key, body in mapping(source, f"group {group}", members).items()
    )
    if not scenarios:
        raise ScenarioFileError(source, "there is no scenario in it")
    _no_repeats(source, scenarios)
    return Scenarios(scenarios, _bounds(source, document.get("configuration", {})))


def _no_repeats(source: str, scenarios: Sequence[Scenario]) -> None:
    groups: dict[str, str] = {}
    for scenario in scenarios:
        if scenario.id in groups:
            where = f"{groups[scenario.id]} and {scenario.group}"
            raise ScenarioError(source, scenario.id, f"the id stands there twice, in {where}")
        groups[scenario.id] = scenario.group


def _scenario(source: str, group: str, key: str, body: object) -> Scenario:
    fields = mapping(source, f"scenario {key}", body)
    no_unknown(source, fields, (*FIELDS, *EXTRA_FIELDS), f"scenario {key}: ")
    for name in FIELDS:
        if name not in fields:
            raise ScenarioError(source, key, f"field {name} is missing")
    for name in TEXT_FIELDS:
        if not isinstance(fields[name], str) or not fields[name].strip():
            raise ScenarioError(source, key, f"field {name} is not a text")
    if not isinstance(fields["active"], bool):
        raise ScenarioError(source, key, "field active is neither true nor false")
    texts = {name: fields[name] for name in TEXT_FIELDS}
    shocks = _shocks(source, key, fields["shocked_factors"])
    return Scenario(id=key, group=group, shocks=shocks, active=fields["active"], **texts)


def _shocks(source: str, key: str, value: object) -> Mapping[str, float]:
    if not isinstance(value, dict) or not value:
        raise ScenarioError(source, key, "field shocked_factors names no factor and its shock")
    for factor, shock in value.items():
        if factor not in KNOWN_FACTORS:
            raise UnknownFactorError(source, key, factor, KNOWN_FACTORS)
        if not _is_finite(shock):
            raise ScenarioError(source, key, f"the shock of {factor} is not a finite number: {shock}")
    return {factor: float(shock) for factor, shock in value.items()}


def _is_finite(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer beyond the doubles
        return False


def _bounds(source: str, configuration: object) -> tuple[float, float]:
    found = mapping(source, "configuration", configuration)
    no_unknown(source, found, CONFIGURATION_KEYS, "configuration: ")
    low, high = (found.get(name, bound) for name, bound in zip(BOUNDS, DEFAULT_BOUNDS, strict=True))
    if not (_is_finite(low) and _is_finite(high) and -1.0 <= low <= high <= 1.0):
        problem = f"{' and '.join(BOUNDS)} are no range within -1 and 1: {low}, {high}"
        raise ScenarioFileError(source, f"configuration: {problem}")
    return float(low), float(high)
