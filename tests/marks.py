"""Which of a test's many cases are of every day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest


def first(count: int, cases: Sequence[Any]) -> list[Any]:
    """Cases of which the first few are run every day, and the others by `pytest -m thorough`."""
    return [*cases[:count], *(pytest.param(case, marks=pytest.mark.thorough) for case in cases[count:])]
