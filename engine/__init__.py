"""A columnar engine for nightly portfolio analytics.

The public names are loaded when they are first used: `python -m engine --help` needs none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine import whatif
    from engine.api import compare, load
    from engine.changed import Changed, what_changed
    from engine.errors import EngineError
    from engine.explanation import Explanation, explain
    from engine.inputs import Inputs
    from engine.job import backfill
    from engine.parity import Comparison
    from engine.pipeline import compute
    from engine.report import Report
    from engine.results import Results
    from engine.rules import Rules
    from engine.scenarios import Scenario, Scenarios, load_scenarios, scenario
    from engine.store import Store, open
    from engine.window import Window

_HOMES = {
    "Changed": "engine.changed",
    "Comparison": "engine.parity",
    "EngineError": "engine.errors",
    "Explanation": "engine.explanation",
    "Inputs": "engine.inputs",
    "Report": "engine.report",
    "Results": "engine.results",
    "Rules": "engine.rules",
    "Scenario": "engine.scenarios",
    "Scenarios": "engine.scenarios",
    "Store": "engine.store",
    "Window": "engine.window",
    "backfill": "engine.job",
    "compare": "engine.api",
    "compute": "engine.pipeline",
    "explain": "engine.explanation",
    "load": "engine.api",
    "load_scenarios": "engine.scenarios",
    "open": "engine.store",
    "scenario": "engine.scenarios",
    "what_changed": "engine.changed",
}
_MODULES = ("whatif",)

__all__ = [
    "Changed",
    "Comparison",
    "EngineError",
    "Explanation",
    "Inputs",
    "Report",
    "Results",
    "Rules",
    "Scenario",
    "Scenarios",
    "Store",
    "Window",
    "backfill",
    "compare",
    "compute",
    "explain",
    "load",
    "load_scenarios",
    "open",
    "scenario",
    "what_changed",
    "whatif",
]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"engine.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
