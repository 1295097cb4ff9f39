"""Refused rows of a user's file, and the error that lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.core.errors import EngineError

SHOWN = 5
"""Refusals that the message of an error lists; the others are counted."""


@dataclass(frozen=True)
class Refusal:
    """A row that cannot be used, and why.

    Attributes:
        source: Name of the file or frame.
        line: Line of the file, or row of the frame, counted from 1.
        reason: In words, with column and value.
    """

    source: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.source}, line {self.line}: {self.reason}"


class BookError(EngineError, ValueError):
    """A book that cannot be read: a file of the wrong form, or rows that are refused."""

    def __init__(self, problem: str, refusals: Sequence[Refusal] = (), hint: str = "") -> None:
        self.refusals = tuple(refusals)
        rest = len(refusals) - SHOWN
        lines = [*map(str, refusals[:SHOWN]), *([f"and {rest:,} more"] if rest > 0 else [])]
        super().__init__("; ".join([*([problem] if problem else []), *lines]), hint)
