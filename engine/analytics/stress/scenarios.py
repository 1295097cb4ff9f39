"""Stress scenarios, read from a file and validated.

The file is JSON or TOML of one structure, that of the legacy batch:

    stress_scenarios: {group: {scenario id: {name, description, shocked_factors or window, category,
        severity, active}}}
    configuration: {min_factor_correlation, max_factor_correlation}

A shock is a fraction, 0.05 for a rise of 5 %; that of Interest_Rate is a change of yield, 0.005 for 50
basis points. A window, [from, to], replays dated history: see `engine.analytics.stress.replays`. Other keys
of the legacy file are accepted and ignored; unknown ones are errors. Source: document 03 §4.1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.resources import files
from pathlib import Path

from engine.analytics.stress.scenario_file import (
    ScenarioError,
    ScenarioFileError,
    UnknownFactorError,
    mapping,
    no_unknown,
    read_document,
    read_window,
)
from engine.core.errors import UsageError, nearest
from engine.core.funds import FUND_FACTORS, RATE_FUND, SPREAD_FUNDS

RATE_SHOCK = "Interest_Rate"
KNOWN_FACTORS = (
    *(factor for fund, factor in FUND_FACTORS.items() if fund != RATE_FUND),
    RATE_SHOCK,
    *SPREAD_FUNDS,
)
"""Factors that a scenario may shock: those of the eight funds, and the spreads, which correlate with no
other factor."""

DEFAULT_FILE = "stress_scenarios.toml"
GIVEN = "given in code"
"""Source, in messages, of a scenario that is not from a file."""
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
WINDOW = "window"
"""Field in place of shocked_factors."""
EXTRA_FIELDS = ("optional", "historical_period")
"""Fields of the legacy file that nothing reads."""


@dataclass(frozen=True)
class Scenario:
    """One stress scenario.

    Attributes:
        id: as in stress_test_scenarios.scenario_id.
        group: its group in the file; results have it as their category.
        name: in words.
        description: in words.
        shocks: fractions by factor, in the file's order; none before a window is replayed.
        category: its own category in the file.
        severity: as the file says.
        active: whether runs compute it.
        window: first and last day of the history that it replays; None where the shocks are given.
    """

    id: str
    group: str
    name: str
    description: str
    shocks: Mapping[str, float]
    category: str
    severity: str
    active: bool
    window: tuple[date, date] | None = None


@dataclass(frozen=True)
class Scenarios:
    """The assumptions of a run's stress tests: a validated scenario file, or scenarios built in code.

    Attributes:
        all: in the file's order.
        bounds: least and largest correlation of two different factors.
        half_life: sessions after which a day counts half in those correlations; None for the decay of
            `engine.analytics.stress.factor_correlations`. A file cannot set it.

    Raises:
        UsageError: If the half-life is not a number above 0.
    """

    all: tuple[Scenario, ...]
    bounds: tuple[float, float] = DEFAULT_BOUNDS
    half_life: float | None = None

    def __post_init__(self) -> None:
        if self.half_life is not None and not (_is_finite(self.half_life) and self.half_life > 0):
            raise UsageError(f"half_life must be a number of sessions above 0, not {self.half_life}")

    @property
    def active(self) -> tuple[Scenario, ...]:
        """The scenarios that a run computes."""
        return tuple(scenario for scenario in self.all if scenario.active)

    @property
    def windows(self) -> tuple[tuple[date, date], ...]:
        """The windows of history that a run replays."""
        return tuple(scenario.window for scenario in self.active if scenario.window is not None)

    def plus(self, *more: Scenario) -> Scenarios:
        """Return these scenarios and more.

        Args:
            more: scenarios with ids of their own; an id that is already used raises ScenarioError.
        """
        every = (*self.all, *more)
        _no_repeats(GIVEN, every)
        return replace(self, all=every)

    def only(self, *ids: str) -> Scenarios:
        """Return the scenarios of these ids alone.

        Args:
            ids: of scenarios, in the order in which they are computed.

        Raises:
            UsageError: If there is no scenario of an id.
        """
        known = {scenario.id: scenario for scenario in self.all}
        for name in ids:
            if name not in known:
                raise UsageError(f"there is no scenario {name}{nearest(name, known)}")
        return replace(self, all=tuple(known[name] for name in ids))


def scenario(
    name: str,
    shocks: Mapping[str, float] | None = None,
    *,
    window: tuple[date, date] | None = None,
    id: str = "",
    description: str = "",
    group: str = "custom",
    severity: str = "custom",
) -> Scenario:
    """Build a scenario in code, validated like one of a file.

    Args:
        name: in words.
        shocks: fractions by factor: -0.2 for a fall of 20 %; of Interest_Rate a change of yield.
        window: first and last day of the history to replay, in place of shocks.
        id: default the name in small letters with underscores.
        description: default the name.
        group: the category of its results.
        severity: any word.

    Returns:
        The scenario. Without a shock and a window, with both, with an unknown factor or a shock that is not a
        finite number it raises ScenarioError.

    >>> dip = scenario("Market dip", {"Market": -0.1, "Interest_Rate": 0.005})
    >>> dip.id
    'market_dip'
    >>> Scenarios((dip,), half_life=20).active == (dip,)
    True
    """
    fields: dict[str, object] = {
        "name": name,
        "description": description or name,
        "category": group,
        "severity": severity,
        "active": True,
    }
    if shocks is not None or window is None:
        fields["shocked_factors"] = dict(shocks or {})
    if window is not None:
        fields[WINDOW] = window
    return _scenario(GIVEN, group, id or "_".join(name.lower().split()), fields)


def load_scenarios(path: Path | None = None) -> Scenarios:
    """Read and validate a scenario file; by default the one that comes with the engine.

    Args:
        path: a JSON or TOML file.

    Returns:
        The validated scenarios.

    Raises:
        ScenarioFileError: If the file cannot be read, is neither JSON nor TOML, has no scenario, or has
            unknown or repeated keys; as ScenarioError if a scenario lacks a field, has one of the wrong
            type or repeats an id; as UnknownFactorError if it shocks an unknown factor.
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
        raise ScenarioFileError(source, "it has no scenario")
    _no_repeats(source, scenarios)
    return Scenarios(scenarios, _bounds(source, document.get("configuration", {})))


def _no_repeats(source: str, scenarios: Sequence[Scenario]) -> None:
    """Refuse an id that two scenarios share."""
    groups: dict[str, str] = {}
    for scenario in scenarios:
        if scenario.id in groups:
            where = f"{groups[scenario.id]} and {scenario.group}"
            raise ScenarioError(source, scenario.id, f"the id is used twice, in {where}")
        groups[scenario.id] = scenario.group


def _scenario(source: str, group: str, key: str, body: object) -> Scenario:
    """Return a scenario from the fields of its table."""
    fields = mapping(source, f"scenario {key}", body)
    no_unknown(source, fields, (*FIELDS, WINDOW, *EXTRA_FIELDS), f"scenario {key}: ")
    if WINDOW in fields and "shocked_factors" in fields:
        raise ScenarioError(source, key, "it has both window and shocked_factors", "Leave one of them out")
    for name in FIELDS:
        if name not in fields and not (name == "shocked_factors" and WINDOW in fields):
            raise ScenarioError(source, key, f"field {name} is missing")
    for name in TEXT_FIELDS:
        if not isinstance(fields[name], str) or not fields[name].strip():
            raise ScenarioError(source, key, f"field {name} must be a text that is not blank")
    if not isinstance(fields["active"], bool):
        raise ScenarioError(source, key, "field active must be true or false")
    texts = {name: fields[name] for name in TEXT_FIELDS}
    window = read_window(source, key, fields[WINDOW]) if WINDOW in fields else None
    shocks = {} if window else _shocks(source, key, fields["shocked_factors"])
    return Scenario(id=key, group=group, shocks=shocks, active=fields["active"], window=window, **texts)


def _shocks(source: str, key: str, value: object) -> Mapping[str, float]:
    """Return a scenario's shocks by factor."""
    if not isinstance(value, dict) or not value:
        raise ScenarioError(source, key, "field shocked_factors must name a factor and its shock")
    for factor, shock in value.items():
        if factor not in KNOWN_FACTORS:
            raise UnknownFactorError(source, key, factor, KNOWN_FACTORS)
        if not _is_finite(shock):
            raise ScenarioError(source, key, f"the shock of {factor} must be a finite number, not {shock}")
    return {factor: float(shock) for factor, shock in value.items()}


def _is_finite(value: object) -> bool:
    """Return whether a parsed value is a finite number."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer too large for a double
        return False


def _bounds(source: str, configuration: object) -> tuple[float, float]:
    """Return the least and the largest correlation of a file's configuration."""
    values = mapping(source, "configuration", configuration)
    no_unknown(source, values, CONFIGURATION_KEYS, "configuration: ")
    low, high = (values.get(name, bound) for name, bound in zip(BOUNDS, DEFAULT_BOUNDS, strict=True))
    if not (_is_finite(low) and _is_finite(high) and -1.0 <= low <= high <= 1.0):
        problem = f"{' and '.join(BOUNDS)} must be a range within -1 and 1, not {low}, {high}"
        raise ScenarioFileError(source, f"configuration: {problem}")
    return float(low), float(high)
