"""Result of explaining a figure: formula, steps, sessions and frames."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

import polars as pl

from engine.core.job_catalog import Reason

Value = Decimal | float | int | str | bool | date | datetime | None
"""A cell. NaN is a figure that was computed and is undefined; None is no figure."""
DIGITS = 12
"""Significant digits of a float in text."""
MAX_DIGITS = 30
"""Largest number of digits of a decimal that text shows in full."""


def shown(value: Value) -> str:
    """Return a value as text."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.{DIGITS}g}"
        case Decimal():
            # Sums and products have few digits; a quotient fills its context's precision and is cut.
            return f"{value:f}" if len(value.as_tuple().digits) <= MAX_DIGITS else f"{value:.{DIGITS}g}"
        case _:
            return str(value)


@dataclass(frozen=True)
class Step:
    """One number of a formula.

    Attributes:
        name: Name in the formula.
        value: The number, not rounded.
        what: Description with its unit.
        source: Table and row that it was read from, or its calculation.
    """

    name: str
    value: Value
    what: str
    source: str = ""


@dataclass(frozen=True)
class Sample:
    """Sessions of a figure's look-back window.

    Attributes:
        look_back: Calendar days before the session, both ends inclusive.
        used: Sessions with all required closes.
        left_out: The other sessions, each with the missing closes as text.
    """

    look_back: int
    used: tuple[date, ...]
    left_out: tuple[tuple[date, str], ...] = ()

    @property
    def gaps(self) -> list[str]:
        """Lines of the sessions left out; consecutive ones with the same reason share a line."""
        lines: list[str] = []
        runs = groupby(self.left_out, key=lambda gap: (bisect(self.used, gap[0]), gap[1]))
        for (_, why), gaps in runs:
            days = [day for day, _ in gaps]
            span = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]} ({len(days)} sessions)"
            lines.append(f"{span}: {why}")
        return lines

    def __str__(self) -> str:
        span = f"{self.used[0]} to {self.used[-1]}" if self.used else "none"
        return (
            f"{len(self.used)} sessions used, {span}; {len(self.left_out)} left out of {self.look_back} days"
        )


@dataclass(frozen=True)
class Working:
    """Formula, steps and inputs of a figure.

    Attributes:
        formula: Formula of the figure, with step names in braces.
        value: Value before the rounding of its column.
        steps: Numbers of the formula.
        frames: Rows that sums run over: {name: frame}.
        sample: Sessions of the look-back window, None if the figure has none.
        notes: Special cases: capped, carried or rounded values.
        reason: Reason why there is no figure, "" if there is one.
        checked: Whether `value` is recomputed.
        tolerance: By how much the stored value may miss the computed one, in the column's unit: 0 but for
            figures of doubles whose last stored decimal hangs on the order of sums.
    """

    formula: str
    value: Value
    steps: tuple[Step, ...] = ()
    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    sample: Sample | None = None
    notes: tuple[str, ...] = ()
    reason: str = ""
    checked: bool = True
    tolerance: float = 0.0

    @property
    def symbolic(self) -> str:
        """Formula with names."""
        return re.sub(r"[{}]", "", self.formula)

    @property
    def filled(self) -> str:
        """Formula with numbers, "" if it has no steps."""
        if "{" not in self.formula:
            return ""
        return self.formula.format_map({step.name: _operand(step.value) for step in self.steps})


def _operand(value: Value) -> str:
    text = shown(value)
    return f"({text})" if text.startswith("-") else text


def absent(
    formula: str,
    reason: Reason | str,
    *,
    frames: Mapping[str, pl.DataFrame] | None = None,
    sample: Sample | None = None,
) -> Working:
    """Return the working of a figure that does not exist.

    Args:
        formula: Formula of the figure.
        reason: A job's reason, or text.
        frames: Rows behind the figure.
        sample: Sessions of the look-back window.

    Returns:
        Working without a value.
    """
    return Working(re.sub(r"[{}]", "", formula), None, (), frames or {}, sample, reason=str(reason))


def table(schema: Mapping[str, Any], rows: Iterable[Sequence[object]]) -> pl.DataFrame:
    """Return rows of plain values as a frame.

    Args:
        schema: Polars types by column.
        rows: Cells in the order of the columns; None is null.
    """
    return pl.DataFrame(list(rows), schema=dict(schema), orient="row")
