"""Explanations of stored figures: formula, steps, inputs and a recomputed value."""

from __future__ import annotations

from engine.analyst.explain.explaining import explain
from engine.analyst.explain.explanation import Explanation

__all__ = ["Explanation", "explain"]
