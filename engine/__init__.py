"""A columnar engine for nightly portfolio analytics.

The public names are loaded when they are first used: `python -m engine --help` needs none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.api import compare, load
    from engine.errors import EngineError
    from engine.inputs import Inputs
    from engine.job import backfill
    from engine.parity import Comparison
    from engine.pipeline import compute
    from engine.report import Report
    from engine.results import Results
    from engine.rules import Rules
    from engine.store import Store, open
    from engine.window import Window

_HOMES = {
    "Comparison": "engine.parity",
    "EngineError": "engine.errors",
    "Inputs": "engine.inputs",
    "Report": "engine.report",
    "Results": "engine.results",
    "Rules": "engine.rules",
    "Store": "engine.store",
    "Window": "engine.window",
    "backfill": "engine.job",
    "compare": "engine.api",
    "compute": "engine.pipeline",
    "load": "engine.api",
    "open": "engine.store",
}

__all__ = [
    "Comparison",
    "EngineError",
    "Inputs",
    "Report",
    "Results",
    "Rules",
    "Store",
    "Window",
    "backfill",
    "compare",
    "compute",
    "load",
    "open",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
