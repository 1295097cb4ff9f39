"""What a family of figures gives back: a formula, its numbers, and what they rest on."""

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
"""A cell. A float NaN is a figure that was computed and is undefined; None is no figure."""
DIGITS = 12
"""Significant digits of a float that is shown."""
LONGEST = 30
"""Significant digits of an exact decimal that is shown whole."""


def shown(value: Value) -> str:
    """A value as text."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.{DIGITS}g}"
        case Decimal():
            # A quotient has as many digits as it is given; a sum or a product has no more than these.
            return f"{value:f}" if len(value.as_tuple().digits) <= LONGEST else f"{value:.{DIGITS}g}"
        case _:
            return str(value)


@dataclass(frozen=True)
class Step:
    """One number on the way.

    name: as the formula spells it. what: in words, with its unit. source: the table and row that
    it was read from, or how it was computed.
    """

    name: str
    value: Value
    what: str
    source: str = ""


@dataclass(frozen=True)
class Sample:
    """The sessions that a figure rests on.

    look_back: calendar days, both ends inclusive. used: those with a close of everything that is
    needed. left_out: the others of the look-back, each with what is missing.
    """

    look_back: int
    used: tuple[date, ...]
    left_out: tuple[tuple[date, str], ...] = ()

    @property
    def gaps(self) -> list[str]:
        """What is left out, consecutive sessions that lack the same together."""
        found: list[str] = []
        runs = groupby(self.left_out, key=lambda gap: (bisect(self.used, gap[0]), gap[1]))
        for (_, why), gaps in runs:
            days = [day for day, _ in gaps]
            span = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]} ({len(days)} sessions)"
            found.append(f"{span}: {why}")
        return found

    def __str__(self) -> str:
        span = f"{self.used[0]} to {self.used[-1]}" if self.used else "none"
        return (
            f"{len(self.used)} sessions used, {span}; {len(self.left_out)} left out of {self.look_back} days"
        )


@dataclass(frozen=True)
class Working:
    """How a figure comes about.

    formula: the figure's own, the names of steps in braces. value: before it is rounded as its
    column stores it. frames: what sums run over, by name: lots, returns, ... notes: what was
    capped, carried, read back rounded or otherwise out of the ordinary. reason: why there is no
    figure; "" where there is one. checked: whether `value` is recomputed at all.
    """

    formula: str
    value: Value
    steps: tuple[Step, ...] = ()
    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    sample: Sample | None = None
    notes: tuple[str, ...] = ()
    reason: str = ""
    checked: bool = True

    @property
    def symbolic(self) -> str:
        """The formula in names."""
        return re.sub(r"[{}]", "", self.formula)

    @property
    def filled(self) -> str:
        """The formula with its numbers; "" where it has none."""
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
    """Return the working of a figure that is absent, and why: a job's reason, or words."""
    return Working(re.sub(r"[{}]", "", formula), None, (), frames or {}, sample, reason=str(reason))


def table(schema: Mapping[str, Any], rows: Iterable[Sequence[object]]) -> pl.DataFrame:
    """Rows of plain values as a frame."""
    return pl.DataFrame(list(rows), schema=dict(schema), orient="row")
