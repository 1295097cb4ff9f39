"""Contributions of factors and positions to each portfolio's predicted volatility."""

from __future__ import annotations

from collections.abc import Mapping

_RULES = {"factor_model": ("joint",), "factor_covariance": ("session", "session_oas")}


def runs_by(record: Mapping[str, str]) -> bool:
    """Return whether the job `risk` runs by some rules: exposures that add up, a session's covariance.

    Args:
        record: of `engine.core.rules.Rules`.
    """
    return all(record[rule] in values for rule, values in _RULES.items())
