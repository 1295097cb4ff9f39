"""Explanations: how a stored figure came about, recomputed one step after the other."""

from __future__ import annotations

from engine.explanation.explaining import explain
from engine.explanation.explanation import Explanation

__all__ = ["Explanation", "explain"]
