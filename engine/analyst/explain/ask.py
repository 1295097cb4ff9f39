"""The requested figure: table, column and row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.analyst.explain.case import PositionLot


@dataclass(frozen=True)
class Ask:
    """One figure of one row. Key parts that the table's rows do not have stay at their defaults.

    Attributes:
        table: Table name.
        column: Column of the figure.
        row: Stored row, None if there is none.
        lot: Lot of a row of a position.
        factor: Factor name.
        scenario: Scenario id.
        pair: Two symbols of a correlation.
        job: Job of analytics_status.
        tag: Tag name.
        row_key: Further columns of the row's key with their values, as in `selection.ROW_KEYS`.
    """

    table: str
    column: str
    row: dict[str, Any] | None = None
    lot: PositionLot | None = None
    factor: str = ""
    scenario: str = ""
    pair: tuple[str, str] = ("", "")
    job: str = ""
    tag: str = ""
    row_key: tuple[tuple[str, str | int], ...] = ()

    def part(self, column: str) -> str | int:
        """Return the value of a column of `row_key`."""
        return dict(self.row_key)[column]

    @property
    def position(self) -> PositionLot:
        """PositionLot of a table with one row for each position."""
        assert self.lot is not None
        return self.lot
