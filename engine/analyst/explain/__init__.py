"""Explanations: how a stored figure came about, recomputed one step after the other."""

from __future__ import annotations

from engine.analyst.explain.explaining import explain
from engine.analyst.explain.explanation import Explanation

__all__ = ["Explanation", "explain"]
