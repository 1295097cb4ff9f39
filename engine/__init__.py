"""A columnar engine for nightly portfolio analytics.

The public names are loaded when they are first used: `engine --help` needs none.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING

from engine.core.version import VERSION

if TYPE_CHECKING:
    from engine.analyst import whatif
    from engine.analyst.api import compare, load
    from engine.analyst.book import book
    from engine.analyst.effect import Effect, effect
    from engine.analyst.explain import Explanation, explain
    from engine.analyst.score import Score, score
    from engine.analyst.store import Store, open
    from engine.analytics.stress.scenarios import Scenario, Scenarios, load_scenarios, scenario
    from engine.batch.backfill import backfill
    from engine.batch.report import Report
    from engine.core.errors import EngineError
    from engine.core.rules import Rules
    from engine.core.window import Window
    from engine.parity import Comparison
    from engine.pipeline.changed import Changed, what_changed
    from engine.pipeline.compute import compute
    from engine.pipeline.inputs import Inputs
    from engine.pipeline.results import Results
    from sql.metadata import alembic_include_object, alembic_include_object_compact, schema_metadata

__version__ = VERSION

_HOMES = {
    "Changed": "engine.pipeline.changed",
    "Comparison": "engine.parity",
    "Effect": "engine.analyst.effect",
    "EngineError": "engine.core.errors",
    "Explanation": "engine.analyst.explain",
    "Inputs": "engine.pipeline.inputs",
    "Report": "engine.batch.report",
    "Results": "engine.pipeline.results",
    "Rules": "engine.core.rules",
    "Scenario": "engine.analytics.stress.scenarios",
    "Scenarios": "engine.analytics.stress.scenarios",
    "Score": "engine.analyst.score",
    "Store": "engine.analyst.store",
    "Window": "engine.core.window",
    "alembic_include_object": "sql.metadata",
    "alembic_include_object_compact": "sql.metadata",
    "backfill": "engine.batch.backfill",
    "book": "engine.analyst.book",
    "compare": "engine.analyst.api",
    "compute": "engine.pipeline.compute",
    "effect": "engine.analyst.effect",
    "explain": "engine.analyst.explain",
    "load": "engine.analyst.api",
    "load_scenarios": "engine.analytics.stress.scenarios",
    "open": "engine.analyst.store",
    "scenario": "engine.analytics.stress.scenarios",
    "schema_metadata": "sql.metadata",
    "score": "engine.analyst.score",
    "what_changed": "engine.pipeline.changed",
}
_ALIASES = {"engine.whatif": "engine.analyst.whatif"}
"""Modules that are importable from the root although their file is in a package."""

__all__ = [
    "Changed",
    "Comparison",
    "Effect",
    "EngineError",
    "Explanation",
    "Inputs",
    "Report",
    "Results",
    "Rules",
    "Scenario",
    "Scenarios",
    "Score",
    "Store",
    "Window",
    "alembic_include_object",
    "alembic_include_object_compact",
    "backfill",
    "book",
    "compare",
    "compute",
    "effect",
    "explain",
    "load",
    "load_scenarios",
    "open",
    "scenario",
    "schema_metadata",
    "score",
    "what_changed",
    "whatif",
]


class _AliasFinder(MetaPathFinder, Loader):
    """Let `import engine.whatif` return the module it stands for, loaded on first use."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return a spec for an alias, None for all other names."""
        return ModuleSpec(name, self) if name in _ALIASES else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module behind the alias."""
        return import_module(_ALIASES[spec.name])

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: `create_module` returned a loaded module."""


sys.meta_path.append(_AliasFinder())


def __getattr__(name: str) -> object:
    if f"engine.{name}" in _ALIASES:
        return import_module(_ALIASES[f"engine.{name}"])
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
